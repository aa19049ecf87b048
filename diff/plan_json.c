/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_json.h"

#include "diff/file_patch.h"
#include "diff/plan_text.h"
#include "diff/quote.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* jansson takes NULL values and dead containers with -1, so that only the last step needs to look:
 * each function here returns NULL when memory ran out anywhere below it. */
static json_t *finish(json_t *value, int failed) {
        if (!failed)
                return value;
        json_decref(value);
        return NULL;
}

static json_t *strings(const char *const *items, size_t n_items) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < n_items; i++)
                failed |= json_array_append_new(array, json_text(items[i]));
        return finish(array, failed);
}

static json_t *path_text(const Entry *entry) {
        char *path = NULL;
        if (asprintf(&path, "%s%s", entry_root_prefix(entry->root), entry->path) < 0)
                return NULL;
        json_t *value = json_text(path);
        free(path);
        return value;
}

static json_t *unit_entry(const UnitAction *action) {
        json_t *entry = json_object();
        int failed = json_object_set_new(entry, "unit", json_text(action->unit));
        failed |= json_object_set_new(entry, "reason", strings(action->reasons, action->n_reasons));
        return finish(entry, failed);
}

static json_t *actions_of_verb(const UnitPlan *plan, Verb verb) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < plan->n_actions; i++)
                if (plan->actions[i].verb == verb && !plan->actions[i].container)
                        failed |= json_array_append_new(array, unit_entry(&plan->actions[i]));
        return finish(array, failed);
}

static json_t *drags(const UnitDrag *drag, size_t n_drags) {
        json_t *array = json_array();
        int failed = 0;
        for (; n_drags > 0; drag++, n_drags--) {
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(drag->unit));
                failed |= json_object_set_new(entry, "by", json_text(drag->by));
                failed |= json_object_set_new(entry, "via", json_text(drag->via));
                failed |= json_object_set_new(entry, "verb", json_text(verb_to_string(drag->verb)));
                failed |= json_array_append_new(array, entry);
        }
        return finish(array, failed);
}

static json_t *units(const UnitPlan *plan) {
        json_t *object = json_object();
        int failed = 0;
        for (Verb verb = VERB_STOP; verb < N_VERBS; verb++)
                failed |= json_object_set_new(
                                object, verb_to_string(verb), actions_of_verb(plan, verb));
        failed |= json_object_set_new(object, "dragged", drags(plan->dragged, plan->n_dragged));
        failed |= json_object_set_new(
                        object, "triggered", drags(plan->triggered, plan->n_triggered));
        return finish(object, failed);
}

/* What is done inside, of one that is activated. */
static const UnitPlan *units_inside(const Plan *plan, const UnitAction *action) {
        for (size_t i = 0; action->verb == VERB_RELOAD && i < plan->n_containers; i++)
                if (strcmp(plan->containers[i].name, action->container) == 0)
                        return &plan->containers[i].units;
        return NULL;
}

static json_t *container_entry(const Plan *plan, const UnitAction *action) {
        const UnitPlan *inside = units_inside(plan, action);
        json_t *entry = json_object();
        int failed = json_object_set_new(entry, "name", json_text(action->container));
        failed |= json_object_set_new(entry, "reason", strings(action->reasons, action->n_reasons));
        if (inside) {
                failed |= json_object_set_new(entry, "units", units(inside));
                failed |= json_object_set_new(entry, "daemon",
                                json_text(daemon_action_to_string(inside->daemon)));
        }
        return finish(entry, failed);
}

static json_t *container_sets(const Plan *plan) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < plan->units.n_sets; i++) {
                const ContainerSet *set = &plan->units.sets[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "name", json_text(set->name));
                failed |= json_object_set_new(
                                entry, "reason", strings(set->reasons, set->n_reasons));
                failed |= json_array_append_new(array, entry);
        }
        return finish(array, failed);
}

