/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which paths below /etc came with a package, configuration file or not: dpkg, ucf, pacman, rpm. */

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"

#include <stdbool.h>

typedef struct OwnedPaths {
        Arena arena;
        Map by_path;        /* relative to /etc */
        bool is_known;      /* some package manager has packages */
        bool is_incomplete; /* of an image that has rpm's */
} OwnedPaths;

/* is_image: rpm is not asked. What was read is released by owned_paths_done(), on errors too. */
int owned_paths_read(int root_fd, bool is_image, OwnedPaths *owned, Error *reterr) must_check;
void owned_paths_done(OwnedPaths *owned);
static inline bool owned_paths_have(const OwnedPaths *owned, const char *path) {
        return map_get(&owned->by_path, path);
}
