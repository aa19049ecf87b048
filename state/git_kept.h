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

/* Of the repository that is kept: who may write it was looked at, which is once for all. */
bool git_memory_is_trusted(const GitMemory *memory);
void git_memory_trust(GitMemory *memory);

Content *git_memory_content(const GitMemory *memory, const git_oid *id); /* NULL: not kept */
int git_memory_keep_content(GitMemory *memory, const git_oid *id, Content *content) must_check;
