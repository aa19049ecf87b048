/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One file's change as git shows it (libgit2 makes the hunks): header, mode changes, text, "Binary
 * files differ"; a secret's contents never, only that it changed. */

#include "base/error.h"
#include "base/text.h"
#include "diff/tree.h"

typedef enum FileChange {
        FILE_SAME, /* nothing that a person would call a change: directories only there for what is
                      below them */
        FILE_ADDED,
        FILE_REMOVED,
        FILE_CHANGED,
} FileChange;

/* What a change is for people: absent is not there. */
FileChange file_change_of(const TreeChange *change);
char file_change_letter(FileChange change); /* as git: 'A', 'D', 'M' */

int file_patch(Contents *contents, const TreeChange *change, bool color, Text *text, Error *reterr)
                must_check;
