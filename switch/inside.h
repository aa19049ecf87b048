/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A container is made what it shall be while it runs: the same as a switch of a host, of which the
 * files are fitted by the container itself. What fails is taken back. */

#include "base/error.h"

/* Returns 0, or a negative errno: the container is as it was, unless reterr says otherwise. */
int inside_activate(const char *name, Error *reterr) must_check;
