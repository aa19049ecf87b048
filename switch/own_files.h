/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lies in /etc and is no package's: what of it a first source takes, and what it leaves out.
 */

#include "activate/packages.h"
#include "diff/found.h"
#include "switch/host.h"

typedef struct LeftOutFile {
        const char *path, *why;
} LeftOutFile;

typedef struct LeftOut {
        Arena arena;
        LeftOutFile *items; /* of the arena */
        size_t n_items, n_allocated;
        Map by_path, own; /* own: is no package's, and was not left out by its path */
        const char *note; /* why nothing of it was looked at; NULL: it was */
} LeftOut;

void left_out_done(LeftOut *left_out);
int left_out_add(LeftOut *left_out, const char *path, const char *why) must_check;
bool left_out_has(const LeftOut *left_out, const char *path);

/* Adds to paths what is no package's, outside of the places of units. */
int own_files_list(Host *host,
                const Packages *packages,
                Strv *paths,
                LeftOut *left_out,
                Error *reterr) must_check;
/* Why one of these, as it was found, is to be left out; NULL: it is not, or is none of them. */
const char *own_file_fault(const LeftOut *left_out, const Found *found);
/* Also of others: what not everybody may read is a secret. */
static inline bool is_for_everybody(const Found *found) {
        return (found->mode & 0004) != 0;
}
