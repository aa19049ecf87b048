/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the settings of a container mount in it: Bind=, BindReadOnly=, TemporaryFileSystem=,
 * Overlay= and OverlayReadOnly=. */

#include "base/arena.h"
#include "diff/unit_file.h"

#include <stdbool.h>

typedef struct NspawnMount {
        const char *place;   /* inside: "/srv/www" */
        const char *source;  /* of a bind; NULL: what is mounted is a directory for sure */
        bool is_root_source; /* the source lies in the container's root ("+/srv"), not the host's */
} NspawnMount;

/* The next one at or after *position, which is 0 at first; what names no place is passed over, as
 * nspawn does. Texts are in the arena. Returns 1, 0 at the end, or -ENOMEM. */
int nspawn_mount_next(Arena *arena, const UnitFile *file, size_t *position, NspawnMount *ret_mount)
                must_check;
