/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every unit's text and every rule of profile.conf is read once for the paths it names, and those
 * that something changed at or below are kept; then each changed file is looked up, with the
 * directories above it, and tried against the patterns. */
#include "diff/trigger.h"

#include "diff/glob.h"
#include "diff/kernel.h"
#include "diff/mention.h"
#include "diff/watch_list.h"

#include <errno.h>
#include <string.h>

/* What one file makes of the units that watch it: of one unit the watch that outweighs the others
 * (rule T5). */
typedef struct Firing {
        Comparison *comparison;
        const WatchList *list;
        const char *path; /* of the file */
        List subjects;    /* with Subject.firing set */
} Firing;

static bool outweighs(const Watch *left, const Watch *right) {
        if (left->rank != right->rank)
                return left->rank > right->rank;
        return !left->reload && right->reload;
}

static int fire(Firing *firing, const Watch *watch) {
        Subject *subject = comparison_subject(firing->comparison, AFTER, watch->unit);
        if (!subject)
                return -ENOMEM;
        if (subject->firing) {
                if (outweighs(watch, subject->firing))
                        subject->firing = watch;
                return 0;
        }
        subject->firing = watch;
        return list_add(&firing->subjects, firing->list->arena, subject);
}

static int fire_all(Firing *firing) {
        const WatchList *list = firing->list;
        for (size_t length = strlen(firing->path); length > strlen("/etc"); length--) {
                if (firing->path[length] && firing->path[length] != '/')
                        continue;
                const Watch *watch = map_get_n(&list->by_path, firing->path, length);
                for (; watch; watch = watch->next)
                        if (fire(firing, watch) < 0)
                                return -ENOMEM;
        }
        for (size_t i = 0; i < list->n_patterns; i++)
                if (glob_match(list->patterns[i]->path, firing->path) &&
                                fire(firing, list->patterns[i]) < 0)
                        return -ENOMEM;
        return 0;
}

Trigger *trigger_of(Comparison *comparison, Subject *subject) {
        if (!subject->trigger)
                subject->trigger = arena_new(comparison->arena, Trigger, 1);
        return subject->trigger;
}

static int
note(Comparison *comparison, Subject *subject, const TreeChange *file, const char *path) {
        const Watch *watch = subject->firing;
        Trigger *trigger = trigger_of(comparison, subject);
        if (!trigger)
                return -ENOMEM;
        TriggerReason *reason = watch->reload ? &trigger->reload : &trigger->restart;
        trigger->starts |= watch->starts;
        if (reason->what)
                return 0;
        bool was = file->before && file->before->kind != ENTRY_ABSENT;
        bool is_now = file->after && file->after->kind != ENTRY_ABSENT;
        reason->what = arena_printf(comparison->arena, "%s %s", path,
                        !was      ? "added"
                        : !is_now ? "removed"
                                  : "changed");
        reason->why = watch->why;
        return reason->what ? 0 : -ENOMEM;
}

static bool is_file(const Entry *entry) {
        return entry && (entry->kind == ENTRY_FILE || entry->kind == ENTRY_LINK);
}

/* A file of /etc that came, went, or has other bytes: its path below /etc. NULL: no such. */
static const char *changed_path(const TreeChange *file) {
        const Entry *entry = file->after ? file->after : file->before;
        bool is_changed = entry->root == ROOT_ETC &&
                          (is_file(file->before) || is_file(file->after)) &&
                          !entry_same_bytes(file->before, file->after);
        return is_changed ? entry->path : NULL;
}

