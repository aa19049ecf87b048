/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which units the text of a unit names, and how. After= and Before= are read by diff/order.c, for
 * the few units that act; what every unit has by default (slices, sysinit.target) by diff/drag.c.
 */
#include "diff/comparison.h"
#include "diff/mention.h"

#include <errno.h>
#include <string.h>

const char *relation_to_string(RelationKind kind) {
        static const char *const names[N_RELATION_KINDS] = {
                [RELATION_REQUIRES] = "Requires",
                [RELATION_REQUISITE] = "Requisite",
                [RELATION_BINDS_TO] = "BindsTo",
                [RELATION_WANTS] = "Wants",
                [RELATION_UPHOLDS] = "Upholds",
                [RELATION_PART_OF] = "PartOf",
                [RELATION_STOP_PROPAGATED_FROM] = "StopPropagatedFrom",
                [RELATION_RELOAD_PROPAGATED_FROM] = "ReloadPropagatedFrom",
                [RELATION_CONFLICTS] = "Conflicts",
                [RELATION_ON_SUCCESS] = "OnSuccess",
                [RELATION_TRIGGERS] = "Triggers",
                [RELATION_ALSO] = "Also",
        };
        return names[kind];
}

/* Keys of [Unit]; the second spellings are old ones that systemd still takes. */
static const struct {
        const char *key;
        RelationKind kind;
        bool is_inverse; /* the named unit hangs on this one */
} keys[] = {
        { "Requires", RELATION_REQUIRES, false },
        { "Requisite", RELATION_REQUISITE, false },
        { "BindsTo", RELATION_BINDS_TO, false },
        { "BindTo", RELATION_BINDS_TO, false },
        { "Wants", RELATION_WANTS, false },
        { "Upholds", RELATION_UPHOLDS, false },
        { "PartOf", RELATION_PART_OF, false },
        { "StopPropagatedFrom", RELATION_STOP_PROPAGATED_FROM, false },
        { "PropagatesStopTo", RELATION_STOP_PROPAGATED_FROM, true },
        { "ReloadPropagatedFrom", RELATION_RELOAD_PROPAGATED_FROM, false },
        { "PropagateReloadFrom", RELATION_RELOAD_PROPAGATED_FROM, false },
        { "PropagatesReloadTo", RELATION_RELOAD_PROPAGATED_FROM, true },
        { "PropagateReloadTo", RELATION_RELOAD_PROPAGATED_FROM, true },
        { "Conflicts", RELATION_CONFLICTS, false },
        { "OnSuccess", RELATION_ON_SUCCESS, false },
};

/* Directories that keys of a service name below a place of the system. */
static const struct {
        const char *key, *prefix;
} path_keys[] = {
        { "WorkingDirectory", "" },
        { "RootDirectory", "" },
        { "RootImage", "" },
        { "StateDirectory", "/var/lib/" },
        { "CacheDirectory", "/var/cache/" },
        { "LogsDirectory", "/var/log/" },
        { "ConfigurationDirectory", "/etc/" },
};

typedef struct Context {
        Comparison *comparison;
        Subject *subject;
        const Unit *unit;
        unsigned sides;
} Context;

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

