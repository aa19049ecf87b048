/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_text.h"
#include "diff/quote.h"
#include "state/record.h"
#include "switch/commands.h"
#include "switch/detach.h"
#include "switch/engine.h"
#include "switch/facts.h"
#include "switch/history.h"
#include "switch/host.h"
#include "switch/output.h"

#include <errno.h>
#include <string.h>

typedef struct Log {
        const Options *options;
        Host *host;
        Output output;
        Arena arena;
} Log;

static void log_done(Log *log) {
        arena_done(&log->arena);
}

static const char *result_text(const SwitchRecord *record) {
        if (record->state == SWITCH_UNDONE)
                return record->exit_status == EXIT_ROLLED_BACK ? "rolled back" : "undone";
        if (record->state != SWITCH_COMMITTED)
                return "open";
        return record->exit_status == EXIT_DONE ? "done" : "units failed";
}

static Style result_style(const SwitchRecord *record) {
        if (record->state != SWITCH_COMMITTED)
                return STYLE_RED;
        return record->exit_status == EXIT_DONE ? STYLE_GREEN : STYLE_YELLOW;
}

/* Started and, where it is known, how long it took. */
static uint64_t duration_of(const SwitchRecord *record) {
        return record->ended_usec > record->started_usec ? record->ended_usec - record->started_usec
                                                         : 0;
}

/* "(1) → 2": generation 1 was pruned. */
static void add_numbers(Text *text, const Output *output, const SwitchRecord *record) {
        text_addf(text, record->is_from_pruned ? "(%lld)" : "%lld",
                        (long long) record->from_number);
        text_add(text, output->ascii ? " -> " : " → ");
        text_addf(text, record->is_to_pruned ? "(%lld)" : "%lld", (long long) record->to_number);
}

static void add_row(Table *table, const Output *output, const SwitchRecord *record) {
        cleanup(text_donep) Text started = { 0 };
        text_add_time(&started, record->started_usec);
        table_addf(table, STYLE_NONE, "%lld", (long long) record->id);
        table_add(table, STYLE_NONE, started.error < 0 ? "" : started.data);
        table_add(table, STYLE_NONE, record->verb);
        cleanup(text_donep) Text numbers = { 0 };
        add_numbers(&numbers, output, record);
        table_add(table, STYLE_NONE, numbers.error < 0 ? "" : numbers.data);
        table_add(table, result_style(record), result_text(record));
        table_add(table, STYLE_NONE, record->user ? record->user : "");
        if (record->n_failed > 0)
                table_addf(table, STYLE_NONE, "%u, %u failed", record->n_actions, record->n_failed);
        else
                table_addf(table, STYLE_NONE, "%u", record->n_actions);
}

static int print_table(
                const Log *log, const SwitchRecord *records, size_t n_records, Error *reterr) {
        static const char *const headings[] = { "SWITCH", "DATE", "VERB", "GENERATION", "RESULT",
                "USER", "ACTIONS" };
        cleanup(table_donep) Table table = { .n_columns = N_ELEMENTS(headings) };
        if (n_records == 0)
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(headings); i++)
                table_add(&table, STYLE_BOLD, headings[i]);
        for (size_t i = 0; i < n_records; i++)
                add_row(&table, &log->output, &records[i]);
        cleanup(text_donep) Text text = { 0 };
        table_to_text(&table, &log->output, 0, &text);
        return output_show(&log->output, &text, reterr);
}

static json_t *record_json(const SwitchRecord *record) {
        json_t *object = json_object();
        int failed = json_object_set_new(object, "switch", json_integer(record->id));
        failed |= json_object_set_new(object, "verb", json_text(record->verb));
        failed |= json_object_set_new(
                        object, "state", json_text(switch_state_to_string(record->state)));
        failed |= json_object_set_new(object, "from", json_integer(record->from_number));
        failed |= json_object_set_new(object, "to", json_integer(record->to_number));
        failed |= json_object_set_new(object, "from_pruned", json_boolean(record->is_from_pruned));
        failed |= json_object_set_new(object, "to_pruned", json_boolean(record->is_to_pruned));
        failed |= json_object_set_new(object, "path", json_text_or_null(record->origin));
        failed |= json_object_set_new(object, "commit", json_text_or_null(record->commit));
        failed |= json_object_set_new(object, "dirty", json_boolean(record->is_dirty));
        failed |= json_object_set_new(object, "user", json_text_or_null(record->user));
        failed |= json_object_set_new(object, "started", json_time(record->started_usec));
        failed |= json_object_set_new(object, "ended", json_time(record->ended_usec));
        failed |= json_object_set_new(object, "exit_status",
                        record->exit_status < 0 ? json_null() : json_integer(record->exit_status));
        failed |= json_object_set_new(object, "message", json_text_or_null(record->message));
        failed |= json_object_set_new(object, "n_actions", json_integer(record->n_actions));
        failed |= json_object_set_new(object, "n_failed", json_integer(record->n_failed));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int print_list_json(const SwitchRecord *records, size_t n_records, Error *reterr) {
        json_t *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < n_records; i++)
                failed |= json_array_append_new(array, record_json(&records[i]));
        if (!failed)
                return json_print_list("switches", array, reterr);
        json_decref(array);
        return error_oom(reterr);
}

