/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal of an activation in place, /run/sysswitch/activations/NAME, which the container does
 * not see: from which tree to which, and what the units were that act. It is there from before the
 * first of them acts until the switch is committed, so that both an activation that was cut off and
 * one that is undone with its switch are taken back to what was, and not to what a plan makes of
 * it. It goes with the host's power, as does all that it speaks of: no start of a container asks
 * for it. */

#include "activate/manifest.h"

/* One at a time for each container; waits at most timeout_usec. Returns the descriptor, closed to
 * unlock, or -ETIMEDOUT. */
int bundle_journal_lock(const char *name, uint64_t timeout_usec, Error *reterr) must_check;
/* So many as errands_at_once() are at work at once. Waits at most timeout_usec, as those before may
 * hang. Returns the descriptor, closed to make room, or -1: it is to go on all the same. */
int bundle_journal_take_turn(uint64_t timeout_usec) must_check;
/* Only from, to and the units count. */
int bundle_journal_write(const char *name, const Manifest *journal, Error *reterr) must_check;
/* Returns 1; 0: there is none. */
int bundle_journal_read(const char *name, Manifest **ret_journal, Error *reterr) must_check;
int bundle_journal_drop(const char *name, Error *reterr) must_check;
