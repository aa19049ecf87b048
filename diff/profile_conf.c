/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/profile_conf.h"

#include "base/map.h"
#include "base/path.h"
#include "diff/conf_reader.h"
#include "diff/layer.h"
#include "diff/tree.h"

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

static int take_base(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *path = NULL;
        if (!*text)
                reader->bases.n_items = 0;
        int r;
        while ((r = conf_next_name(reader, line, &text, &path, reterr)) > 0) {
                if (*path == '/')
                        return conf_refuse(reader, line->line, reterr,
                                        "Base=%s is absolute; write it from here, as "
                                        "../../roles/common",
                                        path);
                BaseRule *rule = conf_list_add(reader->arena, &reader->bases, sizeof(BaseRule));
                if (!rule)
                        return error_oom(reterr);
                *rule = (BaseRule){ .path = path, .line = line->line };
        }
        return r;
}

static int take_without(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *path = NULL;
        if (!*text)
                reader->without.n_items = 0;
        int r;
        while ((r = conf_next_name(reader, line, &text, &path, reterr)) > 0) {
                cleanup_free char *plain = path_normalize(path);
                if (!plain)
                        return error_oom(reterr);
                if (*path == '/' || !*plain || !path_is_below(plain, ""))
                        return conf_refuse(reader, line->line, reterr,
                                        "Without=%s is no path in a source; write etc/motd or "
                                        "units/web.service",
                                        path);
                if (layer_conf_prefix(plain) >= 0)
                        return conf_refuse(reader, line->line, reterr,
                                        "Without=%s: What it says is changed key by key; give "
                                        "those anew",
                                        path);
                BaseRule *rule = conf_list_add(reader->arena, &reader->without, sizeof(BaseRule));
                const char *kept = strcmp(plain, "units") == 0 ? "etc/systemd/system"
                                                               : arena_strdup(reader->arena, plain);
                if (!rule || !kept)
                        return error_oom(reterr);
                *rule = (BaseRule){ .path = kept, .line = line->line };
        }
        return r;
}

/* Of one that is written out; in one that was put together, each layer had its own. */
static int check_without(const ConfReader *reader, Error *reterr) {
        const BaseRule *rules = reader->without.items;
        if (reader->without.n_items == 0 || reader->bases.n_items > 0 || reader->layers.n_items > 0)
                return 0;
        return conf_refuse(reader, rules[0].line, reterr,
                        "Without=%s: There is no Base= that could have it; take it out",
                        rules[0].path);
}

static const ConfSection section_profile = { .name = "Profile",
        .list = "Description=, Base= and Without=",
        .keys = { { "Description", take_description }, { "Base", take_base },
                        { "Without", take_without } } };

static const ConfSection section_units = { .name = "Units",
        .list = "Enable=, Disable= and Mask=",
        .keys = { { "Enable", take_enable }, { "Disable", take_disable }, { "Mask", take_mask } } };

static const ConfSection *const sections[] = { &section_profile, &section_units, &conf_section_file,
        &conf_section_trigger, &conf_section_check, &conf_section_container, &conf_section_layer,
        &conf_section_kernel };

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
                        *ret_section = sections[i];
                        return 0;
                }
        return conf_refuse(reader, header->line, reterr,
                        "Unknown section [%s]; there are [Profile], [Units], [File], [Trigger], "
                        "[Check], [Container] and [Kernel]",
                        header->name);
}

/* Where faults are collected, goes on after one. */
static int go_on(ConfReader *reader, int r, Error *reterr) {
        if (r != -EBADMSG || !reader->faults)
                return r;
        reader->n_faults++;
        return strv_add_unique(reader->faults, reterr->message) < 0 ? error_oom(reterr) : 0;
}