static int log_list(Log *log, Error *reterr) {
        SwitchRecord *records = NULL;
        size_t n_records = 0;
        if (log->host->database) {
                int r = record_list(log->host->database, log->host->profile_name,
                                log->options->limit, &log->arena, &records, &n_records, reterr);
                if (r < 0)
                        return r;
        }
        if (option_is_given(log->options, OPTION_QUIET))
                return 0;
        if (option_is_given(log->options, OPTION_JSON))
                return print_list_json(records, n_records, reterr);
        return print_table(log, records, n_records, reterr);
}

static void add_action_row(Table *table, const Output *output, const SwitchActionRecord *action) {
        bool bad = action->outcome && strcmp(action->outcome, "done") != 0 &&
                   strcmp(action->outcome, "skipped") != 0;
        cleanup(text_donep) Text span = { 0 };
        table_add(table, STYLE_NONE, verb_to_string(action->verb));
        if (action->uid == UINT32_MAX)
                table_add(table, STYLE_NONE, action->unit);
        else
                table_addf(table, STYLE_NONE, "%s of user %u", action->unit, action->uid);
        table_add(table, bad ? STYLE_RED : STYLE_NONE, action->outcome ? action->outcome : "-");
        text_add_span(&span, action->duration_usec);
        table_add(table, STYLE_NONE, action->verb == VERB_SKIP || span.error < 0 ? "" : span.data);
        cleanup(text_donep) Text reason = { 0 };
        text_add(&reason, output->ascii ? "<- " : "← ");
        text_add_line(&reason, action->reason ? action->reason : "");
        table_add(table, STYLE_NONE,
                        reason.error < 0 || !action->reason || !*action->reason ? "" : reason.data);
}

static void add_facts(const Log *log, const SwitchRecord *record, Text *text) {
        const Output *output = &log->output;
        text_addf(text, "%sSwitch %lld%s: %s by %s\n", style_begin(output, STYLE_BOLD),
                        (long long) record->id, style_end(output, STYLE_BOLD), record->verb,
                        record->user ? record->user : "unknown");
        text_addf(text, "Profile:     %s\n", record->profile);
        text_add(text, "Generation:  ");
        add_numbers(text, output, record);
        text_add(text, record->is_from_pruned || record->is_to_pruned ? ", () pruned\n" : "\n");
        if (record->origin) {
                text_add(text, "Source:      ");
                text_add_name(text, "", record->origin);
                text_add(text, record->commit ? " " : "");
                text_add_commit(text, record->commit, record->is_dirty);
                text_add(text, "\n");
        }
        text_add(text, "Started:     ");
        text_add_time(text, record->started_usec);
        if (record->ended_usec > 0) {
                text_add(text, ", took ");
                text_add_span(text, duration_of(record));
        }
        text_addf(text, "\nResult:      %s%s%s", style_begin(output, result_style(record)),
                        result_text(record), style_end(output, result_style(record)));
        if (record->exit_status >= 0)
                text_addf(text, " (exit status %d)", record->exit_status);
        text_add(text, "\n");
        if (record->message) {
                text_add(text, "Message:     ");
                text_add_line(text, record->message);
                text_add(text, "\n");
        }
}

static bool left_checks_out(const SwitchRecord *record) {
        json_t *plan = record->plan_json ? json_loads(record->plan_json, 0, NULL) : NULL;
        json_t *checks = json_object_get(json_object_get(plan, "result"), "checks");
        bool left_out = json_is_true(json_object_get(checks, "left_out"));
        json_decref(plan);
        return left_out;
}

