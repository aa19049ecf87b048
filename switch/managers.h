/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The managers that a switch speaks to, each with its part of the plan: the system's, and those of
 * the users that have one running. An image has none. */

#include "activate/run_plan.h"
#include "switch/host.h"
#include "switch/prepare.h"

typedef struct Managers Managers;

/* Notes the states before; nothing acts yet. The host must be connected; prepared must outlive the
 * managers. */
int managers_new(Host *host,
                const Prepared *prepared,
                const RunOptions *options,
                Managers **ret_managers,
                Error *reterr) must_check;
Managers *managers_free(Managers *managers);
DEFINE_CLEANUP(Managers, managers_free);

/* What the units that act are before, by manager, for who has to take the switch back. In the
 * arena; its strings are the managers'. */
int managers_before(Managers *managers,
                Arena *arena,
                const UnitBefore **ret_units,
                size_t *ret_n_units,
                Error *reterr) must_check;

int managers_stop(Managers *managers, Error *reterr) must_check;
int managers_activate(Managers *managers, Error *reterr) must_check;
/* user_reports: one for each of prepared->plan->users, from malloc(); NULL where a user's manager
 * has gone. Both are set on failure too, to what could be had. */
int managers_report(Managers *managers,
                Report **ret_report,
                Report ***ret_user_reports,
                Error *reterr) must_check;
