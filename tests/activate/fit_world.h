/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A real directory that is fitted, with what the database would remember of it. */

#include "activate/fit.h"
#include "activate/scan.h"
#include "base/text.h"
#include "diff/fit_plan.h"
#include "tests/support/cmocka.h"

enum { WORLD_MAX_DISPLACED = 256 };

typedef struct World {
        Arena arena;
        Root root;
        char *path;
        Contents *contents;
        Owners *owners;                       /* NULL when we are not root */
        Found displaced[WORLD_MAX_DISPLACED]; /* sorted by path */
        size_t n_displaced;
} World;

/* parent: where the directory is made; NULL: $TMPDIR or /tmp. */
void world_init(World *world, const char *parent);
void world_done(World *world);
static inline void world_donep(World *world) {
        world_done(world);
}

/* Makes what tests/support/tree_words.h writes (also "p PATH", a fifo). The times are old and
 * differ by path. */
void world_make(World *world, const char *words);
void world_write(World *world, const char *path, const char *text);
/* false, and said, when the file system or our rights do not allow it. */
bool world_set_xattr(World *world,
                const char *path,
                const char *name,
                const void *value,
                size_t size_bytes);

/* All that is below the root, as text: kinds, modes, owners, contents, targets, extended
 * attributes, and the times of all but directories. */
char *world_show(World *world);
/* A copy without the times: files that are made anew have new ones. */
char *shown_without_times(const char *shown);

/* What one switch knows. */
typedef struct Attempt {
        FitInput input;
        Sought *sought;
        Scan *scan;
        FitPlan *plan;
} Attempt;

enum { ATTEMPT_FORCE = 1 << 0, ATTEMPT_SAVE_EDITED = 1 << 1, ATTEMPT_LIB = 1 << 2 };

/* Scans and plans. The trees must outlive it. */
void attempt_init(World *world, const Tree *old, const Tree *new, unsigned flags, Attempt *attempt);
void attempt_done(Attempt *attempt);
static inline void attempt_donep(Attempt *attempt) {
        attempt_done(attempt);
}

int attempt_stage(World *world, const Attempt *attempt, Error *reterr) must_check;
/* Stage, flip, commit, and what the database then remembers. The test ends when any fails. */
void attempt_carry_out(World *world, const Attempt *attempt);
void attempt_remember(World *world, const Attempt *attempt);

/* Fits, and sees that nothing more is to do. */
void world_fit(World *world, const Tree *old, const Tree *new, unsigned flags);
Found world_look(World *world, const char *path);
void expect_shown(World *world, const char *expected); /* of world_show() */
void expect_text(World *world, const char *path, const char *text);

/* A bit of everything, and a profile that changes it all, in words. */
extern const char world_found[], world_profile[];
