/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch writes into the database, each in one transaction: the intent before anything is
 * changed, and what it came to after the commit point or the undo. */

#include "activate/report.h"
#include "base/error.h"
#include "state/record.h"
#include "switch/engine.h"

/* The generation (unless it is stored already), the record with the plan, and everything that will
 * be displaced or overridden. Sets record->id and record->to_number. Not synced: the caller does
 * that with all that is staged, before there is a manifest. */
int store_intent(Host *host,
                const EngineResult *result,
                const EngineOptions *options,
                SwitchRecord *record,
                Error *reterr) must_check;
/* Syncs what is not on the file system of /etc, of the database and the bundles of containers: the
 * rest goes with what the caller syncs there. */
int store_sync(const Host *host, Error *reterr) must_check;
/* The manifest is there. Not synced: the caller does that with the flip, before it commits. */
int store_staged(Host *host, const SwitchRecord *record, Error *reterr) must_check;

/* Within the open transaction: the switch is committed, which moves the profile as its verb says.
 */
int store_moved(Host *host, const SwitchRecord *record, Error *reterr) must_check;

/* The generation runs, and waits for its confirmation until record->confirm_by_usec. */
int store_held(Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr)
                must_check;

/* A switch that had nothing to do, or that only says what the next boot takes: only the new origin
 * is noted. */
int store_nothing_to_do(Host *host,
                const EngineResult *result,
                const EngineOptions *options,
                SwitchRecord *record,
                Error *reterr) must_check;

/* The generation is active: record, debts, what was given back. result: with reports and exit
 * status. */
int store_committed(Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr)
                must_check;
