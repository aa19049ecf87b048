/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What /etc will have, written over what it has: in a place whose changes are thrown away. */

#include "base/error.h"
#include "diff/found.h"

/* What a path below /etc will be. */
typedef struct FutureFile {
        const char *path; /* relative to /etc */
        FoundKind kind;   /* a file, link, directory, or nothing */
        uint16_t mode;
        uint32_t uid, gid;
        const Content *content; /* of a file, with its data loaded */
        const char *target;     /* of a link */
        /* Both or neither: names that nobody has yet, where uid and gid stand in for them. */
        const char *owner, *group;
} FutureFile;

/* Each replaces what is at its path. The files are in an order that works: what goes, children
 * first; then what comes, parents first. */
int future_make(const FutureFile *files, size_t n_files, Error *reterr) must_check;
