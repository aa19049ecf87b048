/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A switch while it runs. On a terminal: one line that is drawn anew, with what runs and how long,
 * and a line for each action that ended. Elsewhere only lines, as things end; what takes long is
 * named now and then. An engine whose output goes into a stream tells both, and each watcher shows
 * what is for it. */

#include "activate/run_plan.h"
#include "switch/output.h"

typedef struct ProgressView {
        const Output *output;
        bool silent;             /* --quiet, --json */
        bool is_drawn;           /* the live line is on the screen */
        uint64_t next_told_usec; /* elsewhere: age at which the oldest job is named */
} ProgressView;

/* The callbacks of an engine, with a ProgressView as userdata. */
void progress_view_step(void *view, const char *text);
void progress_view_output(void *view, const char *line);
void progress_view_progress(void *view, const Progress *progress);
/* Sets the live line. */
void progress_view_draw(ProgressView *view, const char *line);
/* Takes the live line away, before anything else is printed. */
void progress_view_clear(ProgressView *view);
