/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For guest_fit.c only: what a container's state directory keeps of files that give way. */

#include "activate/fit.h"

typedef struct GuestState {
        int fd, displaced_fd, saved_fd;
        const char *path;
        void (*tell)(const char *line);
} GuestState;

int guest_state_open(GuestState *state, const char *path, Error *reterr) must_check;
void guest_state_done(GuestState *state);

/* What was displaced at paths that may come back: sorted by path. The arena's, and contents'. */
int guest_state_displaced(const GuestState *state,
                const FitInput *input,
                Contents *contents,
                Arena *arena,
                Found **ret_found,
                size_t *ret_n_found,
                Error *reterr) must_check;
/* Copies the plan's edited files to where no one finds them, and puts away what is displaced; the
 * caller syncs it. Copies that a fit left that was cut off are forgotten, and so are its own when
 * it fails: else each attempt, at 400 MB say, would leave what it had copied. */
int guest_state_keep(const GuestState *state,
                const FitPlan *plan,
                const FitOptions *options,
                Error *reterr) must_check;
void guest_state_forget(const GuestState *state);
/* Right before the files give way: the copies are saved. The caller syncs it. */
int guest_state_save(const GuestState *state, const FitPlan *plan, Error *reterr) must_check;
/* Once it is committed: what was given back is no longer displaced. */
void guest_state_drop(const GuestState *state, const FitPlan *plan);

/* Writes NAME; the caller syncs it. */
int guest_write_text(int dir_fd, const char *name, const char *text, Error *reterr) must_check;
