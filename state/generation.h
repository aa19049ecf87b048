/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The generations of a profile. Entries are kept by validity: one row for a path's version, with
 * the range of generations that it is valid for. Storing costs what changed; comparing neighbours
 * costs what changed between them. */

#include "base/error.h"
#include "diff/tree.h"
#include "state/database.h"
#include "state/origin.h"
#include "state/profile.h"
#include "state/stored_content.h"

typedef struct Generation {
        int64_t number;
        uint64_t created_usec; /* CLOCK_REALTIME */
        Origin origin;
        char *user;         /* who gave it: login name */
        char *description;  /* of profile.conf; NULL */
        bool was_committed; /* some switch to it ended as committed */
        bool is_pinned;     /* never pruned */
} Generation;

typedef struct Generations {
        Generation *items; /* by number */
        size_t n_items;
} Generations;

void generations_done(Generations *generations);
static inline void generations_donep(Generations *generations) {
        generations_done(generations);
}

/* Stores the tree as the next number, within the open transaction: changes is the difference
 * between the newest stored generation's tree (profile.h) and this one (all of it as additions
 * where there is none).
 * Contents not stored yet are; their data must be at hand. generation's number, was_committed
 * and is_pinned are not read. Costs what changes is long. */
int generation_store(Database *database,
                const char *profile,
                const Generation *generation,
                const TreeChange *changes,
                size_t n_changes,
                int64_t *ret_number,
                Error *reterr) must_check;

/* The whole tree of one generation; number 0 is the empty tree. Contents come by digest: their data
 * are loaded by content_load() through database_content_loader(), those of units, fstab and
 * profile.conf at once (and unverified: who writes them to a host compares the digest). For the
 * newest generation just its rows are visited; for an older one also those that later generations
 * ended. -ENOENT: no such number. */
int generation_load(Database *database,
                const char *profile,
                int64_t number,
                Contents *contents,
                Tree **ret_tree,
                Error *reterr) must_check;
/* Only what differs between two generations, without loading either whole: two trees of just the
 * paths that have another row in them (a path that was changed and changed back is in both, equal).
 * Visits the rows that began or ended between the two: for neighbours, those that differ. */
int generation_compare(Database *database,
                const char *profile,
                int64_t before,
                int64_t after,
                Contents *contents,
                Tree **ret_before,
                Tree **ret_after,
                Error *reterr) must_check;

/* What profile.conf was, in the generations first to last. */
typedef struct GenerationConf {
        int64_t first, last;
        Content *content;
} GenerationConf;

/* Of all generations that have one, in the arena. */
int generation_confs(Database *database,
                const char *profile,
                Contents *contents,
                Arena *arena,
                GenerationConf **ret_confs,
                size_t *ret_n_confs,
                Error *reterr) must_check;

/* The texts that a file had in the generations that switches since an instant of CLOCK_REALTIME
 * came from or led to. */
int generation_texts_since(Database *database,
                const char *profile,
                const char *path,
                uint64_t usec,
                Strv *ret_texts,
                Error *reterr) must_check;

int generation_get(Database *database,
                const char *profile,
                int64_t number,
                Generation *ret_generation,
                Error *reterr) must_check; /* -ENOENT */
/* For a number that is not there: -ENOENT, and whether it ever was. */
int generation_fail_missing(
                Database *database, const char *profile, int64_t number, Error *reterr) must_check;
void generation_done(Generation *generation);
static inline void generation_donep(Generation *generation) {
        generation_done(generation);
}
int generation_list(Database *database,
                const char *profile,
                Generations *ret_generations,
                Error *reterr) must_check;
/* The highest committed generation below number, or 0. */
int generation_previous(Database *database,
                const char *profile,
                int64_t number,
                int64_t *ret_number,
                Error *reterr) must_check;
