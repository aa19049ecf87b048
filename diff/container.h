/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Containers in a tree: NAME.nspawn of ROOT_CONTAINERS is what the user wrote in
 * containers/NAME.nspawn, and declares it; NAME/etc/… and NAME/profile.conf are what runs inside, a
 * tree of its own. The unit that runs it, its enablement and the settings that nspawn reads lie in
 * ROOT_ETC like all else. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/profile_conf.h"
#include "diff/tree.h"

/* What the names of profiles begin with that containers follow: "containers/db". */
#define CONTAINER_PROFILES "containers/"

/* What their roots lie in, unless Root= says otherwise. */
#define CONTAINER_ROOTS "/var/lib/containers"

/* What its unit gives a start, and an activation in place: TimeoutStartSec=. */
enum { CONTAINER_START_SEC = 240 };

/* In its unit: which text of sysswitch it was made of. */
#define CONTAINER_TEMPLATE_KEY "X-SysswitchTemplate"

/* Of a container's name, with the zero. */
enum { CONTAINER_NAME_SIZE = 65 };

typedef struct ContainerRoot {
        const char *name, *path;
} ContainerRoot;

/* Why a machine cannot have this name, for people; NULL: it can. */
const char *container_name_fault(const char *name);

/* Why no container can follow a profile of this name, for people; NULL: one can. */
const char *container_profile_fault(const char *profile);

/* Of the container that a unit of this name would run; false: none. */
bool container_name_of(const char *unit, char ret_name[CONTAINER_NAME_SIZE]);

/* The container that this unit runs, as one of the trees (which may be NULL) declares it: its name,
 * in the arena. Returns 1, 0 when it is no such unit, or -ENOMEM. */
int container_of_unit(Arena *arena,
                const Tree *before,
                const Tree *after,
                const char *unit,
                const char **ret_name) must_check;

/* The .nspawn file that declares it; NULL: it is not declared. */
const Entry *container_settings(const Tree *tree, const char *name);
/* All that a tree (which may be NULL) declares, by name; *position: 0 at first. Returns the .nspawn
 * file, or NULL at the end. */
const Entry *container_next(const Tree *tree, size_t *position, char ret_name[CONTAINER_NAME_SIZE]);

/* What [Container] of profile.conf says of it; NULL: nothing. */
const ContainerRule *container_rule(const ProfileConf *conf, const char *name);

/* Where its root is; rule NULL: nothing says it. In the arena, or the rule's; NULL when memory is
 * short. */
const char *container_root(Arena *arena, const char *name, const ContainerRule *rule) must_check;
/* Of all that a tree (which may be NULL) declares; all is in the arena. */
int container_roots(Arena *arena,
                const Tree *tree,
                Contents *contents,
                const ContainerRoot **ret_roots,
                size_t *ret_n_roots,
                Error *reterr) must_check;

/* What runs inside, as a tree of its own: an empty one where nothing is. Its strings and contents
 * are those of the tree, which must outlive it. */
int container_inside(const Tree *tree, const char *name, Tree **ret_tree, Error *reterr) must_check;
/* The other way round: adds it to a tree that is not sealed. Returns 0 or -ENOMEM. */
int container_place(Tree *tree, const char *name, const Tree *inside) must_check;
