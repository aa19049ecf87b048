/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: what git's index is to a work tree. A file whose stat data are
 * as when it was read need not be read again. Kept as one blob for each source: an array of
 * CachedFile, sorted by stamp, behind a header.
 *
 * 1. A file may change without its stat data changing only within the grain of the clock that the
 * file system's times come from. A stamp that is that young when it is taken ("racily clean") is
 * never kept.
 * 2. Only digests whose contents are stored, as those of entries, are kept; and whoever deletes
 * entries empties the table: a hit can be loaded.
 * 3. The cache may always be lost, or not be of this version: then every file is read. */

#include "base/error.h"
#include "base/hash.h"
#include "state/directory.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct FileStamp {
        uint64_t device, inode, size_bytes;
        int64_t mtime_nsec, ctime_nsec;
} FileStamp;

typedef struct CachedFile {
        FileStamp stamp;
        Digest digest;
} CachedFile;

struct StatCache {
        char *path;        /* resolved: the row's key */
        char *blob;        /* as loaded; NULL: none */
        CachedFile *known; /* in the blob, sorted */
        bool *seen;        /* of the known ones, those that are still there */
        size_t n_known;
        CachedFile *fresh; /* read now */
        size_t n_fresh, n_allocated;
        int64_t now_nsec; /* when reading began, by the clock of file times */
};

/* An empty one when there is none for this path, or no database. */
int stat_cache_load(Database *database, const char *path, StatCache **ret_cache, Error *reterr)
                must_check;

FileStamp file_stamp(const struct statx *status);
/* NULL: not known. What is found is kept. */
const Digest *stat_cache_find(StatCache *cache, const FileStamp *stamp);
/* Notes a file that was read, unless it is racily clean. Returns 0 or -ENOMEM. */
int stat_cache_note(StatCache *cache, const FileStamp *stamp, const Digest *digest) must_check;
/* Puts it into the open transaction. Does nothing while reading the few new files again is cheaper.
 */
int stat_cache_store(Database *database, StatCache *cache, Error *reterr) must_check;
