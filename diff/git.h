/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libgit2, loaded when it is first asked for: it brings fifteen libraries along, and to link them
 * takes as long as all that a dry run on a small host does. What uses it (a source in git, text
 * patches) calls through this table; its members are git's functions without "git_". */

#include "base/cleanup.h"

#include <git2.h>

#define GIT_FUNCTIONS(F)                                                                           \
        F(blob_free)                                                                               \
        F(blob_lookup)                                                                             \
        F(blob_rawcontent)                                                                         \
        F(blob_rawsize)                                                                            \
        F(commit_author)                                                                           \
        F(commit_free)                                                                             \
        F(commit_id)                                                                               \
        F(commit_lookup)                                                                           \
        F(commit_summary)                                                                          \
        F(commit_time)                                                                             \
        F(diff_options_init)                                                                       \
        F(error_last)                                                                              \
        F(libgit2_init)                                                                            \
        F(libgit2_opts)                                                                            \
        F(libgit2_shutdown)                                                                        \
        F(object_free)                                                                             \
        F(object_id)                                                                               \
        F(object_peel)                                                                             \
        F(object_type)                                                                             \
        F(odb_free)                                                                                \
        F(odb_hash)                                                                                \
        F(odb_read_header)                                                                         \
        F(oid_equal)                                                                               \
        F(oid_tostr)                                                                               \
        F(patch_free)                                                                              \
        F(patch_from_buffers)                                                                      \
        F(patch_get_delta)                                                                         \
        F(patch_get_hunk)                                                                          \
        F(patch_get_line_in_hunk)                                                                  \
        F(patch_num_hunks)                                                                         \
        F(repository_commondir)                                                                    \
        F(repository_free)                                                                         \
        F(repository_odb)                                                                          \
        F(repository_open_ext)                                                                     \
        F(repository_path)                                                                         \
        F(repository_workdir)                                                                      \
        F(revparse_single)                                                                         \
        F(status_list_entrycount)                                                                  \
        F(status_list_free)                                                                        \
        F(status_list_new)                                                                         \
        F(status_options_init)                                                                     \
        F(tree_entry_byindex)                                                                      \
        F(tree_entry_bypath)                                                                       \
        F(tree_entry_filemode)                                                                     \
        F(tree_entry_free)                                                                         \
        F(tree_entry_id)                                                                           \
        F(tree_entry_name)                                                                         \
        F(tree_entry_type)                                                                         \
        F(tree_entrycount)                                                                         \
        F(tree_free)                                                                               \
        F(tree_lookup)

#define GIT_DECLARE(name) __typeof__(&git_##name) name;
typedef struct Git {
        GIT_FUNCTIONS(GIT_DECLARE)
} Git;
#undef GIT_DECLARE

/* NULL: it is not installed, or is not the one this program was built for. */
const Git *git_load(void);
