/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Shared by drag.c and drag_down.c alone. The functions return 0 or -ENOMEM. */

#include "diff/drag.h"

typedef struct Drag {
        Judge *judge;
        Drags *drags;
        Subject **queue; /* what starts or restarts, and what is dragged into it */
        size_t n_queued, n_pulled, n_allocated; /* n_pulled: those whose own needs were looked at */
} Drag;

/* The subject does it, by itself. */
int drag_note(Drag *drag, const Subject *subject, const char *by, const char *via, Verb verb)
                must_check;
/* Is it up when the starts begin, and stays up? */
bool drag_is_up(const Judge *judge, const Subject *subject);

/* The same on every running host: never asked for. */
bool drag_is_known_anyway(const Subject *subject);

/* A stop goes on to what hangs on it. */
int drag_stop(Drag *drag, Subject *subject, const char *by, const char *via) must_check;
/* What goes down with a subject that ends without a job. */
int drag_bound(Drag *drag, Subject *subject, Side side) must_check;
int drag_timers(Drag *drag) must_check;
int drag_mounts(Drag *drag) must_check;
int drag_unneeded(Drag *drag, Side side) must_check;
