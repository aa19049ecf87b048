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
/* A file of the bundle that is made at each start, and what it sets for the container's unit. */
#define NSPAWN_OPTIONS_FILE "options"
#define NSPAWN_OPTIONS "NSPAWN_OPTIONS"

/* What is wrong with a line that the user wrote: -EBADMSG, and "NAME:LINE: what, and what to do".
 */
int nspawn_check_line(const UnitLine *line, const char *name, Error *reterr) must_check;

/* What the host has for a container. */
typedef struct NspawnHost {
        const char *whole_root, *root; /* that Root= names, and what PivotRoot= makes of it */
        bool maps_usr, maps_bundles, maps_root; /* a mount of these shows it owners of its own */
        bool root_has_usr;                      /* of its own: the host's is not for it */
        bool root_is_hosts; /* its owner is none of a container's users: so it is when it is new */
} NspawnHost;

/* The merged text, of settings that were checked. NULL when memory is short. */
const char *
nspawn_merge(Arena *arena, const UnitFile *file, const char *container, NspawnHost host) must_check;

/* What of /etc nspawn leaves alone in a container that has this tree inside, unless its settings
 * say otherwise: words for its command line, in the arena. NULL when memory is short. */
const char *nspawn_options(Arena *arena, const Tree *inside) must_check;

/* The lines that the container's unit has to have for its settings, each with a newline. NULL when
 * memory is short. */
const char *nspawn_unit_lines(Arena *arena, const UnitFile *file) must_check;

typedef enum NspawnUsers {
        NSPAWN_USERS_OWN,    /* a user namespace, in which root is somebody else on the host */
        NSPAWN_USERS_SAME,   /* one in which each user has the number that it has on the host */
        NSPAWN_USERS_SHARED, /* none: root inside is root outside */
} NspawnUsers;

/* What PrivateUsers= comes to. ret_line: that says so; NULL: none. */
NspawnUsers nspawn_users(const UnitFile *file, bool root_is_hosts, const UnitLine **ret_line);

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