/* The name as it stands in a text of these sides: an alias may lead elsewhere in either. */
static int add(const Context *context, const char *name, RelationKind kind, bool is_inverse) {
        Arena *arena = context->comparison->arena;
        if (unit_name_is_template(
                            name)) { /* as systemd resolves it: with our instance, or our prefix */
                size_t length = 0;
                const char *own = context->subject->name,
                           *instance = unit_name_instance(own, &length);
                if (!instance) {
                        instance = own;
                        length = (size_t) (strrchr(own, '.') - own);
                }
                const char *text = arena_strndup(arena, instance, length);
                name = text ? unit_name_with_instance(arena, name, text) : NULL;
                if (!name)
                        return -ENOMEM;
        }
        if (!unit_name_is_valid(name))
                return 0;
        for (Side side = 0; side < N_SIDES; side++) {
                if (!(context->sides & 1u << side))
                        continue;
                Subject *other = comparison_subject(context->comparison, side, name);
                if (!other)
                        return -ENOMEM;
                Subject *from = is_inverse ? other : context->subject,
                        *to = is_inverse ? context->subject : other;
                if (comparison_add_edge(context->comparison, from, to, kind, 1u << side) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_names(
                const Context *context, const char *value, RelationKind kind, bool is_inverse) {
        const char *word = NULL;
        value = unit_name_expand(context->comparison->arena, context->subject->name, value);
        if (!value)
                return -ENOMEM;
        int r;
        while ((r = unit_value_next_name(context->comparison->arena, &value, &word)) > 0)
                if (add(context, word, kind, is_inverse) < 0)
                        return -ENOMEM;
        return r == -ENOMEM ? r : 0; /* a quote without an end: systemd leaves the rest of the line
                                        out */
}

/* Every mount that a side's tree defines on the way to a path is required. */
static int add_path(const Context *context, const char *prefix, const char *path) {
        Arena *arena = context->comparison->arena;
        if (!*prefix && *path != '/')
                return 0;
        char *full = arena_printf(arena, "%s%s", prefix, path);
        if (!full)
                return -ENOMEM;
        for (char *slash = full + strlen(full); slash > full; slash = strrchr(full, '/')) {
                *slash = 0;
                if (!*full)
                        break;
                const char *name = unit_name_from_path(arena, full, UNIT_MOUNT);
                if (!name)
                        return -ENOMEM;
                const Subject *mount = comparison_find(context->comparison, name);
                if (!mount || mount == context->subject)
                        continue;
                Context defined = *context;
                for (Side side = 0; side < N_SIDES; side++)
                        if (!mount->units[side]->is_defined)
                                defined.sides &= ~(1u << side);
                if (add(&defined, name, RELATION_REQUIRES, false) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_paths(const Context *context, const char *prefix, const char *value) {
        const char *word = NULL;
        value = unit_name_expand(context->comparison->arena, context->subject->name, value);
        if (!value)
                return -ENOMEM;
        int r;
        while ((r = unit_value_next_name(context->comparison->arena, &value, &word)) > 0)
                if (add_path(context, prefix, word) < 0)
                        return -ENOMEM;
        return r == -ENOMEM ? r : 0;
}

bool relation_is_key(const char *key) {
        if (!strchr("RBWUPSCO", *key)) /* most lines of [Unit] are Description=, After= … */
                return false;
        for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                if (is(key, keys[i].key))
                        return true;
        return false;
}

static int add_unit_line(const Context *context, const UnitLine *line) {
        if (!strchr("RBWUPSCO", *line->key))
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                if (is(line->key, keys[i].key))
                        return add_names(context, line->value, keys[i].kind, keys[i].is_inverse);
        return is(line->key, "RequiresMountsFor") ? add_paths(context, "", line->value) : 0;
}

static bool sees_mounts(const Context *context) {
        return context->comparison->pair->sets[BEFORE].has_mounts ||
               context->comparison->pair->sets[AFTER].has_mounts;
}

/* Lines of the sections that a type has: only what names paths below mounts, and sockets. */
static int add_type_line(const Context *context, const UnitLine *line) {
        if (is(line->key, "Sockets") && is(line->section, "Service")) {
                int r = add_names(context, line->value, RELATION_WANTS, false);
                return r < 0 ? r : add_names(context, line->value, RELATION_TRIGGERS, true);
        }
        if (!sees_mounts(context))
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(path_keys); i++)
                if (is(line->key, path_keys[i].key))
                        return *line->value == '-' ? 0
                                                   : add_paths(context, path_keys[i].prefix,
                                                                     line->value);
        bool is_path = is(line->section, "Path") || strncmp(line->key, "Listen", 6) == 0 ||
                       (is(line->key, "What") && (context->unit->type == UNIT_MOUNT ||
                                                                 context->unit->type == UNIT_SWAP));
        if (is_path && *line->value == '/')
                return add_path(context, "", line->value);
        return 0;
}

/* A socket, timer or path starts the service of its name, unless it names another unit; an
 * automount its mount. */
static int add_trigger(const Context *context) {
        const Unit *unit = context->unit;
        const char *section = unit->type == UNIT_SOCKET  ? "Socket"
                              : unit->type == UNIT_TIMER ? "Timer"
                                                         : "Path";
        const char *name = NULL;
        if (unit->type == UNIT_SOCKET && unit_text_boolean(&unit->text, "Socket", "Accept") == 1)
                return 0;
        if (unit->type != UNIT_AUTOMOUNT)
                name = unit_text_value(&unit->text, section,
                                unit->type == UNIT_SOCKET ? "Service" : "Unit");
        if (name)
                return add_names(context, name, RELATION_TRIGGERS, false);
        UnitType type = unit->type == UNIT_AUTOMOUNT ? UNIT_MOUNT : UNIT_SERVICE;
        name = unit_name_with_type(context->comparison->arena, context->subject->name, type);
        return name ? add(context, name, RELATION_TRIGGERS, false) : -ENOMEM;
}

/* A mount hangs on the mounts above it. */
static int add_parents(const Context *context) {
        const char *where = unit_text_value(&context->unit->text, "Mount", "Where");
        return where && sees_mounts(context) ? add_path(context, "", where) : 0;
}

static int add_links_of(const Context *context, Side side, const char *name) {
        const UnitLink *link = unit_set_links(&context->comparison->pair->sets[side], name);
        for (; link; link = link->next) {
                if (!unit_name_is_valid(link->directory->stem))
                        continue;
                Subject *owner = comparison_subject(
                                context->comparison, side, link->directory->stem);
                if (!owner || comparison_add_edge(context->comparison, owner, context->subject,
                                              link->kind, 1u << side) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* The links of this name, or of another one that the unit has: what they lie in hangs on it. */
static int add_link_edges(const Context *context) {
        for (Side side = 0; side < N_SIDES; side++) {
                const UnitSet *set = &context->comparison->pair->sets[side];
                if (!(context->sides & 1u << side))
                        continue;
                if (add_links_of(context, side, context->subject->name) < 0)
                        return -ENOMEM;
                const AliasList *alias = map_get(&set->aliases_of, context->subject->name);
                for (; alias; alias = alias->next)
                        if (add_links_of(context, side, alias->name) < 0)
                                return -ENOMEM;
        }
        return 0;
}

int relation_add_edges(Comparison *comparison, Subject *subject, const Unit *unit, unsigned sides) {
        const Context context = {
                .comparison = comparison, .subject = subject, .unit = unit, .sides = sides
        };
        if (add_link_edges(&context) < 0)
                return -ENOMEM;
        TextCursor cursor = { .text = &unit->text };
        bool is_read = unit->text.mentions & MENTION_RELATION || sees_mounts(&context);
        for (const UnitLine *line; is_read && (line = unit_text_next(&cursor));) {
                int r = is(line->section, "Unit") ? add_unit_line(&context, line)
                                                  : add_type_line(&context, line);
                if (r < 0)
                        return r;
        }
        bool triggers = unit->type == UNIT_SOCKET || unit->type == UNIT_TIMER ||
                        unit->type == UNIT_PATH || unit->type == UNIT_AUTOMOUNT;
        if (triggers && unit->text.n_parts > 0 && add_trigger(&context) < 0)
                return -ENOMEM;
        return unit->type == UNIT_MOUNT ? add_parents(&context) : 0;
}

int relation_add_linked(Comparison *comparison, Subject *subject) {
        if (subject->has_linked)
                return 0;
        subject->has_linked = true;
        for (Side side = 0; side < N_SIDES; side++) {
                const UnitSet *set = &comparison->pair->sets[side];
                const UnitDirectory *const *levels = NULL;
                size_t n_levels = 0;
                if (unit_set_levels(set, subject->name, &levels, &n_levels) < 0)
                        return -ENOMEM;
                const Context context = {
                        .comparison = comparison, .subject = subject, .sides = 1u << side
                };
                for (size_t i = 0; i < n_levels; i++) {
                        UnitLink link;
                        for (size_t position = 0;
                                        unit_directory_next(set, levels[i], &position, &link);)
                                if (add(&context, link.name, link.kind, false) < 0)
                                        return -ENOMEM;
                }
        }
        return comparison_connect(comparison);
}
