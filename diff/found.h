/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a scan found at a path: all that is needed to tell it from an entry, to keep it, and to give it back. */

#include "base/error.h"
#include "diff/content.h"
#include "diff/tree.h"

#include <stdint.h>

typedef enum FoundKind {
        FOUND_NOTHING,
        FOUND_FILE,
        FOUND_LINK,
        FOUND_DIRECTORY, /* empty or not, see is_empty */
        FOUND_OTHER, /* a socket, fifo, device */
        FOUND_MOUNT_POINT,
        FOUND_BLOCKED, /* a parent is no directory: see blocked_by */
} FoundKind;

typedef struct Found {
        FoundKind kind;
        const char *path; /* relative to the root of the scan */
        uint16_t mode;
        uint32_t uid, gid;
        uint64_t size_bytes;
        int64_t mtime_nsec; /* since the epoch */
        uint64_t device, inode; /* identity: what an exchange caught is compared with it */
        int64_t ctime_nsec;
        bool is_empty; /* directories */
        Content *content; /* files, when it was read; NULL else */
        const char *target; /* links */
        const void *xattrs; /* user., security., trusted., system.posix_acl_*: packed name NUL size32 value …; NULL: none */
        size_t xattrs_size_bytes;
        const char *blocked_by; /* the parent that is no directory */
} Found;
