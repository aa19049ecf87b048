/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Looks at paths below a root, and gives what is there as values. Reads only. */

#include "activate/root.h"
#include "base/arena.h"
#include "base/error.h"
#include "diff/found.h"

typedef struct Scan {
        Arena arena;
        Found *found; /* sorted, one for each path that was sought */
        size_t n_found;
} Scan;

/* sought: sorted by path, each once; the paths must outlive the scan. Contents go to the pool.
 * Returns 0 or a negative errno with the path named (-EBUSY: a file that does not stop changing;
 * -EACCES). */
int scan_new(const Root *root,
                const Sought *sought,
                size_t n_sought,
                Contents *contents,
                Scan **ret_scan,
                Error *reterr) must_check;

/* Of a root where others write what they like. */
typedef struct ScanLimit {
        const Tree *declared; /* a file as large as this one has it is read */
        EntryRoot root;
        uint64_t others_max_bytes; /* of all others together; who is beyond has no content */
} ScanLimit;

/* The same, reading no more than that. */
int scan_new_limited(const Root *root,
                const Sought *sought,
                size_t n_sought,
                const ScanLimit *limit,
                Contents *contents,
                Scan **ret_scan,
                Error *reterr) must_check;
Scan *scan_free(Scan *scan);
DEFINE_CLEANUP(Scan, scan_free);

/* One look: kind, numbers and times, and nothing else of ret_found is touched. A link is not
 * followed. Returns 0 or a negative errno (-ENOENT). */
int scan_look(int dir_fd, const char *name, Found *ret_found) must_check;
/* How many entries a directory has. */
int scan_count_children(int dir_fd, const char *name, uint32_t *ret_n_children) must_check;