static int add_rule(const Comparison *comparison,
                WatchList *list,
                Side side,
                const TriggerRule *rule,
                const Subject *subject) {
        unsigned line = rule->line;
        const char *file = profile_conf_file(comparison->pair->confs[side], &line);
        Watch watch = {
                .unit = subject->name,
                .why = arena_printf(list->arena, "[Trigger] %s:%u%s", file, line,
                                side == BEFORE ? " as it was" : ""),
                .rank = side == BEFORE ? WATCH_FORMER : WATCH_EXPLICIT,
                .reload = rule->reload,
        };
        if (!watch.why)
                return -ENOMEM;
        bool is_here = !comparison->is_user || subject->units[AFTER]->is_defined;
        for (size_t i = 0; is_here && i < rule->n_files; i++) {
                watch.path = rule->files[i];
                if (watch_list_add_pattern(list, &watch) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* [Trigger]; of a template it means each instance. What went together with its rule, as in a
 * rollback, is what units still run by: the old rules count where no new one does. */
static int add_rules(Comparison *comparison, WatchList *list, Side side) {
        const ProfileConf *conf = comparison->pair->confs[side];
        for (size_t i = 0; i < conf->n_triggers; i++) {
                const TriggerRule *rule = &conf->triggers[i];
                if (!unit_name_is_valid(rule->unit))
                        continue;
                Subject *subject = comparison_subject(comparison, AFTER, rule->unit);
                if (!subject || add_rule(comparison, list, side, rule, subject) < 0)
                        return -ENOMEM;
                for (size_t j = 0;
                                unit_name_is_template(subject->name) && j < comparison->n_subjects;
                                j++)
                        if (unit_is_instance_of(comparison->subjects[j]->name, subject->name) &&
                                        add_rule(comparison, list, side, rule,
                                                        comparison->subjects[j]) < 0)
                                return -ENOMEM;
        }
        return 0;
}

/* What the texts of the new tree name: of units that nobody asked for, which are one file each, and
 * of the others. */
static int add_texts(const Comparison *comparison, WatchList *list) {
        const UnitSet *set = &comparison->pair->sets[AFTER];
        for (size_t i = 0; i < set->fragments.n_items; i++) {
                const Fragment *fragment = set->fragments.items[i];
                if (!(fragment->part.mentions & MENTION_READS) ||
                                unit_name_is_template(fragment->name) ||
                                comparison_find(comparison, fragment->name))
                        continue;
                const TextPart *part = &fragment->part;
                const UnitText text = { .parts = &part, .n_parts = 1, .is_whole = true };
                if (watch_list_add_text(list, fragment->name, &text) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                const Subject *subject = comparison->subjects[i];
                const UnitText *text = &subject->units[AFTER]->text;
                if (text->mentions & MENTION_READS && !unit_name_is_template(subject->name) &&
                                watch_list_add_text(list, subject->name, text) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int fire_file(Comparison *comparison, const WatchList *list, const TreeChange *file) {
        const char *path = changed_path(file);
        if (!path)
                return 0;
        Firing firing = { .comparison = comparison,
                .list = list,
                .path = arena_printf(list->arena, "/etc/%s", path) };
        if (!firing.path || fire_all(&firing) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < firing.subjects.n_items; i++) {
                Subject *subject = firing.subjects.items[i];
                if (note(comparison, subject, file, firing.path) < 0)
                        return -ENOMEM;
                subject->firing = NULL;
        }
        return 0;
}

static int find_in_files(Comparison *comparison, WatchList *list) {
        bool any = false;
        for (size_t i = 0; i < comparison->n_files; i++) {
                const char *path = changed_path(&comparison->files[i]);
                if (!path)
                        continue;
                const char *full = arena_printf(list->arena, "/etc/%s", path);
                if (!full || watch_list_touch(list, full) < 0 ||
                                (!comparison->is_user && watch_list_add_readers(list, path) < 0))
                        return -ENOMEM;
                any = true;
        }
        if (!any)
                return 0;
        if (add_texts(comparison, list) < 0 || add_rules(comparison, list, AFTER) < 0 ||
                        add_rules(comparison, list, BEFORE) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < comparison->n_files; i++)
                if (fire_file(comparison, list, &comparison->files[i]) < 0)
                        return -ENOMEM;
        return 0;
}

/* A module that comes and that Modules= names: its loader did not find it before. */
static int find_in_modules(Comparison *comparison) {
        const KernelRule *kernel = &comparison->pair->confs[AFTER]->kernel;
        const Watch watch = {
                .unit = "systemd-modules-load.service", .why = "Modules= names it", .starts = true
        };
        for (size_t i = 0; !comparison->is_user && i < comparison->n_files; i++) {
                const TreeChange *file = &comparison->files[i];
                if (file->before || !kernel_loads_file(kernel, file->after))
                        continue;
                Subject *subject = comparison_subject(comparison, AFTER, watch.unit);
                const char *path = arena_printf(comparison->arena, "%s%s",
                                entry_root_prefix(ROOT_LIB), file->after->path);
                if (!subject || !path)
                        return -ENOMEM;
                subject->firing = &watch;
                int r = note(comparison, subject, file, path);
                subject->firing = NULL;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Plain values (T1) fire when their list is another one, and not empty. */
static int find_in_values(Comparison *comparison, Subject *subject, const char *key) {
        const char *before = trigger_values(comparison->arena, subject, BEFORE, key);
        const char *after = trigger_values(comparison->arena, subject, AFTER, key);
        if (!before || !after)
                return -ENOMEM;
        if (!*after || strcmp(before, after) == 0)
                return 0;
        Trigger *trigger = trigger_of(comparison, subject);
        if (!trigger)
                return -ENOMEM;
        TriggerReason *reason = strcmp(key, "X-Reload-Triggers") == 0 ? &trigger->reload
                                                                      : &trigger->restart;
        if (!reason->what) {
                reason->what = arena_printf(
                                comparison->arena, "%s= %s", key, *before ? "changed" : "added");
                reason->why = text_part_path(
                                comparison->arena, subject->units[AFTER]->text.parts[0]);
        }
        return reason->what && reason->why ? 0 : -ENOMEM;
}

int trigger_find(Comparison *comparison, Error *reterr) {
        WatchList list = { .arena = comparison->arena };
        int r = find_in_files(comparison, &list);
        watch_list_done(&list);
        if (r == 0)
                r = find_in_modules(comparison);
        for (size_t i = 0; r == 0 && i < comparison->n_subjects; i++) {
                Subject *subject = comparison->subjects[i];
                if (subject->units[BEFORE] == subject->units[AFTER] ||
                                unit_name_is_template(subject->name))
                        continue;
                r = find_in_values(comparison, subject, "X-Restart-Triggers");
                if (r == 0)
                        r = find_in_values(comparison, subject, "X-Reload-Triggers");
        }
        if (r < 0)
                return error_oom(reterr);
        return comparison->is_user ? 0 : container_trigger_find(comparison, reterr);
}
