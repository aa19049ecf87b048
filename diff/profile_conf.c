/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/profile_conf.h"

#include "base/map.h"
#include "diff/conf_reader.h"

#include <errno.h>
#include <string.h>

static int take_units(ConfReader *reader, const UnitLine *line, ConfList *list, Error *reterr) {
        const char *text = line->value, *unit = NULL;
        if (!*text)
                list->n_items = 0;
        int r;
        while ((r = conf_next_name(reader, line, &text, &unit, reterr)) > 0) {
                r = conf_check_unit_name(reader, line, unit, reterr);
                if (r < 0)
                        return r;
                UnitsRule *rule = conf_list_add(reader->arena, list, sizeof(UnitsRule));
                if (!rule)
                        return error_oom(reterr);
                *rule = (UnitsRule){ .unit = unit, .line = line->line };
        }
        return r;
}

static int take_enable(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_units(reader, line, &reader->enable, reterr);
}

static int take_disable(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_units(reader, line, &reader->disable, reterr);
}

static int take_mask(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_units(reader, line, &reader->mask, reterr);
}

static int take_description(ConfReader *reader, const UnitLine *line, Error *reterr) {
        (void) reterr; /* any text is one */
        reader->description = *line->value ? line->value : NULL;
        return 0;
}

static const ConfSection section_profile = { .name = "Profile",
        .list = "Description=",
        .keys = { { "Description", take_description }, { "Base", NULL } } };

static const ConfSection section_units = { .name = "Units",
        .list = "Enable=, Disable= and Mask=",
        .keys = { { "Enable", take_enable }, { "Disable", take_disable }, { "Mask", take_mask } } };

static const ConfSection section_kernel = { .name = "Kernel" };

static const ConfSection *const sections[] = { &section_profile, &section_units, &conf_section_file,
        &conf_section_trigger, &conf_section_check, &conf_section_container, &section_kernel };

static int
take_line(ConfReader *reader, const ConfSection *section, const UnitLine *line, Error *reterr) {
        for (const ConfKey *key = section->keys; key->name; key++)
                if (strcmp(key->name, line->key) == 0) {
                        if (key->take)
                                return key->take(reader, line, reterr);
                        return conf_refuse(reader, line->line, reterr,
                                        "%s= in [%s] is not supported by this version yet; take it "
                                        "out",
                                        key->name, section->name);
                }
        return conf_refuse(reader, line->line, reterr, "Unknown key %s= in [%s], which has %s",
                        line->key, section->name, section->list);
}

static int find_section(const ConfReader *reader,
                const struct UnitSection *header,
                const ConfSection **ret_section,
                Error *reterr) {
        for (size_t i = 0; i < N_ELEMENTS(sections); i++)
                if (strcmp(sections[i]->name, header->name) == 0) {
                        if (!sections[i]->keys[0].name)
                                return conf_refuse(reader, header->line, reterr,
                                                "[%s] is not supported by this version yet; take "
                                                "it out",
                                                header->name);
                        *ret_section = sections[i];
                        return 0;
                }
        return conf_refuse(reader, header->line, reterr,
                        "Unknown section [%s]; there are [Profile], [Units], [File], [Trigger], "
                        "[Check] and [Container]",
                        header->name);
}

static int read_sections(ConfReader *reader, const UnitFile *file, Error *reterr) {
        const UnitLine *line = file->lines, *end = file->lines + file->n_lines;
        for (size_t i = 0; i < file->n_sections; i++) {
                const ConfSection *section = NULL;
                unsigned header_line = file->sections[i].line;
                int r = find_section(reader, &file->sections[i], &section, reterr);
                if (r == 0 && section->begin)
                        r = section->begin(reader, header_line, reterr);
                for (; r == 0 && line < end && line->nth_section == i; line++)
                        r = take_line(reader, section, line, reterr);
                if (r == 0 && section->end)
                        r = section->end(reader, header_line, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Drops what is named a second time: naming a unit twice means what naming it once does. */
static int drop_repeated(ConfList *list, Map *ret_by_unit, Error *reterr) {
        UnitsRule *rules = list->items;
        size_t n_kept = 0;
        for (size_t i = 0; i < list->n_items; i++) {
                if (map_get(ret_by_unit, rules[i].unit))
                        continue;
                rules[n_kept] = rules[i];
                if (map_put(ret_by_unit, rules[n_kept].unit, &rules[n_kept]) < 0)
                        return error_oom(reterr);
                n_kept++;
        }
        list->n_items = n_kept;
        return 0;
}

static int check_contradictions(ConfReader *reader, Error *reterr) {
        cleanup(map_donep) Map enabled = { 0 }, disabled = { 0 }, masked = { 0 };
        if (drop_repeated(&reader->enable, &enabled, reterr) < 0 ||
                        drop_repeated(&reader->disable, &disabled, reterr) < 0 ||
                        drop_repeated(&reader->mask, &masked, reterr) < 0)
                return -ENOMEM;
        const UnitsRule *rules = reader->enable.items;
        for (size_t i = 0; i < reader->enable.n_items; i++) {
                const UnitsRule *disable = map_get(&disabled, rules[i].unit);
                const UnitsRule *other = disable ? disable : map_get(&masked, rules[i].unit);
                if (other)
                        return conf_refuse(reader, other->line, reterr,
                                        "%s=%s, but line %u has Enable=%s; take one out",
                                        disable ? "Disable" : "Mask", other->unit, rules[i].line,
                                        other->unit);
        }
        return 0;
}

int profile_conf_parse(Arena *arena,
                const char *name,
                Contents *contents,
                Content *content,
                const ProfileConf **ret_conf,
                Error *reterr) {
        const UnitFile *file = NULL;
        int r = unit_file_of(contents, content, name, &file, reterr);
        if (r < 0)
                return r;
        ConfReader reader = { .arena = arena, .name = name };
        r = read_sections(&reader, file, reterr);
        if (r < 0)
                return r;
        r = check_contradictions(&reader, reterr);
        if (r < 0)
                return r;
        ProfileConf *conf = arena_new(arena, ProfileConf, 1);
        if (!conf)
                return error_oom(reterr);
        *conf = (ProfileConf){
                .description = reader.description,
                .enable = reader.enable.items,
                .disable = reader.disable.items,
                .mask = reader.mask.items,
                .n_enable = reader.enable.n_items,
                .n_disable = reader.disable.n_items,
                .n_mask = reader.mask.n_items,
                .files = reader.files.items,
                .n_files = reader.files.n_items,
                .triggers = reader.triggers.items,
                .n_triggers = reader.triggers.n_items,
                .checks = reader.checks.items,
                .n_checks = reader.checks.n_items,
                .containers = reader.containers.items,
                .n_containers = reader.containers.n_items,
        };
        *ret_conf = conf;
        return 0;
}
