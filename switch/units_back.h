/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Brings the units of a switch that is undone back to what its manifest says of them, once the
 * files are back. By the rules of diff/restore.h; any number of times. */

#include "activate/manifest.h"
#include "activate/run_plan.h"
#include "switch/host.h"

/* The host is connected; where no units run nothing is done. A unit that does not come back is no
 * error: ret_debts, in the arena, tells of each, with verb, cause and reason; the rest of a debt is
 * the caller's to fill. */
int units_back(Host *host,
                const Manifest *manifest,
                const RunOptions *options,
                Arena *arena,
                Debt **ret_debts,
                size_t *ret_n_debts,
                Error *reterr) must_check;
