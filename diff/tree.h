/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tree: a whole configuration as values, rendered from a source. What a generation stores, what
 * is compared and what is fitted are entries of a tree and nothing else. Sorted by root and path;
 * immutable once sealed. */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/content.h"

#include <stdint.h>

typedef enum EntryRoot {
        ROOT_ETC,     /* below /etc */
        ROOT_HOOKS,   /* hooks/ of the source: run at activation, never on disk */
        ROOT_PROFILE, /* profile.conf, the only path here: enablement and triggers are read from it
                       */
        ROOT_CONTAINERS, /* NAME.nspawn as written, and what runs inside: NAME/etc/…,
                            NAME/profile.conf; see diff/container.h */
        ROOT_LIB,        /* below /lib: modules and firmware that the profile brings */
        N_ENTRY_ROOTS,
} EntryRoot;

typedef enum EntryKind {
        ENTRY_FILE,
        ENTRY_LINK,
        ENTRY_DIRECTORY,
        ENTRY_ABSENT, /* the path must not exist */
        N_ENTRY_KINDS,
} EntryKind;

typedef struct Entry {
        EntryRoot root;
        EntryKind kind;
        const char *path; /* relative to the root: "nginx/nginx.conf" */
        uint16_t mode;    /* permission bits; 0 for links and absent */
        bool implied; /* a directory only there for what is below it: one that exists keeps its mode
                         and owner */
        bool secret;  /* contents are never shown */
        const char *owner; /* a name or a decimal id; never NULL: "root" by default */
        const char *group;
        Content *content;   /* files; else NULL */
        const char *target; /* links; else NULL */
        const char *origin; /* what the user wrote it in, "units/web.service" or "profile.conf:3";
                               NULL when stored */
        const char *layer;  /* the layer of the source that it comes from, "../../roles/common";
                               NULL: the source itself */
} Entry;

typedef struct Tree {
        Arena arena;
        Entry *entries;
        size_t n_entries;
        size_t n_allocated;
        bool sealed;
        Strv warnings; /* of what was rendered: "SOURCE/FILE:LINE: what" */
} Tree;

typedef struct TreeChange {
        const Entry *before; /* NULL: added */
        const Entry *after;  /* NULL: removed */
} TreeChange;

Tree *tree_new(void) must_check;
Tree *tree_free(Tree *tree);
DEFINE_CLEANUP(Tree, tree_free);

/* Copies the entry and its strings; the content stays its pool's. Returns 0 or -ENOMEM. */
int tree_add(Tree *tree, const Entry *entry) must_check;
/* Sorts. Returns 0, or -EEXIST with both origins named when one path is there twice. */
int tree_seal(Tree *tree, Error *reterr) must_check;
/* Fills an empty tree at once, and seals it: the entries come in any order, and their strings live
 * as long as the tree, in its arena for one. */
int tree_fill(Tree *tree, Entry *const *entries, size_t n_entries, Error *reterr) must_check;

const Entry *tree_find(const Tree *tree, EntryRoot root, const char *path);
/* The index of the first entry not before (root, path): entries below a directory follow one
 * another. */
size_t tree_lower_bound(const Tree *tree, EntryRoot root, const char *path);

/* All that is of the host is equal (not the origin, nor the layer). */
bool entry_equal(const Entry *left, const Entry *right);
/* Kind and content or target are equal: what counts for triggers (rule T5). NULL and absent are the
 * same. */
bool entry_same_bytes(const Entry *left, const Entry *right);

/* Every path where the two differ, in order. ret_changes from malloc(). NULL trees are empty. */
int tree_compare(const Tree *before,
                const Tree *after,
                TreeChange **ret_changes,
                size_t *ret_n_changes) must_check;

/* The entries of above, and those of below at the paths that above does not have. Both must outlive
 * the result's contents. */
int tree_overlay(const Tree *below, const Tree *above, Tree **ret_tree, Error *reterr) must_check;

const char *entry_kind_to_string(EntryKind kind); /* "link" */
const char *entry_root_prefix(EntryRoot root);    /* "/etc/", "hooks/", "" : for people */
