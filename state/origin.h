/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a generation came from: the directory, and the git commit when it lies in a work tree. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Origin {
        char *path;          /* absolute */
        char *commit;        /* hex; NULL: not in git, or no commit yet */
        char *subject;       /* first line of the commit's message; NULL */
        char *author;        /* NULL */
        int64_t commit_time; /* seconds since the epoch */
        bool is_dirty; /* the directory differs from that commit (untracked files count, ignored
                          ones do not) */
} Origin;

void origin_done(Origin *origin);
static inline void origin_donep(Origin *origin) {
        origin_done(origin);
}

/* layers: of the source, from its directory; what differs there counts for is_dirty. git's owner
 * checks are off: objects are only read. A directory in no work tree is no error. */
int origin_of_directory(const char *path,
                const char *const *layers,
                size_t n_layers,
                Origin *ret_origin,
                Error *reterr) must_check;