static int print_one(const Log *log,
                const SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        add_facts(log, record, &text);
        if (left_checks_out(record))
                text_add(&text, "Checks:      none (--no-check)\n");
        cleanup(table_donep) Table table = { .n_columns = 5 };
        for (size_t i = 0; i < n_actions; i++)
                add_action_row(&table, &log->output, &actions[i]);
        if (n_actions > 0)
                text_add(&text, "\n");
        table_to_text(&table, &log->output, 2, &text);
        return output_show(&log->output, &text, reterr);
}

static int print_one_json(const SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) {
        json_t *object = record_json(record), *array = json_array();
        int failed = 0;
        for (size_t i = 0; i < n_actions; i++) {
                json_t *entry = json_object();
                failed |= json_object_set_new(entry, "unit", json_text(actions[i].unit));
                if (actions[i].uid != UINT32_MAX)
                        failed |= json_object_set_new(entry, "user", json_integer(actions[i].uid));
                failed |= json_object_set_new(
                                entry, "verb", json_text(verb_to_string(actions[i].verb)));
                failed |= json_object_set_new(
                                entry, "reason", json_text_or_null(actions[i].reason));
                failed |= json_object_set_new(
                                entry, "outcome", json_text_or_null(actions[i].outcome));
                failed |= json_object_set_new(
                                entry, "before", json_text_or_null(actions[i].before_state));
                failed |= json_object_set_new(entry, "duration_usec",
                                json_integer((json_int_t) actions[i].duration_usec));
                failed |= json_array_append_new(array, entry);
        }
        failed |= json_object_set_new(object, "actions", array);
        if (record->plan_json)
                failed |= json_object_set_new(
                                object, "plan", json_loads(record->plan_json, 0, NULL));
        if (!failed)
                return json_print(object, reterr);
        json_decref(object);
        return error_oom(reterr);
}

static int find_record(Log *log, const char *argument, SwitchRecord *ret_record, Error *reterr) {
        char *end;
        errno = 0;
        long long id = strtoll(argument, &end, 10);
        if (end == argument || *end || errno)
                return error_set(reterr, USAGE_ERROR,
                                "%s: Not the number of a switch; of a unit write its whole name, "
                                "as nginx.service, of a file its path from /",
                                argument);
        if (!log->host->database)
                return error_set(reterr, -ENOENT,
                                "There is no switch %lld: nothing was switched here yet", id);
        return record_get(log->host->database, id, &log->arena, ret_record, reterr);
}

static int log_one(Log *log, const char *argument, Error *reterr) {
        SwitchRecord record;
        int r = find_record(log, argument, &record, reterr);
        if (r < 0)
                return r;
        SwitchActionRecord *actions = NULL;
        size_t n_actions = 0;
        r = record_actions(
                        log->host->database, record.id, &log->arena, &actions, &n_actions, reterr);
        if (r < 0)
                return r;
        if (option_is_given(log->options, OPTION_QUIET))
                return 0;
        if (option_is_given(log->options, OPTION_JSON))
                return print_one_json(&record, actions, n_actions, reterr);
        return print_one(log, &record, actions, n_actions, reterr);
}

static int follow(const Options *options, size_t n_arguments, Error *reterr) {
        if (n_arguments > 0 || options->root || option_is_given(options, OPTION_JSON))
                return error_set(reterr, USAGE_ERROR,
                                "--follow shows what the switch that is under way on this host "
                                "prints: it goes with no number, --root= or --json");
        return detach_follow(options, reterr);
}

/* What is no file of the host's has no "/" before it there. */
static bool is_path_of_plan(const char *path) {
        return *path == '/' || strncmp(path, "containers/", strlen("containers/")) == 0 ||
               strncmp(path, "hooks/", strlen("hooks/")) == 0;
}

int cmd_log(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        if (option_is_given(options, OPTION_FOLLOW))
                return follow(options, n_arguments, reterr);
        cleanup(host_donep) Host host;
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        if (r < 0)
                return r;
        bool has_subject = n_arguments > 0 && history_is_subject(arguments[0]);
        if (has_subject && strchr(arguments[0], '/') && !is_path_of_plan(arguments[0]))
                return error_set(reterr, USAGE_ERROR, "%s: Write a path that begins with /, as /%s",
                                arguments[0], arguments[0]);
        Log log = { .options = options, .host = &host };
        output_init(&log.output, options);
        if (has_subject || (n_arguments == 0 && option_is_given(options, OPTION_PATCH)))
                r = history_show(options, &host, &log.output, has_subject ? arguments[0] : NULL,
                                reterr);
        else
                r = n_arguments > 0 ? log_one(&log, arguments[0], reterr) : log_list(&log, reterr);
        log_done(&log);
        return r;
}
