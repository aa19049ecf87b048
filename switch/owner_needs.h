/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Users and groups that files are to be of. */

#include "switch/prepare.h"

/* Those of the switch's files that nobody makes, each with the line that names it: they are found
 * here, not while staging. In the arena of prepared. */
int owner_needs_find(const Host *host,
                Prepared *prepared,
                Problem **ret_problems,
                size_t *ret_n_problems,
                Error *reterr) must_check;
