/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All hosts of a repository in two revisions: which differ, by the ids of trees alone. A host is
 * what lies in its directory and, as its profile.conf names them, in its layers; what is equal by
 * id is not opened. */

#include "base/error.h"
#include "diff/content.h"
#include "state/git_tree.h"

typedef enum GitHostChange {
        GIT_HOST_SAME,
        GIT_HOST_CHANGED,
        GIT_HOST_ADDED,
        GIT_HOST_REMOVED,
} GitHostChange;

typedef struct GitHost {
        char *path; /* "hosts/edge1" */
        GitHostChange change;
} GitHost;

typedef struct GitHosts {
        GitHost *items; /* by path */
        size_t n_items;
} GitHosts;

/* Of both references, path is the pattern, as of glob_match(), that the directories match; both are
 * in one repository. Errors as of git_tree_read(). */
int git_hosts_compare(const GitReference *old,
                const GitReference *new,
                Contents *contents,
                GitHosts *ret_hosts,
                Error *reterr) must_check;
void git_hosts_done(GitHosts *hosts);
static inline void git_hosts_donep(GitHosts *hosts) {
        git_hosts_done(hosts);
}