static json_t *containers(const Plan *plan) {
        json_t *object = json_object();
        int failed = json_object_set_new(object, "set", container_sets(plan));
        for (Verb verb = VERB_STOP; verb < N_VERBS; verb++) {
                json_t *array = json_array();
                for (size_t i = 0; i < plan->units.n_actions; i++) {
                        const UnitAction *action = &plan->units.actions[i];
                        if (action->container && action->verb == verb)
                                failed |= json_array_append_new(
                                                array, container_entry(plan, action));
                }
                failed |= json_object_set_new(object, container_verb_to_string(verb), array);
        }
        return finish(object, failed);
}

static json_t *users(const Plan *plan) {
        json_t *object = json_object();
        int failed = 0;
        for (size_t i = 0; i < plan->n_users; i++) {
                char uid[16];
                (void) snprintf(uid, sizeof(uid), "%u", plan->users[i].uid);
                failed |= json_object_set_new(object, uid, units(&plan->users[i].units));
        }
        return finish(object, failed);
}

/* What is carried out, in order: skips are not. user: NULL for the system manager. */
static int append_actions(json_t *array, const UnitPlan *plan, const uint32_t *uid) {
        int failed = 0;
        for (size_t i = 0; i < plan->n_actions; i++) {
                const UnitAction *action = &plan->actions[i];
                if (action->verb == VERB_SKIP)
                        continue;
                json_t *entry = json_object();
                const char *container = action->container;
                failed |= json_object_set_new(entry, container ? "container" : "unit",
                                json_text(container ? container : action->unit));
                failed |= json_object_set_new(entry, "verb",
                                json_text(container ? container_verb_to_string(action->verb)
                                                    : verb_to_string(action->verb)));
                failed |= json_object_set_new(
                                entry, "phase", json_text(phase_to_string(action->phase)));
                if (uid)
                        failed |= json_object_set_new(entry, "user", json_integer(*uid));
                failed |= json_array_append_new(array, entry);
        }
        return failed;
}

static json_t *actions(const Plan *plan) {
        json_t *array = json_array();
        int failed = append_actions(array, &plan->units, NULL);
        for (size_t i = 0; i < plan->n_users; i++)
                failed |= append_actions(array, &plan->users[i].units, &plan->users[i].uid);
        return finish(array, failed);
}

static json_t *digest_text(const Entry *entry) {
        if (!entry->content)
                return json_null();
        char hex[DIGEST_HEX_SIZE];
        return json_text(digest_to_hex(&entry->content->digest, hex));
}

/* A digest would let a secret be guessed, and the old one of a file that becomes secret is one
 * already. */
static json_t *changed_file(const TreeChange *change) {
        bool secret = change->before->secret || change->after->secret;
        json_t *entry = json_object();
        int failed = json_object_set_new(entry, "path", path_text(change->after));
        failed |= json_object_set_new(
                        entry, "old", secret ? json_null() : digest_text(change->before));
        failed |= json_object_set_new(
                        entry, "new", secret ? json_null() : digest_text(change->after));
        return finish(entry, failed);
}

static json_t *tree_changes(const Plan *plan, FileChange wanted) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < plan->n_files; i++) {
                const TreeChange *change = &plan->files[i];
                if (file_change_of(change) != wanted)
                        continue;
                json_t *entry = wanted == FILE_CHANGED
                                                ? changed_file(change)
                                                : path_text(wanted == FILE_ADDED ? change->after
                                                                                 : change->before);
                failed |= json_array_append_new(array, entry);
        }
        return finish(array, failed);
}

static json_t *root_path(EntryRoot root, const char *path) {
        return path_text(&(Entry){ .root = root, .path = path });
}

static json_t *displaced(const FitPlan *fit) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; fit && i < fit->n_operations; i++)
                if (fit_operation_displaces(&fit->operations[i]))
                        failed |= json_array_append_new(
                                        array, root_path(fit->operations[i].root,
                                                               fit->operations[i].path));
        return finish(array, failed);
}

/* Those that are saved and replaced, and those that make the switch refuse. */
static json_t *edited(const FitPlan *fit) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; fit && i < fit->n_operations; i++)
                if (fit->operations[i].keep_saved)
                        failed |= json_array_append_new(
                                        array, root_path(fit->operations[i].root,
                                                               fit->operations[i].path));
        for (size_t i = 0; fit && i < fit->n_conflicts; i++)
                if (fit->conflicts[i].kind == CONFLICT_EDITED)
                        failed |= json_array_append_new(array,
                                        root_path(fit->conflicts[i].root, fit->conflicts[i].path));
        return finish(array, failed);
}

