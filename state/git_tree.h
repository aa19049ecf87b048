/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A source read from git's objects, without a checkout: what "git show REV:PATH" lists. Modes and
 * links as git has them; contents as they are stored (no filters, no line ends). */

#include "base/error.h"
#include "diff/source.h"
#include "state/git_memory.h"
#include "state/origin.h"

typedef struct GitReference {
        const char *name;       /* as the user gave it, for messages */
        const char *repository; /* the directory that is in it */
        const char *revision;   /* "HEAD", "origin/main~2", a tag, a commit's or a tree's id */
        const char *path;       /* in its tree, "": all of it; "./x", "../x": from the directory */
        Strv *faults;           /* as for directory_read() */
        GitMemory *memory;      /* shared with other readings; NULL: none */
} GitReference;

/* ret_origin: the commit, where the revision is one; its path is REPOSITORY//REVISION:PATH, which
 * names the source from everywhere. Errors name the reference: -ENOENT: no such repository,
 * revision or path; -EBADMSG: damaged, or a thing that a source cannot have; -EOPNOTSUPP: no
 * libgit2.
 *
 * A repository that others than root and the caller may write is refused, -EPERM, by the rule of
 * trust.h, unless the revision is a whole id: objects are checked against their ids. */
int git_tree_read(const GitReference *reference,
                Contents *contents,
                Source **ret_source,
                Origin *ret_origin,
                Error *reterr) must_check;
