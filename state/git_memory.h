/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What several readings of sources in git share: the repository is opened once, and no object is
 * read twice. */

#include "diff/content.h"

typedef struct GitMemory GitMemory;

/* NULL: out of memory, or no libgit2: then each reading is by itself. Lives no longer than the
 * contents. */
GitMemory *git_memory_new(void) must_check;
GitMemory *git_memory_free(GitMemory *memory);
DEFINE_CLEANUP(GitMemory, git_memory_free);
