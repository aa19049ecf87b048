/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Path units see the files of /etc change while the manager still has their old text; and one that
 * starts, or is read anew, looks whether what it waits for is there. What they watch elsewhere is
 * not known here. (systemd, core/path.c) */
#include "diff/drag.h"

#include "diff/glob.h"

#include <errno.h>
#include <string.h>

#define ETC "/etc/"

typedef enum PathKind {
        PATH_CHANGED,
        PATH_MODIFIED,
        PATH_EXISTS,
        PATH_EXISTS_GLOB,
        PATH_DIRECTORY_NOT_EMPTY,
        N_PATH_KINDS,
} PathKind;

static const char *const path_keys[N_PATH_KINDS] = {
        [PATH_CHANGED] = "PathChanged",
        [PATH_MODIFIED] = "PathModified",
        [PATH_EXISTS] = "PathExists",
        [PATH_EXISTS_GLOB] = "PathExistsGlob",
        [PATH_DIRECTORY_NOT_EMPTY] = "DirectoryNotEmpty",
};

static bool is_there(const Entry *entry) {
        return entry && entry->kind != ENTRY_ABSENT;
}

/* Is path directly in the directory? */
static bool is_child(const char *path, const char *directory) {
        size_t length = strlen(directory);
        return strncmp(path, directory, length) == 0 && path[length] == '/' &&
               !strchr(path + length + 1, '/');
}

/* Files that a directory may have and be empty all the same. */
static bool is_ignored(const char *path) {
        const char *name = strrchr(path, '/');
        name = name ? name + 1 : path;
        return *name == '.' || name[strlen(name) - 1] == '~';
}

/* Does this change of a file wake a path unit that watches watched (below /etc, as path is)? */
static bool wakes(PathKind kind, const char *watched, const TreeChange *change, const char *path) {
        bool comes = !is_there(change->before) && is_there(change->after);
        switch (kind) {
        case PATH_CHANGED:
        case PATH_MODIFIED:
                return strcmp(path, watched) == 0 || is_child(path, watched);
        case PATH_EXISTS:
                return comes && strcmp(path, watched) == 0;
        case PATH_EXISTS_GLOB:
                return comes && glob_match(watched, path);
        case PATH_DIRECTORY_NOT_EMPTY:
                return comes && is_child(path, watched) && !is_ignored(path);
        case N_PATH_KINDS:
                break;
        }
        return false;
}

/* Is what it waits for there in the new tree? */
static bool is_met(const Tree *tree, PathKind kind, const char *watched) {
        if (kind == PATH_EXISTS)
                return is_there(tree_find(tree, ROOT_ETC, watched));
        if (kind != PATH_EXISTS_GLOB && kind != PATH_DIRECTORY_NOT_EMPTY)
                return false;
        for (size_t i = tree_lower_bound(tree, ROOT_ETC, ""); i < tree->n_entries; i++) {
                const Entry *entry = &tree->entries[i];
                if (entry->root != ROOT_ETC)
                        break;
                if (is_there(entry) &&
                                (kind == PATH_EXISTS_GLOB ? glob_match(watched, entry->path)
                                                          : is_child(entry->path, watched) &&
                                                                                !is_ignored(entry->path)))
                        return true;
        }
        return false;
}

static const char *watched_path(Arena *arena, const Subject *subject, const char *value) {
        value = unit_name_expand(arena, subject->name, value);
        if (!value || strncmp(value, ETC, strlen(ETC)) != 0)
                return value ? "" : NULL;
        char *path = arena_strdup(arena, value + strlen(ETC));
        for (size_t length = path ? strlen(path) : 0; length > 0 && path[length - 1] == '/';)
                path[--length] = 0;
        return path;
}

typedef struct Waking {
        Judge *judge;
        Drags *triggered, *awaited;
        Subject *path_unit;
        Side side; /* whose text the manager has then */
        const char *via;
} Waking;

static bool ends_by_itself(const Subject *subject) {
        const UnitText *text = &subject->units[BEFORE]->text;
        const char *type = unit_text_value(text, "Service", "Type");
        return type && strcmp(type, "oneshot") == 0 &&
               unit_text_boolean(text, "Service", "RemainAfterExit") != 1;
}

/* A service that the plan starts as well: one that ends by itself runs twice; one that the plan
 * stopped before and that is up too early is restarted in place of its start; else its start finds
 * it up. */
