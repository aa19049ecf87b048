/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/daemon.h"

#include "base/path.h"
#include "diff/tree_link.h"

#include <errno.h>
#include <string.h>

static int add(Judge *judge, DaemonReasons *reasons, const char *item) {
        if (!item)
                return -ENOMEM;
        if (reasons->n_items == reasons->n_allocated) {
                size_t n = reasons->n_allocated ? reasons->n_allocated * 2 : 16;
                reasons->items = arena_grow(
                                judge->arena, reasons->items, reasons->n_items, n, sizeof(char *));
                if (!reasons->items)
                        return -ENOMEM;
                reasons->n_allocated = n;
        }
        reasons->items[reasons->n_items++] = item;
        return 0;
}

static bool is_there(const Entry *entry) {
        return entry && entry->kind != ENTRY_ABSENT;
}

static const char *word_of(const TreeChange *change) {
        return !is_there(change->before)  ? "added"
               : !is_there(change->after) ? "removed"
                                          : "changed";
}

static int add_path(Judge *judge, DaemonReasons *reasons, const TreeChange *change) {
        const Entry *entry = change->after ? change->after : change->before;
        return add(judge, reasons,
                        arena_printf(judge->arena, "/etc/%s %s", entry->path, word_of(change)));
}

static bool ends_with(const char *text, size_t length, const char *end) {
        size_t end_length = strlen(end);
        return length > end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

/* In NAME.wants/ and its like the name of a link counts, not its target; one to /dev/null takes a
 * name away. */
static bool is_null(const Entry *entry) {
        return is_there(entry) && entry->kind == ENTRY_LINK &&
               strcmp(entry->target, "/dev/null") == 0;
}

/* Links between units, aliases and masks. Texts are compared as units. */
static bool changes_link(const TreeChange *change, const char *path) {
        const char *slash = strchr(path, '/');
        if (!slash) {
                bool is_link = (is_there(change->before) && change->before->kind == ENTRY_LINK) ||
                               (is_there(change->after) && change->after->kind == ENTRY_LINK);
                return is_link && unit_name_is_valid(path) &&
                       !entry_same_bytes(change->before, change->after);
        }
        size_t length = (size_t) (slash - path);
        if (!ends_with(path, length, ".wants") && !ends_with(path, length, ".requires") &&
                        !ends_with(path, length, ".upholds"))
                return false;
        return is_there(change->before) != is_there(change->after) ||
               is_null(change->before) != is_null(change->after);
}

/* Read by generators, and so with a daemon-reload (fstab is compared as units). */
static bool is_generator_input(const char *path) {
        static const char *const files[] = { "crypttab", "integritytab", "veritytab",
                "systemd/zram-generator.conf" };
        static const char *const directories[] = { "containers/systemd", "netplan",
                "systemd/system-generators" };
        for (size_t i = 0; i < N_ELEMENTS(files); i++)
                if (strcmp(path, files[i]) == 0)
                        return true;
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                if (path_is_below(path, directories[i]))
                        return true;
        return false;
}

static bool is_manager_conf(const Judge *judge, const char *path) {
        const char *name = judge->comparison->is_user ? "systemd/user.conf" : "systemd/system.conf";
        size_t length = strlen(name);
        return strncmp(path, name, length) == 0 &&
               (path[length] == 0 || strncmp(path + length, ".d/", 3) == 0);
}

static int conf_text(Judge *judge, const Entry *entry, const TextPart **ret_part, Error *reterr) {
        TextPart *part = arena_new(judge->arena, TextPart, 1);
        if (!part)
                return error_oom(reterr);
        part->prefix = "/etc/";
        part->path = part->identity = entry->path;
        *ret_part = part;
        int r = unit_file_of(judge->comparison->input->contents, entry->content, entry->path,
                        &part->file, reterr);
        return r == -EBADMSG ? 0 : r;
}

/* Comments in the manager's own configuration are no change. */
static int changes_conf(Judge *judge, const TreeChange *change, bool *ret_changes, Error *reterr) {
        *ret_changes = !entry_same_bytes(change->before, change->after);
        const Entry *entries[N_SIDES] = { change->before, change->after };
        const TextPart *parts[N_SIDES] = { NULL, NULL };
        UnitText texts[N_SIDES] = { 0 };
        for (Side side = 0; side < N_SIDES; side++) {
                if (!is_there(entries[side]))
                        continue;
                if (entries[side]->kind != ENTRY_FILE)
                        return 0;
                int r = conf_text(judge, entries[side], &parts[side], reterr);
                if (r < 0)
                        return r;
                if (!parts[side]->file)
                        return 0;
                texts[side] = (UnitText){ .parts = &parts[side], .n_parts = 1, .is_whole = true };
        }
        const TextChange *changes = NULL;
        size_t n_changes = 0;
        if (unit_text_compare(judge->arena, &texts[BEFORE], &texts[AFTER], &changes, &n_changes) <
                        0)
                return error_oom(reterr);
        *ret_changes = n_changes > 0;
        return 0;
}

static int look_at_file(
                Judge *judge, DaemonReasons *reasons, const TreeChange *change, Error *reterr) {
        const Entry *entry = change->after ? change->after : change->before;
        const char *directory = judge->comparison->pair->sets[AFTER].directory;
        if (entry->root != ROOT_ETC || entry->kind == ENTRY_DIRECTORY)
                return 0;
        size_t length = strlen(directory);
        bool changes = strncmp(entry->path, directory, length) == 0 &&
                       changes_link(change, entry->path + length);
        if (!judge->comparison->is_user && is_generator_input(entry->path))
                changes = !entry_same_bytes(change->before, change->after);
        if (is_manager_conf(judge, entry->path)) {
                int r = changes_conf(judge, change, &changes, reterr);
                if (r < 0)
                        return r;
        }
        return changes && add_path(judge, reasons, change) < 0 ? error_oom(reterr) : 0;
}

/* Do the trees have links of this name, or take some away? (Not so where the distribution's text is
 * not at hand.) */
static bool has_links(const Comparison *comparison, const Subject *subject) {
        for (Side side = 0; side < N_SIDES; side++)
                if (unit_set_links(&comparison->pair->sets[side], subject->name))
                        return true;
        for (size_t i = 0; i < comparison->n_files; i++) {
                const TreeChange *change = &comparison->files[i];
                const Entry *entry = change->after ? change->after : change->before;
                const char *slash = strrchr(entry->path, '/');
                if (entry->root == ROOT_ETC && slash && strcmp(slash + 1, subject->name) == 0)
                        return true;
        }
        return false;
}

static int add_part(Judge *judge, DaemonReasons *reasons, const TextPart *part, const char *word) {
        return add(judge, reasons,
                        arena_printf(judge->arena, "%s%s %s", part->prefix, part->path, word));
}

static int look_at_subject(Judge *judge, DaemonReasons *reasons, const Subject *subject) {
        const Unit *before = subject->units[BEFORE], *after = subject->units[AFTER];
        if ((subject->enable[BEFORE] != subject->enable[AFTER] ||
                            subject->disable[BEFORE] != subject->disable[AFTER]) &&
                        !has_links(judge->comparison, subject))
                return add(judge, reasons,
                                arena_printf(judge->arena, "enablement of %s changed",
                                                subject->name));
        if (before == after)
                return 0;
        if (before->is_masked != after->is_masked) /* a link, or an empty file */
                return add(judge, reasons,
                                arena_printf(judge->arena, "mask of %s changed", subject->name));
        const UnitText *text = after->text.n_parts > 0 ? &after->text : &before->text;
        if (before->is_defined != after->is_defined && text->n_parts > 0)
                return add_part(judge, reasons, text->parts[0],
                                before->is_defined ? "removed" : "added");
        const TextChange *changes = NULL;
        size_t n_changes = 0;
        if (unit_text_compare(judge->arena, &before->text, &after->text, &changes, &n_changes) < 0)
                return -ENOMEM;
        if (n_changes == 0)
                return 0;
        const TextPart *part = changes[0].part;
        return add_part(judge, reasons, part,
                        unit_text_part_word(&before->text, &after->text, part));
}

/* service.d/ and its like: of units that only the distribution has. */
static int look_at_type(Judge *judge, DaemonReasons *reasons, const char *stem) {
        UnitText texts[N_SIDES] = { 0 };
        for (Side side = 0; side < N_SIDES; side++) {
                const UnitDirectory *directory = map_get(
                                &judge->comparison->pair->sets[side].directory_by_stem, stem);
                size_t n = 0;
                for (const DropIn *drop_in = directory ? directory->drop_ins : NULL; drop_in;
                                drop_in = drop_in->next)
                        n++;
                const TextPart **parts = arena_new(judge->arena, const TextPart *, n + 1);
                if (!parts)
                        return -ENOMEM;
                texts[side].parts = parts;
                for (const DropIn *drop_in = directory ? directory->drop_ins : NULL; drop_in;
                                drop_in = drop_in->next)
                        parts[texts[side].n_parts++] = &drop_in->part;
        }
        const TextChange *changes = NULL;
        size_t n_changes = 0;
        if (unit_text_compare(judge->arena, &texts[BEFORE], &texts[AFTER], &changes, &n_changes) <
                        0)
                return -ENOMEM;
        if (n_changes == 0)
                return 0;
        const TextPart *part = changes[0].part;
        return add_part(judge, reasons, part,
                        unit_text_part_word(&texts[BEFORE], &texts[AFTER], part));
}

static int compare_strings(const void *left, const void *right) {
        return strcmp(*(const char *const *) left, *(const char *const *) right);
}

static void sort_and_make_unique(DaemonReasons *reasons) {
        if (reasons->n_items < 2)
                return;
        qsort(reasons->items, reasons->n_items, sizeof(char *), compare_strings);
        size_t n = 1;
        for (size_t i = 1; i < reasons->n_items; i++)
                if (strcmp(reasons->items[i], reasons->items[n - 1]) != 0)
                        reasons->items[n++] = reasons->items[i];
        reasons->n_items = n;
}

int daemon_find(Judge *judge, DaemonReasons *ret_reasons, Error *reterr) {
        const Comparison *comparison = judge->comparison;
        *ret_reasons = (DaemonReasons){ 0 };
        for (size_t i = 0; i < comparison->n_files; i++) {
                int r = look_at_file(judge, ret_reasons, &comparison->files[i], reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < comparison->n_subjects; i++)
                if (look_at_subject(judge, ret_reasons, comparison->subjects[i]) < 0)
                        return error_oom(reterr);
        for (UnitType type = 0; type < N_UNIT_TYPES; type++)
                if (look_at_type(judge, ret_reasons, unit_type_to_string(type)) < 0)
                        return error_oom(reterr);
        sort_and_make_unique(ret_reasons);
        return 0;
}
