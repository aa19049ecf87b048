/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A reference names a source or a generation wherever the program takes one: a directory
 * ("hosts/edge1", "."), a generation "@42", "@active", "@default", "@previous", of another profile
 * "web@3". */

#include "base/error.h"
#include "diff/tree.h"
#include "state/directory.h"
#include "state/origin.h"
#include "switch/host.h"

typedef struct ReferenceTree {
        Tree *tree;       /* owned */
        StatCache *cache; /* owned; as source */
        Source *source;   /* owned; NULL for a generation: the tree's contents are the host's pool's
                             in both cases */
        char *name;       /* as the user gave it */
        char *path;       /* absolute path of a directory; NULL for a generation */
        char *profile;    /* of a generation; NULL for a source */
        int64_t number;   /* -1 for a source */
} ReferenceTree;

/* Resolves and renders. use_distribution: render Enable= and Disable= by this host's units (for
 * this host; off for a comparison of two sources elsewhere). Errors name the reference. -ENOENT:
 * nothing there. */
int reference_read(Host *host,
                const char *reference,
                bool use_distribution,
                ReferenceTree *ret_tree,
                Error *reterr) must_check;
/* A directory only by its syntax: not beginning with '@' and without "@NUMBER" at its end. */
bool reference_is_generation(const char *reference);
/* The profile (from malloc()) and the number that a reference to a generation means. */
int reference_resolve(Host *host,
                const char *reference,
                char **ret_profile,
                int64_t *ret_number,
                Error *reterr) must_check;
/* What a verb takes when it is given none: the source that the profile was last given, else
 * ROOT/etc/sysswitch. From malloc(), NULL when out of memory. */
char *reference_default(const Host *host) must_check;
void reference_tree_done(ReferenceTree *tree);
static inline void reference_tree_donep(ReferenceTree *tree) {
        reference_tree_done(tree);
}

/* Against the working directory; links stay as they are. From malloc(), NULL when out of memory or
 * without a working directory. */
char *path_absolute(const char *path) must_check;