static int visit_service(Judge *judge,
                Subject *path_unit,
                Subject *service,
                RelationKind kind,
                void *userdata) {
        (void) kind; /* there is one */
        const Waking *waking = userdata;
        Judgement *judgement = judgement_at(judge, service);
        if (!judgement)
                return -ENOMEM;
        bool is_down = !subject_is_on(judge->comparison, service) ||
                       (judgement->stops && !judgement->stops_late);
        if (!is_down || judgement->is_triggered)
                return 0;
        UnitDrag drag = {
                .unit = service->name, .by = path_unit->name, .via = waking->via, .verb = VERB_START
        };
        if (judgement->starts && !ends_by_itself(service)) {
                if (!judgement->stops)
                        return drag_add(judge, waking->awaited, &drag);
                drag.verb = VERB_RESTART;
        }
        judgement->is_triggered = true;
        judgement->is_triggered_early = waking->side == BEFORE;
        judgement->is_dragged_start = !ends_by_itself(service); /* else others may start it again */
        return drag_add(judge, waking->triggered, &drag);
}

/* Sets *ret_is_woken when the unit, with the text of a side, is woken: by a change, or by what is
 * there. */
static int find_waking(
                Judge *judge, Subject *subject, Side side, bool by_change, const char **ret_via) {
        const Comparison *comparison = judge->comparison;
        *ret_via = NULL;
        for (PathKind kind = 0; kind < N_PATH_KINDS; kind++) {
                const char *const *values = NULL;
                size_t n_values = 0;
                if (unit_text_values(judge->arena, &subject->units[side]->text, "Path",
                                    path_keys[kind], &values, &n_values) < 0)
                        return -ENOMEM;
                for (size_t i = 0; i < n_values; i++) {
                        const char *watched = watched_path(judge->arena, subject, values[i]);
                        if (!watched)
                                return -ENOMEM;
                        bool is_woken = *watched && !by_change &&
                                        is_met(comparison->pair->sets[side].tree, kind, watched);
                        for (size_t j = 0; *watched && by_change && !is_woken &&
                                           j < comparison->n_files;
                                        j++) {
                                const TreeChange *change = &comparison->files[j];
                                const Entry *entry = change->after ? change->after : change->before;
                                is_woken = entry->root == ROOT_ETC &&
                                           wakes(kind, watched, change, entry->path);
                        }
                        if (is_woken) {
                                *ret_via = path_keys[kind];
                                return 0;
                        }
                }
        }
        return 0;
}

static int wake(Judge *judge, Subject *subject, Drags *triggered, Drags *awaited) {
        const Judgement *judgement = subject->judgement;
        bool is_on = subject_is_on(judge->comparison, subject);
        bool is_on_at_flip = is_on && !(judgement && judgement->stops && !judgement->stops_late);
        bool begins = judgement &&
                      (judgement->starts || judgement->restarts || judgement->is_dragged_start ||
                                      judgement->is_dragged_restart);
        bool is_read_anew = is_on && !judge_goes_down(subject) &&
                            subject->units[BEFORE] != subject->units[AFTER];
        const char *via = NULL;
        Side side = BEFORE;
        if (is_on_at_flip && find_waking(judge, subject, BEFORE, true, &via) < 0)
                return -ENOMEM;
        if (!via && (begins || is_read_anew)) {
                side = AFTER;
                if (find_waking(judge, subject, AFTER, false, &via) < 0)
                        return -ENOMEM;
        }
        Waking waking = { .judge = judge,
                .triggered = triggered,
                .awaited = awaited,
                .path_unit = subject,
                .side = side,
                .via = via };
        return via ? judge_visit_dependencies(judge, subject, side, 1u << RELATION_TRIGGERS,
                                     visit_service, &waking)
                   : 0;
}

int path_unit_find(Judge *judge, Drags *ret_triggered, Drags *ret_awaited) {
        const Comparison *comparison = judge->comparison;
        *ret_triggered = *ret_awaited = (Drags){ 0 };
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                Subject *subject = comparison->subjects[i];
                if (subject->type == UNIT_PATH && !unit_name_is_template(subject->name) &&
                                !comparison->input->everything_off &&
                                wake(judge, subject, ret_triggered, ret_awaited) < 0)
                        return -ENOMEM;
        }
        return 0;
}
