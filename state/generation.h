/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Profiles and their generations. Entries are kept by validity: one row for a path's version, with the range of
 * generations that it is valid for. Storing costs what changed; comparing neighbours costs what changed between them. */

#include "base/error.h"
#include "diff/tree.h"
#include "state/database.h"
#include "state/origin.h"

typedef struct Profile {
        char *name; /* "system" */
        int64_t active; /* 0: the host as found */
        int64_t default_number;
        int64_t newest; /* highest number given so far; the next one is one more */
        char *source; /* what the profile was last given; NULL: nothing yet */
} Profile;

void profile_done(Profile *profile);
static inline void profile_donep(Profile *profile) {
        profile_done(profile);
}

typedef struct Generation {
        int64_t number;
        uint64_t created_usec; /* CLOCK_REALTIME */
        Origin origin;
        char *user; /* who gave it: login name */
        char *description; /* of profile.conf; NULL */
        bool was_committed; /* some switch to it ended as committed */
} Generation;

typedef struct Generations {
        Generation *items; /* by number */
        size_t n_items;
} Generations;

void generations_done(Generations *generations);
static inline void generations_donep(Generations *generations) {
        generations_done(generations);
}

/* A profile that is not there yet is all zero with the name: no error. database: NULL likewise. */
int profile_load(Database *database, const char *name, Profile *ret_profile, Error *reterr) must_check;
int profile_set_active(Database *database, const char *name, int64_t active, int64_t default_number, Error *reterr)
        must_check;
int profile_set_source(Database *database, const char *name, const char *source, Error *reterr) must_check;

/* Stores the tree as the next number, within the open transaction: changes is the difference between the newest stored
 * generation's tree and this one (all of it as additions for the first). Contents not stored yet are. */
int generation_store(Database *database, const char *profile, const Generation *generation, const TreeChange *changes,
        size_t n_changes, int64_t *ret_number, Error *reterr) must_check;

/* The whole tree of one generation; number 0 is the empty tree. Contents come by digest: their data are loaded by
 * content_load() through database_content_loader(), those of units, fstab and profile.conf at once. -ENOENT: no such number. */
int generation_load(Database *database, const char *profile, int64_t number, Contents *contents, Tree **ret_tree,
        Error *reterr) must_check;
/* Only what differs between two generations, without loading either whole: two trees of just these paths. */
int generation_compare(Database *database, const char *profile, int64_t before, int64_t after, Contents *contents,
        Tree **ret_before, Tree **ret_after, Error *reterr) must_check;

int generation_get(Database *database, const char *profile, int64_t number, Generation *ret_generation, Error *reterr)
        must_check; /* -ENOENT */
void generation_done(Generation *generation);
static inline void generation_donep(Generation *generation) {
        generation_done(generation);
}
int generation_list(Database *database, const char *profile, Generations *ret_generations, Error *reterr) must_check;
/* The highest committed generation below number, or 0. */
int generation_previous(Database *database, const char *profile, int64_t number, int64_t *ret_number, Error *reterr)
        must_check;

/* Every version of a path: rows of (first, last) in order, for later reviews. */

/* For contents_set_loader(): userdata is the Database. The digest is verified. */
int database_content_loader(void *database, const Content *content, char **ret_data, Error *reterr);
/* Stores a content within the open transaction unless it is there; its data are loaded when needed. */
int database_store_content(Database *database, Contents *contents, Content *content, int64_t *ret_id, Error *reterr)
        must_check;
