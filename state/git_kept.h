/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: the inside of git_memory.h. */

#include "state/git_memory.h"
#include "state/git_objects.h"

/* NULL: not kept. It stays the memory's. */
git_repository *git_memory_repository(GitMemory *memory, const char *directory);
/* true: it is the memory's now. */
bool git_memory_keep_repository(
                GitMemory *memory, const char *directory, git_repository *repository);

Content *git_memory_content(const GitMemory *memory, const git_oid *id); /* NULL: not kept */
int git_memory_keep_content(GitMemory *memory, const git_oid *id, Content *content) must_check;
