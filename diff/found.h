/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a scan found at a path: all that is needed to tell it from an entry, to keep it, and to give
 * it back. */

#include "base/error.h"
#include "diff/content.h"
#include "diff/tree.h"

#include <stdint.h>

/* A file in the way that is larger is not read, and so refused: what is displaced goes to the
 * database. */
enum { FOUND_MAX_FILE_BYTES = 64 * 1024 * 1024 };

typedef enum FoundKind {
        FOUND_NOTHING,
        FOUND_FILE,
        FOUND_LINK,
        FOUND_DIRECTORY,
        FOUND_OTHER, /* a socket, fifo, device */
        FOUND_MOUNT_POINT,
        FOUND_BLOCKED, /* a parent is a link, no directory, or on another mount: see blocked_by */
} FoundKind;

/* What the package manager says of a path. */
typedef enum Packaged {
        PACKAGED_NOT,        /* nothing, or it was not asked */
        PACKAGED_LISTED,     /* that it is a package's: what is there may be anybody's */
        PACKAGED_AS_SHIPPED, /* what is there is what the package brought */
} Packaged;

/* A path to look at. */
typedef struct Sought {
        const char *path; /* relative to the root of the scan */
        bool whole; /* all that is known of it; else kind alone, and a mount point may go for what
                       it is mounted on */
} Sought;

typedef struct Found {
        FoundKind kind;
        const char *path; /* relative to the root of the scan */
        uint16_t mode;
        uint32_t uid, gid;
        uint64_t size_bytes;
        int64_t mtime_nsec;     /* since the epoch */
        uint64_t device, inode; /* identity: what an exchange caught is compared with it */
        int64_t ctime_nsec;
        uint32_t n_children; /* directories */
        Content *content;    /* files; NULL: not read, as not asked for or too large */
        const char *target;  /* links; NULL: not asked for */
        const void *xattrs;  /* user., security., trusted., system.posix_acl_*, sorted by name: name
                              * NUL size32 value …  NULL: none */
        size_t xattrs_size_bytes;
        Packaged packaged;
        const char *blocked_by; /* FOUND_BLOCKED: that parent; FOUND_NOTHING: the first parent that
                                   is missing, or NULL */
} Found;
