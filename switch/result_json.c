/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/result_json.h"

#include "diff/plan_json.h"

#include "diff/quote.h"
#include "switch/checks.h"

#include <jansson.h>

/* As in diff/plan_json.c: a NULL anywhere makes the enclosing one fail, and only the end looks. */
static json_t *text_or_null(const char *text) {
        return text ? json_text(text) : json_null();
}

static int set_user(json_t *object, const uint32_t *uid) {
        return uid ? json_object_set_new(object, "user", json_integer(*uid)) : 0;
}

static json_t *log_lines(const char *const *log, size_t n_log) {
        json_t *array = json_array();
        for (size_t i = 0; i < n_log; i++)
                if (json_array_append_new(array, json_text(log[i])) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return array;
}

static int append_actions(json_t *array, const Report *report, const uint32_t *uid) {
        int failed = 0;
        for (size_t i = 0; i < report->n_actions; i++) {
                const ActionReport *done = &report->actions[i];
                if (done->action->verb == VERB_SKIP)
                        continue;
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(done->action->unit));
                failed |= json_object_set_new(
                                entry, "verb", json_text(verb_to_string(done->action->verb)));
                failed |= set_user(entry, uid);
                failed |= json_object_set_new(
                                entry, "outcome", json_text(job_outcome_to_string(done->outcome)));
                failed |= json_object_set_new(entry, "message", text_or_null(done->message));
                failed |= json_object_set_new(entry, "before", text_or_null(done->before_state));
                failed |= json_object_set_new(entry, "duration_usec",
                                json_integer((json_int_t) done->duration_usec));
                failed |= json_object_set_new(entry, "log", log_lines(done->log, done->n_log));
                failed |= json_array_append_new(array, entry);
        }
        return failed;
}

static int append_failures(json_t *array, const Report *report, const uint32_t *uid) {
        static const char *const causes[] = { [FAILURE_CAUSED] = "caused",
                [FAILURE_DURING] = "during",
                [FAILURE_BEFORE] = "before" };
        int failed = 0;
        for (size_t i = 0; i < report->n_failures; i++) {
                const UnitFailure *failure = &report->failures[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(failure->unit));
                failed |= set_user(entry, uid);
                failed |= json_object_set_new(entry, "cause", json_text(causes[failure->cause]));
                failed |= json_object_set_new(
                                entry, "ActiveState", text_or_null(failure->active_state));
                failed |= json_object_set_new(entry, "SubState", text_or_null(failure->sub_state));
                failed |= json_object_set_new(entry, "Result", text_or_null(failure->result));
                failed |= json_object_set_new(
                                entry, "ExecMainCode", json_integer(failure->exec_main_code));
                failed |= json_object_set_new(
                                entry, "ExecMainStatus", json_integer(failure->exec_main_status));
                failed |= json_object_set_new(
                                entry, "log", log_lines(failure->log, failure->n_log));
                failed |= json_array_append_new(array, entry);
        }
        return failed;
}

static int append_all(const EngineResult *result,
                json_t *array,
                int (*append)(json_t *, const Report *, const uint32_t *)) {
        int failed = result->report ? append(array, result->report, NULL) : 0;
        for (size_t i = 0; i < result->n_user_reports; i++)
                if (result->user_reports[i])
                        failed |= append(array, result->user_reports[i],
                                        &result->prepared->plan->users[i].uid);
        return failed;
}

static const CheckResults *checks_of(const EngineResult *result) {
        return result->prepared ? result->prepared->checks : NULL;
}

