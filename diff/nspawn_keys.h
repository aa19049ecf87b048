/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The settings that systemd.nspawn(5) has. systemd-nspawn passes over any other, with a word in a
 * log that nobody reads. */

#include "diff/unit_file.h"

#include <stdbool.h>

typedef struct NspawnUnknown {
        const UnitLine *line;
        const char *section; /* that has such a key; NULL: none has */
        const char *nearest; /* the key of its section that may be meant; NULL: none is near */
} NspawnUnknown;

/* The next line at or after *position that is none of them, nor an extension of somebody's (X-…).
 * Returns 1, or 0 at the end. */
int nspawn_unknown_next(const UnitFile *file, size_t *position, NspawnUnknown *ret_unknown);

/* Is it one that systemd-nspawn reads? */
bool nspawn_has_section(const char *section);

/* The next header at or after *position that is of none, nor of somebody's own ([X-…]): its place
 * in file->sections. nearest: the one that may be meant; NULL: none is near. Returns 1, or 0 at the
 * end. */
int nspawn_unknown_section_next(
                const UnitFile *file, size_t *position, size_t *ret_nth, const char **ret_nearest);
