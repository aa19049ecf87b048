/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: what reading a source has alike, be it from a directory or from
 * git: limits, names, messages. */

#include "base/error.h"
#include "diff/source.h"

#include <stdint.h>

typedef struct SourceWalk {
        const char *name; /* of the source, for messages */
        Contents *contents;
        Source *source;
        char path[SOURCE_MAX_PATH_BYTES + 1]; /* of the current entry, relative */
        size_t length;
} SourceWalk;

/* "NAME/PATH: WHAT", -EBADMSG. */
int walk_refuse(const SourceWalk *walk, const char *what, Error *reterr);
int walk_fail(const SourceWalk *walk, int code, Error *reterr);

/* name, in the current directory, becomes the current entry, until walk_pop_to() the length before.
 */
int walk_push(SourceWalk *walk, const char *name, Error *reterr) must_check;
void walk_pop_to(SourceWalk *walk, size_t length);

int walk_add(SourceWalk *walk, const SourceEntry *entry, Error *reterr) must_check;
int walk_add_link(SourceWalk *walk, const char *target, Error *reterr) must_check;
/* depth: of the directory that it is in; 0: the source. */
int walk_add_directory(SourceWalk *walk, unsigned depth, Error *reterr) must_check;
int walk_check_size(const SourceWalk *walk, uint64_t size_bytes, Error *reterr) must_check;
bool walk_leaves_out(const char *name, unsigned depth);
