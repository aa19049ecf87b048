/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch leaves owing, and what it pays: the debts, within the transaction that ends its
 * record. */

#include "activate/report.h"
#include "base/error.h"
#include "state/record.h"
#include "switch/engine.h"
#include "switch/prepare.h"

/* The managers of a plan by number: 0 is the system's, the users' follow. nth at most n_users. */
const UnitPlan *nth_units(const Plan *plan, size_t nth, uint32_t *ret_uid);
const Report *nth_report(const EngineResult *result, size_t nth); /* NULL: it has none */
const UnitStates *nth_states(const Prepared *prepared, size_t nth);

/* What a skip leaves to be done: VERB_RESTART, VERB_RELOAD, or VERB_SKIP: nothing. */
Verb settle_skip_owes(const Prepared *prepared, const UnitAction *action);
/* Debts that somebody else paid. */
int settle_paid(Host *host, const Prepared *prepared, Error *reterr) must_check;
/* By what each action came to. */
int settle_committed(Host *host,
                const EngineResult *result,
                const SwitchRecord *record,
                Error *reterr) must_check;
/* A commit whose record is ended late: what its actions came to is not known any more. All of them
 * are owed, and what its skips left, but for what is as they would have made it. */
int settle_late(Host *host, const SwitchRecord *record, Error *reterr) must_check;
