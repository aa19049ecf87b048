/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Debt: actions that were skipped, failed or timed out: what still runs an older definition, since
 * when and why. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/plan.h"
#include "state/database.h"

int debt_load(Database *database,
                const char *profile,
                Arena *arena,
                Debt **ret_debts,
                size_t *ret_n_debts,
                Error *reterr) must_check;
/* Within the open transaction. One debt for a unit of a manager: the newest reason, the oldest
 * since. */
int debt_put(Database *database, const char *profile, const Debt *debt, Error *reterr) must_check;
/* All that a switch made, when it is taken back. An older one that it only renewed stays. */
int debt_undo(Database *database, int64_t switch_id, Error *reterr) must_check;
int debt_clear(Database *database,
                const char *profile,
                const char *unit,
                uint32_t uid,
                Error *reterr) must_check;
