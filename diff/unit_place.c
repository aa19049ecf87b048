/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_place.h"

#include "diff/unit_name.h"

#include <errno.h>
#include <string.h>

enum { MAX_ALIAS_STEPS = 8 };

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

int unit_place_of_file(Rendering *rendering, const RenderedUnit *unit, UnitPlace *ret_place) {
        UnitPlace place = {
                .scope = unit->scope,
                .name = unit->name,
                .link_target = JOIN(&rendering->tree->arena, "/etc/", unit->entry->path),
                .content = unit->entry->content,
                .origin = unit->entry->origin,
                .is_in_source = true,
        };
        if (!place.link_target)
                return -ENOMEM;
        *ret_place = place;
        return 0;
}

/* A file or link of the source. file_name is the unit's name or its template's. */
static int find_in_source(Rendering *rendering,
                UnitPlace *place,
                const char *file_name,
                const char **ret_alias) {
        const char *path = JOIN(&rendering->scratch, unit_scope_directory(place->scope), file_name);
        if (!path)
                return -ENOMEM;
        const Entry *entry = rendering_at(rendering, path);
        if (!entry || (entry->kind != ENTRY_FILE && entry->kind != ENTRY_LINK))
                return PLACE_NONE;
        place->is_in_source = true;
        place->is_masked = rendering_is_mask(entry);
        place->origin = entry->origin;
        place->content = entry->kind == ENTRY_FILE && !place->is_masked ? entry->content : NULL;
        place->link_target = JOIN(&rendering->tree->arena, "/etc/", entry->path);
        if (!place->link_target)
                return -ENOMEM;
        if (entry->kind == ENTRY_LINK && !place->is_masked) {
                const char *target = base_name(entry->target);
                if (strcmp(target, file_name) != 0 && unit_name_is_valid(target))
                        *ret_alias = target;
        }
        return PLACE_FOUND;
}

static int find_in_distribution(Rendering *rendering,
                UnitPlace *place,
                const char *file_name,
                const char **ret_alias,
                Error *reterr) {
        const Distribution *distribution = rendering->distribution;
        if (!distribution || place->scope != SCOPE_SYSTEM)
                return PLACE_NONE;
        const char *path = NULL;
        Content *content = NULL;
        int r = distribution->read_unit(distribution->userdata, file_name, &path, &content, reterr);
        if (r < 0)
                return r;
        if (r != DISTRIBUTION_UNIT)
                return r == DISTRIBUTION_SYSV_ONLY ? PLACE_SYSV_ONLY : PLACE_NONE;
        place->link_target = place->origin = arena_strdup(&rendering->tree->arena, path);
        if (!place->link_target)
                return error_oom(reterr);
        place->content = content;
        const char *target = base_name(path);
        if (strcmp(target, file_name) != 0 && unit_name_is_valid(target))
                *ret_alias = target;
        return PLACE_FOUND;
}

/* One step: the unit itself anywhere, else its template anywhere, as systemd looks. */
static int find_step(
                Rendering *rendering, UnitPlace *place, const char **ret_alias, Error *reterr) {
        const char *file_names[] = { place->name, NULL };
        if (unit_name_is_instance(place->name)) {
                file_names[1] = unit_name_template_of(&rendering->scratch, place->name);
                if (!file_names[1])
                        return error_oom(reterr);
        }
        for (size_t i = 0; i < N_ELEMENTS(file_names) && file_names[i]; i++) {
                int r = find_in_source(rendering, place, file_names[i], ret_alias);
                if (r < 0)
                        return error_oom(reterr);
                if (r == PLACE_NONE)
                        r = find_in_distribution(
                                        rendering, place, file_names[i], ret_alias, reterr);
                if (r != PLACE_NONE)
                        return r;
        }
        return PLACE_NONE;
}

/* The unit that an alias stands for: that of a template stands for the same instance of another. */
static const char *resolve(Arena *arena, const char *unit, const char *target) {
        size_t length = 0;
        const char *instance = unit_name_instance(unit, &length);
        if (!instance || length == 0 || !unit_name_is_template(target))
                return target;
        const char *copy = arena_strndup(arena, instance, length);
        return copy ? unit_name_with_instance(arena, target, copy) : NULL;
}

int unit_place_find(Rendering *rendering,
                UnitScope scope,
                const char *unit,
                UnitPlace *ret_place,
                Error *reterr) {
        for (unsigned step = 0; step < MAX_ALIAS_STEPS; step++) {
                UnitPlace place = { .scope = scope, .name = unit };
                const char *alias = NULL;
                int r = find_step(rendering, &place, &alias, reterr);
                if (r != PLACE_FOUND)
                        return r;
                const char *real = alias ? resolve(&rendering->scratch, unit, alias) : unit;
                if (!real)
                        return error_oom(reterr);
                if (strcmp(real, unit) == 0) {
                        *ret_place = place;
                        return PLACE_FOUND;
                }
                unit = real;
        }
        return PLACE_NONE; /* links in a circle */
}
