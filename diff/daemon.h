/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the manager has to read its units anew, and for which files. */

#include "diff/judge.h"

typedef struct DaemonReasons {
        const char **items;
        size_t n_items, n_allocated;
} DaemonReasons;

/* None: no daemon-reload is needed. Returns 0 or a negative errno. */
int daemon_find(Judge *judge, DaemonReasons *ret_reasons, Error *reterr) must_check;
