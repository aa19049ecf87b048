/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Places that a switch writes to: /etc, its own state, modules and firmware, initrds, what the boot
 * loader has. Each is to be writable; those of one file system share its room. */

#include "switch/prepare.h"

/* In the arena of prepared. Of a rollback only what it cannot do without is looked at, and no room:
 * the way back is not barred by an estimate. */
int room_needs_find(Host *host,
                Prepared *prepared,
                bool is_rollback,
                Problem **ret_problems,
                size_t *ret_n_problems,
                Error *reterr) must_check;
