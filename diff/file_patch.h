/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One file's change as git shows it (libgit2 makes the hunks): header, mode changes, text, "Binary files differ"; a secret's
 * contents never, only that it changed. */

#include "base/error.h"
#include "base/text.h"
#include "diff/tree.h"

int file_patch(Contents *contents, const TreeChange *change, bool color, Text *text, Error *reterr) must_check;
