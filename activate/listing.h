/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names in directories, read at once: where many paths of one directory are only asked to be
 * there, that costs a tenth of a look at each. */

#include "base/arena.h"
#include "base/map.h"
#include "diff/found.h"

typedef struct Listings {
        Arena arena;
        Map directories; /* path → struct Listing */
} Listings;

void listings_done(Listings *listings);
static inline void listings_donep(Listings *listings) {
        listings_done(listings);
}

/* Is the path, of which the first length bytes are the directory's, there? Returns 1 and its kind;
 * 0: it is to be looked at by itself, few have been asked for in that directory so far. Never opens
 * anything. */
int listings_find(const Listings *listings,
                const char *path,
                size_t length,
                const char *name,
                FoundKind *ret_kind) must_check;

/* Notes that a path was asked for in this directory, which is dir_fd; when that gets to be often,
 * reads it. */
int listings_note(Listings *listings, const char *path, size_t length, int dir_fd) must_check;
