/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A source read from a directory: every limit checked, special files refused, nothing followed out of it. */

#include "base/error.h"
#include "diff/source.h"
#include "state/database.h"

/* database: NULL, or where the stat cache of this path (as git's index has one) and the contents are: a file whose stat
 * data are as when it was stored is not read again. Errors: "PATH: what, and what to do", -EBADMSG; -ENOENT, -EACCES. A
 * source that others than root and the caller may write (the directory itself or any file) is refused: -EPERM. */
int directory_read(const char *path, Database *database, Contents *contents, Source **ret_source, Error *reterr) must_check;

/* Puts the stat cache of a source that was read, and whose contents are stored, into the open transaction. A file changed
 * within the clock's grain of the reading is left out ("racily clean"). */
int directory_remember(Database *database, const char *path, const Source *source, Error *reterr) must_check;
