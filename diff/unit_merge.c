/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One unit, merged from all that concerns its name. */
#include "diff/unit_set.h"

#include <errno.h>
#include <string.h>

enum { MAX_LEVELS = 64 };

/* The levels of a unit as they are gathered. */
typedef struct Levels {
        const UnitDirectory *list[MAX_LEVELS];
        size_t n;
} Levels;

static void add_level(const UnitSet *set, const char *stem, size_t length, Levels *levels) {
        const UnitDirectory *directory = map_get_n(&set->directory_by_stem, stem, length);
        if (!directory || levels->n == MAX_LEVELS)
                return;
        for (size_t i = 0; i < levels->n; i++)
                if (levels->list[i] == directory)
                        return;
        levels->list[levels->n++] = directory;
}

/* The next shorter prefix: the stem up to and with its last dash, one at its end not counted. 0:
 * there is none. */
static size_t shorter_prefix(const char *stem, size_t length) {
        bool is_chopped = false;
        for (;;) {
                const char *dash = memrchr(stem, '-', length);
                if (!dash || dash == stem)
                        return 0;
                size_t before = (size_t) (dash - stem);
                if (before + 1 < length || is_chopped)
                        return before + 1;
                length = before;
                is_chopped = true;
        }
}

/* As systemd looks for directories (shared/dropin.c): the name, its template and the template's
 * prefixes, the name's prefixes. */
static int add_levels(const UnitSet *set, const char *name, Levels *levels) {
        add_level(set, name, strlen(name), levels);
        if (unit_name_is_instance(name)) {
                const char *template_name = unit_name_template_of(set->arena, name);
                if (!template_name || add_levels(set, template_name, levels) < 0)
                        return -ENOMEM;
        }
        if (!set->has_prefixes)
                return 0;
        size_t instance_length = 0;
        const char *instance = unit_name_instance(name, &instance_length);
        const char *end = instance ? instance - 1 : strrchr(name, '.');
        size_t length = shorter_prefix(name, (size_t) (end - name));
        if (length == 0)
                return 0;
        const char *shorter = arena_printf(set->arena, "%.*s%s", (int) length, name, end);
        return shorter ? add_levels(set, shorter, levels) : -ENOMEM;
}

static int gather_levels(const UnitSet *set, const char *name, Levels *levels) {
        levels->n = 0;
        if (set->directories.n_items == 0)
                return 0;
        if (add_levels(set, name, levels) < 0)
                return -ENOMEM;
        const AliasList *alias = map_get(&set->aliases_of, name);
        for (; alias; alias = alias->next)
                if (add_levels(set, alias->name, levels) < 0)
                        return -ENOMEM;
        const char *type = strrchr(name, '.') + 1;
        add_level(set, type, strlen(type), levels);
        return 0;
}

static bool is_own_level(const Unit *unit, const UnitDirectory *level) {
        if (strcmp(level->stem, unit->name) == 0)
                return true;
        return unit_is_instance_of(unit->name, level->stem);
}

static int compare_drop_ins(const void *left, const void *right) {
        return strcmp((*(const DropIn *const *) left)->file_name,
                        (*(const DropIn *const *) right)->file_name);
}

/* The drop-ins that count, ordered by file name; of two of one name the nearer one. */
static int merge_drop_ins(
                const UnitSet *set, const Levels *levels, const DropIn ***ret_list, size_t *ret_n) {
        size_t n_most = 0, n = 0;
        for (size_t i = 0; i < levels->n; i++)
                for (const DropIn *drop_in = levels->list[i]->drop_ins; drop_in;
                                drop_in = drop_in->next)
                        n_most++;
        const DropIn **list = arena_new(set->arena, const DropIn *, n_most + 1);
        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < levels->n; i++)
                for (const DropIn *drop_in = levels->list[i]->drop_ins; drop_in;
                                drop_in = drop_in->next) {
                        bool is_hidden = false;
                        for (size_t j = 0; j < n; j++)
                                is_hidden |= strcmp(list[j]->file_name, drop_in->file_name) == 0;
                        if (!is_hidden)
                                list[n++] = drop_in;
                }
        if (n > 1)
                qsort(list, n, sizeof(list[0]), compare_drop_ins);
        *ret_list = list;
        *ret_n = n;
        return 0;
}

