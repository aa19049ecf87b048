/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A root is a directory that is made to fit a tree. Nothing below it is ever reached through a
 * link, nor across a mount: a path is walked component by component, by descriptors. */

#include "base/cleanup.h"
#include "diff/tree.h"

#include <stddef.h>

typedef struct Root {
        int fd; /* of the directory; stays the caller's; -1: there is none, so that nothing
                   is in it */
        const char *path;       /* for messages: "/etc" */
        const struct Root *lib; /* what a fit of this one reaches as ROOT_LIB; NULL: nothing */
} Root;

/* The one that has the entries of ROOT_ETC or ROOT_LIB: nothing is in it where there is none. */
const Root *root_of(const Root *root, EntryRoot entries);

enum { ROOT_MAX_DEPTH = 64, ROOT_MAX_PATH_BYTES = 4096 };

/* The directories on the way to the last path stay open, so that sorted paths cost one open for a
 * directory. */
typedef struct RootWalk {
        const Root *root;
        char path[ROOT_MAX_PATH_BYTES]; /* of the open directories: the nth is its first end[n]
                                           bytes */
        size_t end[ROOT_MAX_DEPTH];
        int fds[ROOT_MAX_DEPTH]; /* O_PATH */
        size_t n_open;
} RootWalk;

void root_walk_init(RootWalk *walk, const Root *root);
void root_walk_done(RootWalk *walk);
static inline void root_walk_donep(RootWalk *walk) {
        root_walk_done(walk);
}

/* The directory of path, as ret_fd, which is the walk's and good until its next call, and path's
 * last component. The path itself is never left open: it may be renamed. Returns 0; -ENOENT: a
 * parent is missing; -ENOTDIR: one is a link or no directory; -EXDEV: one is a mount point; in
 * these cases ret_blocked is the length of that parent's path; -EINVAL: ".." or the like;
 * -ENAMETOOLONG: too deep; others. Of a root that is not there: -ENOENT, and ret_blocked may be 0.
 */
int root_walk_parent(RootWalk *walk,
                const char *path,
                int *ret_fd,
                const char **ret_name,
                size_t *ret_blocked) must_check;
