/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A reference names a source or a generation wherever the program takes one:
 *
 *   hosts/edge1  .               a directory
 *   HEAD:hosts/edge1             a tree in git, in the repository of the working directory;
 *   /srv/conf//HEAD:hosts/edge1  in that one, as it is remembered
 *   @42  @active  containers/web@3          a generation, of another profile
 *
 * By its syntax alone: what begins with "/", "./" or "../" and has no "//REV:" is a directory. */

#include "base/error.h"
#include "diff/tree.h"
#include "state/directory.h"
#include "state/origin.h"
#include "switch/host.h"

typedef struct ReferenceTree {
        Tree *tree;       /* owned */
        StatCache *cache; /* owned; NULL but for a directory */
        Source *source;   /* owned; NULL for a generation: the tree's contents are the host's pool's
                             in both cases */
        char *name;       /* as the user gave it */
        char *path;       /* of a source, good in every working directory; NULL for a generation */
        Origin origin;    /* owned; of a source in git, else empty */
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
/* For messages: what begins with a path in it, as "profile.conf:12: …", with the source before it.
 */
void reference_file_name(
                const ReferenceTree *tree, const char *place, char *ret_name, size_t name_bytes);
void reference_warn(const ReferenceTree *tree, const char *message);
bool reference_is_generation(const char *reference);
/* It has the marks of a source: REV:PATH, or a directory that begins with "/", "./" or "../". */
bool reference_is_source(const char *reference);
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

/* Against the working directory; links stay as they are. ret_absolute is from malloc(). */
int path_absolute(const char *path, char **ret_absolute, Error *reterr) must_check;
