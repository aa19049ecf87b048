/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --confirm=TIME: a switch that is complete stays open, its manifest on the disk, until somebody
 * says that he can still reach the host. Else it is taken back: by a timer of systemd's, by the
 * next boot after a power cut, by whoever recovers.
 *
 *   flip ... verdict --window_open--> open --window_confirm--> committed
 *     |                                |
 *   window_guard: a timer, for the     +--the timer, "rollback", a boot--> undone
 *   case that we do not live to see the verdict
 *
 * confirm and the timer's recovery both hold the switch lock, and the manifest is there or not:
 * that is the compare-and-set. */

#include "base/error.h"
#include "state/record.h"
#include "switch/host.h"

/* Arms the timer for the case that the window is never opened. */
int window_guard(Host *host, uint64_t at_most_usec, Error *reterr) must_check;
/* Arms it for the window, which begins now. Returns its end in ret_confirm_by, CLOCK_REALTIME. */
int window_open(Host *host, uint64_t time_usec, uint64_t *ret_confirm_by, Error *reterr) must_check;
void window_disarm(Host *host);

/* Is a window open, its time over or not? 1 with its record, strings in the arena; 0; or a
 * negative errno. */
int window_is_open(Host *host, Arena *arena, SwitchRecord *ret_record, Error *reterr) must_check;
/* -EBUSY with its text when one is, and its time is not over. */
int window_refuse(Host *host, Error *reterr) must_check;
