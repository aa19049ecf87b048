/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which file operations make a root fit a tree, what is in the way, and what must be kept first.
 * Pure: what is there comes in as values (activate/scan), the operations are carried out by
 * activate/fit. Any number of times, same result. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/found.h"
#include "diff/tree.h"

typedef enum FitVerb {
        FIT_PLACE,      /* nothing is there: the staged one is renamed into place */
        FIT_EXCHANGE,   /* the staged one is exchanged with what is there */
        FIT_REMOVE,     /* what is there goes (renamed into its slot) */
        FIT_ATTRIBUTES, /* a directory gets mode and owner in place */
        FIT_RECORD,     /* the files are right as they are: only what is kept changes */
} FitVerb;

typedef struct FitOperation {
        FitVerb verb;
        EntryRoot root;
        const char *path;
        const Entry *entry;     /* what comes; NULL for FIT_REMOVE and when give_back is set */
        const Found *give_back; /* what comes is a displaced one, with its own numbers, times and
                                   attributes; else NULL */
        const Found *found;     /* what is there; kind FOUND_NOTHING when nothing */
        bool keep_displaced;    /* first time managed: found goes to the displaced ones before */
        bool renews_displaced;  /* a package put its own there in place of ours: found takes the
                                   place of what was displaced */
        bool keep_saved; /* edited by hand and overridden: found goes to the saved ones before */
        bool drop_displaced; /* the displaced one was given back: its record ends at the commit */
} FitOperation;

typedef enum FitConflictKind {
        CONFLICT_EDITED, /* a managed path that differs from the old tree; --force saves it and goes
                            on */
        CONFLICT_IN_THE_WAY, /* a non-empty directory, socket, mount point, or a parent that is no
                                directory: always refused */
} FitConflictKind;

typedef struct FitConflict {
        FitConflictKind kind;
        EntryRoot root;
        const char *path;
        const char *what; /* for people: "was edited by hand", "is a directory that is not empty" */
} FitConflict;

typedef struct FitPlan {
        Arena arena;
        FitOperation *operations; /* in an order that works: what goes, children first; then what
                                     comes, parents first */
        size_t n_operations;
        FitConflict *conflicts;
        size_t n_conflicts;
} FitPlan;

typedef struct FitInput {
        EntryRoot root;  /* only entries of this root are looked at */
        const Tree *old; /* the generation that the root had; NULL: none */
        const Tree *new;
        const Found *found; /* sorted by path: what fit_plan_seek() asks for */
        size_t n_found;
        const Found *displaced; /* sorted by path: what was put away at paths that old manages */
        size_t n_displaced;
        bool force; /* --force: edited files are saved and replaced, and every path is made exact */
        bool save_edited;  /* rollback: edited files among the changed paths are saved and replaced
                            */
        bool keeps_others; /* what is no directory and was never managed is not replaced: a conflict
                            */
        bool some_unread; /* found comes from a scan with a limit: a file without content is another
                             than the declared one, and nobody's way is blocked by that */
        bool check_owners; /* off for --root without root: ids are neither compared nor set */
        /* Resolves an owner and group name to ids; returns 0 or -ESRCH (not there yet: counts as
         * different). See owners_resolve(). Only called when check_owners is set. */
        int (*resolve)(void *userdata,
                        const char *owner,
                        const char *group,
                        uint32_t *ret_uid,
                        uint32_t *ret_gid);
        void *userdata;
} FitInput;

/* Which paths fit_plan_new() must be told of: all of both trees, whole where they differ (or
 * everywhere, with check_all, which force needs). ret_sought from malloc(), its paths are the
 * trees'. Returns 0 or -ENOMEM. */
int fit_plan_seek(const FitInput *input, bool check_all, Sought **ret_sought, size_t *ret_n_sought)
                must_check;

/* Adds what another plan, of another root, has; that one must outlive it. Returns 0 or -ENOMEM. */
int fit_plan_join(FitPlan *plan, const FitPlan *other) must_check;

/* Returns 0, conflicts included (the caller decides), or -ENOMEM. Found and entries must outlive
 * the plan. */
int fit_plan_new(const FitInput *input, FitPlan **ret_plan, Error *reterr) must_check;
FitPlan *fit_plan_free(FitPlan *plan);
DEFINE_CLEANUP(FitPlan, fit_plan_free);

/* Does what was found (whole) equal what the tree says? (content, mode, owner; implied directories:
 * that it is one) */
bool fit_is_as_declared(const FitInput *input, const Entry *entry, const Found *found);