/* The lines of the nth section; *line moves on behind them. */
static int read_section(ConfReader *reader,
                const UnitFile *file,
                size_t nth,
                const UnitLine **line,
                Error *reterr) {
        const UnitLine *end = file->lines + file->n_lines;
        const ConfSection *section = NULL;
        unsigned header_line = file->sections[nth].line;
        int r = find_section(reader, &file->sections[nth], &section, reterr);
        if (r == 0 && section->begin)
                r = section->begin(reader, header_line, reterr);
        r = go_on(reader, r, reterr);
        size_t n_faults = reader->n_faults;
        for (; r == 0 && *line < end && (*line)->nth_section == nth; (*line)++)
                if (section)
                        r = go_on(reader, take_line(reader, section, *line, reterr), reterr);
        if (r < 0 || !section || !section->end)
                return r;
        r = section->end(reader, header_line, reterr);
        /* what a line that was refused would have said is not missing */
        bool is_told = reader->n_faults > n_faults;
        return is_told && r == -EBADMSG ? 0 : go_on(reader, r, reterr);
}

static int read_sections(ConfReader *reader, const UnitFile *file, Error *reterr) {
        const UnitLine *line = file->lines;
        for (size_t i = 0; i < file->n_sections; i++) {
                int r = read_section(reader, file, i, &line, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Drops what is named a second time: naming a unit twice means what naming it once does. Of two
 * layers, the later one is who says so. */
static int drop_repeated(
                const ConfReader *reader, ConfList *list, Map *ret_by_unit, Error *reterr) {
        UnitsRule *rules = list->items;
        size_t n_kept = 0;
        for (size_t i = 0; i < list->n_items; i++) {
                UnitsRule *there = map_get(ret_by_unit, rules[i].unit);
                if (there) {
                        if (conf_layer_of(reader, there->line) <
                                        conf_layer_of(reader, rules[i].line))
                                there->line = rules[i].line;
                        continue;
                }
                rules[n_kept] = rules[i];
                if (map_put(ret_by_unit, rules[n_kept].unit, &rules[n_kept]) < 0)
                        return error_oom(reterr);
                n_kept++;
        }
        list->n_items = n_kept;
        return 0;
}

/* Marks with line 0 the one of the two that the later layer replaces. */
static int settle(const ConfReader *reader,
                UnitsRule *enable,
                UnitsRule *other,
                const char *key,
                Error *reterr) {
        if (!other || other->line == 0 || enable->line == 0)
                return 0;
        size_t layer = conf_layer_of(reader, enable->line);
        size_t other_layer = conf_layer_of(reader, other->line);
        if (layer == other_layer)
                return conf_refuse(reader, other->line, reterr,
                                "%s=%s, but line %u has Enable=%s; take one out", key, other->unit,
                                enable->line, other->unit);
        if (layer < other_layer)
                enable->line = 0;
        else
                other->line = 0;
        return 0;
}

static void drop_replaced(ConfList *list) {
        UnitsRule *rules = list->items;
        size_t n_kept = 0;
        for (size_t i = 0; i < list->n_items; i++)
                if (rules[i].line != 0)
                        rules[n_kept++] = rules[i];
        list->n_items = n_kept;
}

static int check_contradictions(ConfReader *reader, Error *reterr) {
        cleanup(map_donep) Map enabled = { 0 }, disabled = { 0 }, masked = { 0 };
        if (drop_repeated(reader, &reader->enable, &enabled, reterr) < 0 ||
                        drop_repeated(reader, &reader->disable, &disabled, reterr) < 0 ||
                        drop_repeated(reader, &reader->mask, &masked, reterr) < 0)
                return -ENOMEM;
        UnitsRule *rules = reader->enable.items;
        for (size_t i = 0; i < reader->enable.n_items; i++) {
                const char *unit = rules[i].unit;
                int r = settle(reader, &rules[i], map_get(&disabled, unit), "Disable", reterr);
                if (r >= 0)
                        r = settle(reader, &rules[i], map_get(&masked, unit), "Mask", reterr);
                if (r < 0)
                        return r;
        }
        drop_replaced(&reader->enable);
        drop_replaced(&reader->disable);
        drop_replaced(&reader->mask);
        return 0;
}

static KernelRule kernel_of(const ConfReader *reader) {
        KernelRule kernel = reader->kernel;
        kernel.modules = reader->modules.items;
        kernel.n_modules = reader->modules.n_items;
        kernel.parameters = reader->parameters.items;
        kernel.n_parameters = reader->parameters.n_items;
        kernel.requirements = reader->requirements.items;
        kernel.n_requirements = reader->requirements.n_items;
        kernel.extra_modules = reader->extra_modules.items;
        kernel.n_extra_modules = reader->extra_modules.n_items;
        kernel.firmware = reader->firmware.items;
        kernel.n_firmware = reader->firmware.n_items;
        kernel.initrd_modules = reader->initrd_modules.items;
        kernel.n_initrd_modules = reader->initrd_modules.n_items;
        kernel.initrd_available = reader->initrd_available.items;
        kernel.n_initrd_available = reader->initrd_available.n_items;
        return kernel;
}

static ProfileConf conf_of(const ConfReader *reader) {
        return (ProfileConf){
                .description = reader->description,
                .bases = reader->bases.items,
                .n_bases = reader->layers.n_items > 0 ? 0 : reader->bases.n_items,
                .without = reader->without.items,
                .n_without = reader->without.n_items,
                .layers = reader->layers.items,
                .n_layers = reader->layers.n_items,
                .enable = reader->enable.items,
                .disable = reader->disable.items,
                .mask = reader->mask.items,
                .n_enable = reader->enable.n_items,
                .n_disable = reader->disable.n_items,
                .n_mask = reader->mask.n_items,
                .files = reader->files.items,
                .n_files = reader->files.n_items,
                .triggers = reader->triggers.items,
                .n_triggers = reader->triggers.n_items,
                .checks = reader->checks.items,
                .n_checks = reader->checks.n_items,
                .containers = reader->containers.items,
                .n_containers = reader->containers.n_items,
                .kernel = kernel_of(reader),
        };
}

int profile_conf_parse_all(Arena *arena,
                const char *name,
                Contents *contents,
                Content *content,
                Strv *faults,
                const ProfileConf **ret_conf,
                Error *reterr) {
        const UnitFile *file = NULL;
        int r = unit_file_of(contents, content, name, &file, reterr);
        if (r == -EBADMSG && faults)
                r = unit_file_parse_all(arena, name, content, faults, &file, reterr);
        if (r < 0)
                return r;
        ConfReader reader = { .arena = arena, .name = name, .faults = faults };
        r = read_sections(&reader, file, reterr);
        if (r < 0)
                return r;
        r = go_on(&reader, check_without(&reader, reterr), reterr);
        if (r < 0)
                return r;
        r = go_on(&reader, check_contradictions(&reader, reterr), reterr);
        if (r < 0)
                return r;
        ProfileConf *conf = arena_new(arena, ProfileConf, 1);
        if (!conf)
                return error_oom(reterr);
        *conf = conf_of(&reader);
        *ret_conf = conf;
        return 0;
}

int profile_conf_parse(Arena *arena,
                const char *name,
                Contents *contents,
                Content *content,
                const ProfileConf **ret_conf,
                Error *reterr) {
        return profile_conf_parse_all(arena, name, contents, content, NULL, ret_conf, reterr);
}

int profile_conf_of(Arena *arena,
                const Tree *tree,
                Contents *contents,
                const ProfileConf **ret_conf,
                Error *reterr) {
        static const ProfileConf none;
        const Entry *entry = tree ? tree_find(tree, ROOT_PROFILE, "profile.conf") : NULL;
        if (entry)
                return profile_conf_parse(
                                arena, "profile.conf", contents, entry->content, ret_conf, reterr);
        *ret_conf = &none;
        return 0;
}