/* null: nothing was to be checked, as in a rollback. */
static json_t *checks_json(const CheckResults *results) {
        if (!results)
                return json_null();
        json_t *object = json_object(), *run = json_array();
        int failed = json_object_set_new(object, "left_out", json_boolean(results->left_out));
        for (size_t i = 0; i < results->n_items; i++) {
                const CheckResult *result = &results->items[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "command", json_text(result->check->command));
                failed |= json_object_set_new(entry, "where", text_or_null(result->check->where));
                failed |= json_object_set_new(entry, "outcome",
                                json_text(check_outcome_to_string(result->outcome)));
                failed |= json_object_set_new(entry, "log",
                                log_lines((const char *const *) result->lines.items,
                                                result->lines.n_items));
                failed |= json_array_append_new(run, entry);
        }
        failed |= json_object_set_new(object, "run", run);
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

int result_to_json(const EngineResult *result, char **ret_json, Error *reterr) {
        json_t *object = json_object(), *actions = json_array(), *failures = json_array();
        int failed = json_object_set_new(object, "exit_status", json_integer(result->exit_status));
        failed |= json_object_set_new(object, "generation", json_integer(result->to_number));
        failed |= json_object_set_new(object, "switch", json_integer(result->switch_id));
        failed |= json_object_set_new(object, "nothing_to_do", json_boolean(result->nothing_to_do));
        failed |= json_object_set_new(object, "warning", text_or_null(result->warning));
        failed |= json_object_set_new(object, "checks", checks_json(checks_of(result)));
        failed |= append_all(result, actions, append_actions);
        failed |= json_object_set_new(object, "actions", actions);
        failed |= append_all(result, failures, append_failures);
        failed |= json_object_set_new(object, "failures", failures);
        char *json = failed ? NULL : json_dumps(object, 0);
        json_decref(object);
        if (!json)
                return error_oom(reterr);
        *ret_json = json;
        return 0;
}

static json_t *troubles_json(const Rehearsal *rehearsal) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < rehearsal->n_troubles; i++) {
                const RehearsalTrouble *trouble = &rehearsal->troubles[i];
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(trouble->unit));
                failed |= json_object_set_new(entry, "state", json_text(trouble->state));
                failed |= json_object_set_new(
                                entry, "fails_anyway", json_boolean(trouble->fails_anyway));
                failed |= json_object_set_new(
                                entry, "log", log_lines(trouble->log, trouble->n_log));
                failed |= json_array_append_new(array, entry);
        }
        if (!failed)
                return array;
        json_decref(array);
        return NULL;
}

int rehearsal_to_json(const Rehearsal *rehearsal, char **ret_json, Error *reterr) {
        if (!rehearsal)
                return 0;
        bool is_good = rehearsal->was_over &&
                       rehearsal_n_new(rehearsal->troubles, rehearsal->n_troubles, NULL) == 0;
        json_t *object = json_object();
        int failed = json_object_set_new(object, "passed", json_boolean(is_good));
        failed |= json_object_set_new(
                        object, "units_up", json_integer((json_int_t) rehearsal->n_up));
        failed |= json_object_set_new(
                        object, "left_out", log_lines(rehearsal->left_out, rehearsal->n_left_out));
        failed |= json_object_set_new(object, "troubles", troubles_json(rehearsal));
        failed |= json_object_set_new(object, "duration_usec",
                        json_integer((json_int_t) rehearsal->duration_usec));
        char *json = failed ? NULL : json_dumps(object, 0);
        json_decref(object);
        if (!json)
                return error_oom(reterr);
        *ret_json = json;
        return 0;
}

int finished_switch_to_json(
                const char *profile, const EngineResult *result, char **ret_json, Error *reterr) {
        cleanup_free char *json = NULL;
        cleanup_free char *rehearsal = NULL;
        int r = result_to_json(result, &json, reterr);
        if (r >= 0)
                r = rehearsal_to_json(result->prepared->rehearsal, &rehearsal, reterr);
        if (r < 0)
                return r;
        const PlanJsonInput input = {
                .plan = result->prepared->plan,
                .from = { .profile = profile, .generation = result->from_number },
                .to = { .profile = profile, .generation = result->to_number },
                .fit = result->prepared->fit,
                .result_json = json,
                .rehearsal_json = rehearsal,
        };
        return plan_to_json(&input, ret_json, reterr);
}