static int merge_text(const UnitSet *set, Unit *unit, const TextPart *own, const Levels *levels) {
        const DropIn **drop_ins = NULL;
        size_t n_drop_ins = 0;
        if (levels->n > 0 && merge_drop_ins(set, levels, &drop_ins, &n_drop_ins) < 0)
                return -ENOMEM;
        if (unit->is_masked || (!own && n_drop_ins == 0))
                return 0;
        const TextPart **parts = arena_new(set->arena, const TextPart *, n_drop_ins + 1);
        if (!parts)
                return -ENOMEM;
        size_t n = 0;
        if (own)
                parts[n++] = own;
        for (size_t i = 0; i < n_drop_ins; i++)
                parts[n++] = &drop_ins[i]->part;
        unit->text = (UnitText){ .parts = parts, .n_parts = n, .is_whole = own && own->file };
        for (size_t i = 0; i < n; i++)
                unit->text.mentions |= parts[i]->mentions;
        return 0;
}

static void note_levels(Unit *unit, const Levels *levels) {
        size_t n_with_drop_ins = 0, n_type_wide = 0;
        for (size_t i = 0; i < levels->n; i++) {
                if (!levels->list[i]->drop_ins)
                        continue;
                n_with_drop_ins++;
                n_type_wide += !strchr(levels->list[i]->stem, '.');
                unit->has_own_drop_in |= is_own_level(unit, levels->list[i]);
        }
        unit->is_type_wide = n_type_wide > 0 && n_type_wide == n_with_drop_ins;
}

static bool is_alike(const Unit *left, const Unit *right) {
        return left->is_defined == right->is_defined && left->has_own_file == right->has_own_file &&
               left->is_masked == right->is_masked &&
               left->has_own_drop_in == right->has_own_drop_in && !left->fstab && !right->fstab &&
               unit_text_is_shared(&left->text, &right->text);
}

/* The fragment that a unit's text is from: its own, or its template's; no alias. */
static int find_fragment(const UnitSet *set, const char *name, const Fragment **ret_fragment) {
        const Fragment *fragment = unit_set_fragment(set, name);
        if (!fragment && unit_name_is_instance(name)) {
                const char *template_name = unit_name_template_of(set->arena, name);
                if (!template_name)
                        return -ENOMEM;
                fragment = unit_set_fragment(set, template_name);
        }
        *ret_fragment = fragment && !fragment->alias_of ? fragment : NULL;
        return 0;
}

const Unit *unit_set_unit(const UnitSet *set, const char *name, const Unit *like) {
        const Fragment *fragment = NULL;
        Levels levels;
        if (find_fragment(set, name, &fragment) < 0 || gather_levels(set, name, &levels) < 0)
                return NULL;
        Unit unit = { .name = name, .type = (UnitType) unit_name_type(name) };
        if (fragment) {
                unit.has_own_file = strcmp(fragment->name, name) == 0;
                unit.is_defined = !fragment->is_mask;
                unit.is_masked = fragment->is_mask;
                unit.fstab = fragment->fstab;
        }
        if (merge_text(set, &unit, fragment && !fragment->is_mask ? &fragment->part : NULL,
                            &levels) < 0)
                return NULL;
        note_levels(&unit, &levels);
        if (like && is_alike(&unit, like))
                return like;
        return arena_memdup(set->arena, &unit, sizeof(Unit));
}

int unit_set_levels(const UnitSet *set,
                const char *name,
                const UnitDirectory *const **ret_levels,
                size_t *ret_n_levels) {
        Levels levels;
        if (gather_levels(set, name, &levels) < 0)
                return -ENOMEM;
        *ret_levels = arena_memdup(set->arena, levels.list, levels.n * sizeof(levels.list[0]));
        *ret_n_levels = levels.n;
        return *ret_levels ? 0 : -ENOMEM;
}
