/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was in the way and comes back: displaced files, one for a path. And what was edited by hand
 * and overridden: saved files, kept with number and time. A content goes with the last of all that
 * have it. */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/found.h"
#include "state/database.h"

/* Sorted by path; strings and attributes live in the arena, contents by digest. */
int displaced_load(Database *database,
                const char *profile,
                EntryRoot root,
                Contents *contents,
                Arena *arena,
                Found **ret_found,
                size_t *ret_n_found,
                Error *reterr) must_check;

typedef struct DisplacedPaths {
        const char *profile;
        EntryRoot root;
        const Strv *paths; /* sorted */
} DisplacedPaths;

/* The same, at these paths only: a host that was adopted has as many as it has files. */
int displaced_find(Database *database,
                const DisplacedPaths *asked,
                Contents *contents,
                Arena *arena,
                Found **ret_found,
                size_t *ret_n_found,
                Error *reterr) must_check;
/* Within the open transaction. found->content must be there for files. An older record of the path
 * stays: what was there first is what comes back. */
int displaced_put(Database *database,
                const char *profile,
                EntryRoot root,
                const Found *found,
                Contents *contents,
                int64_t switch_id,
                Error *reterr) must_check;
int displaced_drop(Database *database,
                const char *profile,
                EntryRoot root,
                const char *path,
                Error *reterr) must_check;
/* Drops what lies at paths that this generation does not manage: it was given back. */
int displaced_drop_unmanaged(
                Database *database, const char *profile, int64_t number, Error *reterr) must_check;
/* Drops what the switch put, when it was undone. */
int displaced_undo(Database *database, int64_t switch_id, Error *reterr) must_check;

typedef struct SavedFile {
        int64_t id;
        int64_t switch_id;
        uint64_t saved_usec; /* CLOCK_REALTIME */
        EntryRoot root;
        Found found;
        bool secret; /* the managed path was a secret: contents are shown only when asked by id */
} SavedFile;

int saved_put(Database *database,
                const char *profile,
                EntryRoot root,
                const Found *found,
                bool secret,
                Contents *contents,
                int64_t switch_id,
                int64_t *ret_id,
                Error *reterr) must_check;
int saved_list(Database *database,
                const char *profile,
                Contents *contents,
                Arena *arena,
                SavedFile **ret_files,
                size_t *ret_n_files,
                Error *reterr) must_check;
int saved_get(Database *database,
                int64_t id,
                Contents *contents,
                Arena *arena,
                SavedFile *ret_file,
                Error *reterr) must_check; /* -ENOENT */
