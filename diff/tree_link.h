/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the links of a tree lead. */

#include "diff/tree.h"

/* The absolute path, without "." and "..", that a link below /etc names; it need not exist. NULL
 * when memory is short. */
const char *tree_link_path(Arena *arena, const Entry *link) must_check;

/* Follows links within the tree. Sets *ret_entry to what is there in the end, or to NULL when the
 * way leads out of the tree or in a circle; *ret_path to the last path. Returns 0 or -ENOMEM. */
int tree_follow(const Tree *tree,
                Arena *arena,
                const Entry *entry,
                const Entry **ret_entry,
                const char **ret_path) must_check;