static json_t *files(const PlanJsonInput *input) {
        json_t *object = json_object();
        int failed = json_object_set_new(object, "added", tree_changes(input->plan, FILE_ADDED));
        failed |= json_object_set_new(object, "removed", tree_changes(input->plan, FILE_REMOVED));
        failed |= json_object_set_new(object, "changed", tree_changes(input->plan, FILE_CHANGED));
        failed |= json_object_set_new(object, "displaced", displaced(input->fit));
        failed |= json_object_set_new(object, "edited", edited(input->fit));
        return finish(object, failed);
}

static json_t *preflight(const Problems *problems) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < problems->n_items; i++) {
                const Problem *problem = &problems->items[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(
                                entry, "kind", json_text(problem_kind_to_string(problem->kind)));
                failed |= json_object_set_new(entry, "subject", json_text(problem->subject));
                failed |= json_object_set_new(entry, "message", json_text(problem->message));
                failed |= json_array_append_new(array, entry);
        }
        return finish(array, failed);
}

static json_t *side(const PlanSide *side) {
        json_t *object = json_object();
        int failed = 0;
        if (side->generation >= 0) {
                failed |= json_object_set_new(object, "profile", json_text(side->profile));
                failed |= json_object_set_new(object, "generation", json_integer(side->generation));
        } else
                failed |= json_object_set_new(object, "source", json_text(side->source));
        return finish(object, failed);
}

json_t *plan_initrds_to_json(const Plan *plan) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < plan->n_initrds; i++) {
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "kernel", json_text(plan->initrds[i].kernel));
                failed |= json_object_set_new(entry, "reason",
                                strings(plan->initrds[i].reasons, plan->initrds[i].n_reasons));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

static int set_plan(json_t *object, const PlanJsonInput *input) {
        const Plan *plan = input->plan;
        int failed = json_object_set_new(object, "schema", json_integer(JSON_SCHEMA_VERSION));
        failed |= json_object_set_new(object, "from", side(&input->from));
        failed |= json_object_set_new(object, "to", side(&input->to));
        failed |= json_object_set_new(object, "units", units(&plan->units));
        failed |= json_object_set_new(object, "users", users(plan));
        failed |= json_object_set_new(object, "containers", containers(plan));
        failed |= json_object_set_new(object, "actions", actions(plan));
        failed |= json_object_set_new(object, "files", files(input));
        failed |= json_object_set_new(object, "hooks", strings(plan->hooks, plan->n_hooks));
        failed |= json_object_set_new(
                        object, "daemon", json_text(daemon_action_to_string(plan->units.daemon)));
        failed |= json_object_set_new(object, "daemon_reason",
                        strings(plan->units.daemon_reasons, plan->units.n_daemon_reasons));
        failed |= json_object_set_new(object, "initrds", plan_initrds_to_json(plan));
        failed |= json_object_set_new(object, "reboot_needed",
                        strings(plan->reboot_needed, plan->n_reboot_needed));
        failed |= json_object_set_new(
                        object, "notes", strings(plan->units.notes, plan->units.n_notes));
        if (input->problems)
                failed |= json_object_set_new(object, "preflight", preflight(input->problems));
        return failed;
}

int plan_to_json(const PlanJsonInput *input, char **ret_json, Error *reterr) {
        json_t *object = json_object();
        int failed = set_plan(object, input);
        if (input->result_json)
                failed |= json_object_set_new(
                                object, "result", json_loads(input->result_json, 0, NULL));
        if (input->rehearsal_json)
                failed |= json_object_set_new(
                                object, "rehearsal", json_loads(input->rehearsal_json, 0, NULL));
        object = finish(object, failed);
        cleanup_free char *json = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
        json_decref(object);
        char *line = NULL;
        if (!json || asprintf(&line, "%s\n", json) < 0)
                return error_oom(reterr);
        *ret_json = line;
        return 0;
}
