/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: from the name of a tree in git to the tree, by the rules of
 * git_tree.h, within git_begin() and git_end(). */

#include "state/git_objects.h"
#include "state/git_tree.h"

/* libgit2's last error. name: of what was read. Returns -EBADMSG. */
int git_fail(const char *name, Error *reterr);

/* ret_repository is set on failure, too, where there is one. */
int git_open(const GitReference *reference,
                git_repository **ret_repository,
                Error *reterr) must_check;
/* The same by the reference's memory: ret_repository may be kept there; ret_opened is to be freed.
 */
int git_open_shared(const GitReference *reference,
                git_repository **ret_opened,
                git_repository **ret_repository,
                Error *reterr) must_check;
int git_find_revision(git_repository *repository,
                const GitReference *reference,
                git_object **ret_object,
                Error *reterr) must_check;
/* The tree at path, "" for the revision's whole. -ENOENT, -ENOTDIR. */
int git_find_tree(git_repository *repository,
                const char *name,
                const git_object *revision,
                const char *path,
                git_tree **ret_tree,
                Error *reterr) must_check;
