/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The settings of a container, systemd.nspawn(5). What the user wrote and what we need for it are
 * one file: nspawn drops whole groups of a file's settings where its command line has one of them.
 */

#include "base/arena.h"
#include "base/error.h"
#include "diff/tree.h"
#include "diff/unit_file.h"

/* Where a container finds its bundle, and the program in it that it begins with. */
#define NSPAWN_STATE_DIRECTORY "/var/lib/sysswitch"
#define NSPAWN_BUNDLE NSPAWN_STATE_DIRECTORY "/bundle"
#define NSPAWN_GUEST NSPAWN_BUNDLE "/sysswitch-guest"
/* Where the host has it. */
#define NSPAWN_BUNDLES "/var/lib/sysswitch/containers"

/* What is wrong with a line that the user wrote: -EBADMSG, and "NAME:LINE: what, and what to do".
 */
int nspawn_check_line(const UnitLine *line, const char *name, Error *reterr) must_check;

/* What the host has for a container. */
typedef struct NspawnHost {
        const char *whole_root, *root; /* that Root= names, and what PivotRoot= makes of it */
        bool maps_usr, maps_bundles, maps_root; /* a mount of these shows it owners of its own */
        bool root_has_usr;                      /* of its own: the host's is not for it */
} NspawnHost;

/* The merged text, of settings that were checked. inside: the container's own tree. NULL when
 * memory is short. */
const char *nspawn_merge(Arena *arena,
                const UnitFile *file,
                const char *container,
                const Tree *inside,
                NspawnHost host) must_check;

/* The lines that the container's unit has to have for its settings, each with a newline. NULL when
 * memory is short. */
const char *nspawn_unit_lines(Arena *arena, const UnitFile *file) must_check;

/* Root inside is root outside: PrivateUsers=no. The line that says so, or 0. */
unsigned nspawn_shares_users(const UnitFile *file);

/* PivotRoot=: what of its root is the root inside ("/sub"; n_directory is 0: all of it), and where
 * that has the whole one (NULL: nowhere). */
typedef struct NspawnPivot {
        const char *directory;
        size_t n_directory;
        const char *old;
} NspawnPivot;

NspawnPivot nspawn_pivot(const UnitFile *file);

/* The first key whose values are others ("PrivateUsers"); NULL: none. */
const char *nspawn_changed_key(const UnitFile *before, const UnitFile *after);
