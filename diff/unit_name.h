/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of units, by the rules of systemd.unit(5). */

#include "base/arena.h"

#include <stdbool.h>

/* In the order of systemd's suffixes. */
typedef enum UnitType {
        UNIT_SERVICE,
        UNIT_SOCKET,
        UNIT_TARGET,
        UNIT_DEVICE,
        UNIT_MOUNT,
        UNIT_AUTOMOUNT,
        UNIT_SWAP,
        UNIT_TIMER,
        UNIT_PATH,
        UNIT_SLICE,
        UNIT_SCOPE,
        N_UNIT_TYPES,
} UnitType;

/* The type by the suffix, or -EINVAL. */
int unit_name_type(const char *name);
const char *unit_type_to_string(UnitType type); /* "service" */

bool unit_name_is_valid(const char *name); /* plain, template or instance; 255 characters at most */
/* The rest takes names as they come, valid or not, and returns NULL where a name has no such part
 * or memory is short. */
bool unit_name_is_template(const char *name); /* foo@.service */
bool unit_name_is_instance(const char *name); /* foo@x.service */
/* foo@x.service -> foo@.service; NULL when name is no instance or memory is short. */
const char *unit_name_template_of(Arena *arena, const char *name);
/* The text between @ and the suffix: a slice of name, its length in ret_length; NULL for plain
 * names. */
const char *unit_name_instance(const char *name, size_t *ret_length);
/* foo@.service and "x" -> foo@x.service */
const char *unit_name_with_instance(Arena *arena, const char *template_name, const char *instance);
/* foo-bar.service -> foo-bar.timer */
const char *unit_name_with_type(Arena *arena, const char *name, UnitType type);
/* /srv/my data, UNIT_MOUNT -> srv-my\x20data.mount (systemd-escape --path); "/" -> -.mount */
const char *unit_name_from_path(Arena *arena, const char *path, UnitType type);
/* The specifiers %i %I %n %N %p %P %j %J %% of a value for this unit; others stay as they are. A
 * value without any is given back itself. NULL when memory is short. */
const char *unit_name_expand(Arena *arena, const char *name, const char *value);

/* May alias be another name of the unit? Same type, one that has aliases, and both plain,
 * templates, or of the same instance (an instance may also stand for a template). Both valid. */
bool unit_name_may_alias(const char *alias, const char *name);
