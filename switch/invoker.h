/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asked: the login name that records carry. It is a note, not a permission. */

#include "base/error.h"

/* SUDO_USER, else the login that this process descends from, else the user it runs as; a number
 * where there is no name. From malloc(). */
int invoker_name(char **ret_name, Error *reterr) must_check;
