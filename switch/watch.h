/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shows what a detached switch tells, from its beginning to its end. Needs neither systemd nor the
 * bus for that: both may be restarted by the switch that is watched. */

#include "switch/output.h"
#include "switch/stream.h"

typedef struct WatchOptions {
        const Output *output;
        bool is_caller; /* Ctrl-C asks the switch to stop; else it ends the watching */
} WatchOptions;

/* For the caller, before the switch begins: from here on a Ctrl-C is kept for watch_stream(). */
void watch_hold_interrupts(void);

/* The engine has begun. Returns its exit status; -ECANCELED: it was killed; or another negative
 * errno. */
int watch_stream(StreamReader *reader, const WatchOptions *options, Error *reterr) must_check;
