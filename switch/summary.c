/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/summary.h"

#include "diff/plan_text.h"
#include "diff/quote.h"
#include "switch/checks.h"

#include <signal.h>
#include <string.h>

static void add_log(const char *const *log, size_t n_log, Text *text) {
        for (size_t i = 0; i < n_log; i++) {
                text_add(text, "    ");
                text_add_line(text, log[i]);
                text_add(text, "\n");
        }
}

void add_failure_state(const UnitFailure *failure, Text *text) {
        text_add(text, failure->active_state ? failure->active_state : "unknown");
        if (failure->result && strcmp(failure->result, "success") != 0)
                text_addf(text, " (%s", failure->result);
        else
                text_addf(text, " (%s", failure->sub_state ? failure->sub_state : "unknown");
        if (failure->exec_main_code == CLD_EXITED && failure->exec_main_status != 0)
                text_addf(text, ", exit code %d", failure->exec_main_status);
        if (failure->exec_main_code == CLD_KILLED || failure->exec_main_code == CLD_DUMPED) {
                const char *name = sigabbrev_np(failure->exec_main_status);
                text_addf(text, ", killed by SIG%s", name ? name : "?");
        }
        text_add(text, ")");
}

static void add_failure(const Output *output, const UnitFailure *failure, Text *text) {
        text_addf(text, "%s%s %s%s: ", style_begin(output, STYLE_RED), output->ascii ? "x" : "×",
                        failure->unit, style_end(output, STYLE_RED));
        add_failure_state(failure, text);
        text_add(text, "\n");
        add_log(failure->log, failure->n_log, text);
}

static void add_failures(const Output *output,
                const Report *report,
                FailureCause cause,
                const char *heading,
                Text *text) {
        bool headed = false;
        for (size_t i = 0; i < report->n_failures; i++) {
                if (report->failures[i].cause != cause)
                        continue;
                if (!headed)
                        text_addf(text, "%s%s%s\n", style_begin(output, STYLE_BOLD), heading,
                                        style_end(output, STYLE_BOLD));
                headed = true;
                add_failure(output, &report->failures[i], text);
        }
}

static bool has_failure(const Report *report, const char *unit) {
        for (size_t i = 0; i < report->n_failures; i++)
                if (strcmp(report->failures[i].unit, unit) == 0)
                        return true;
        return false;
}

/* Jobs that came to nothing though their unit did not fail: the time was over, a dependency, a
 * refusal. */
static void add_bad_jobs(const Output *output, const Report *report, Text *text) {
        for (size_t i = 0; i < report->n_actions; i++) {
                const ActionReport *done = &report->actions[i];
                if (done->action->verb == VERB_SKIP || !job_outcome_is_bad(done->outcome) ||
                                has_failure(report, done->action->unit))
                        continue;
                text_addf(text, "%s%s %s%s: %s: %s", style_begin(output, STYLE_RED),
                                output->ascii ? "x" : "×", done->action->unit,
                                style_end(output, STYLE_RED), verb_to_string(done->action->verb),
                                job_outcome_to_string(done->outcome));
                if (done->message) {
                        text_add(text, ": ");
                        text_add_line(text, done->message);
                }
                text_add(text, "\n");
                add_log(done->log, done->n_log, text);
        }
}

static void add_report(const Output *output, const Report *report, Text *text) {
        add_failures(output, report, FAILURE_CAUSED, "Failed because of this switch:", text);
        add_bad_jobs(output, report, text);
        add_failures(output, report, FAILURE_DURING,
                        "Failed meanwhile, not touched by this switch:", text);
        add_failures(output, report, FAILURE_BEFORE, "Had failed before:", text);
}

/* Of the units that this switch touched: a job may be done, and its unit fail all the same. */
static bool has_caused(const Report *report, const char *unit) {
        for (size_t i = 0; i < report->n_failures; i++)
                if (report->failures[i].cause == FAILURE_CAUSED &&
                                strcmp(report->failures[i].unit, unit) == 0)
                        return true;
        return false;
}

static size_t count_done(const Report *report, size_t counts[N_VERBS]) {
        size_t n_failed = 0;
        for (size_t i = 0; report && i < report->n_failures; i++)
                n_failed += report->failures[i].cause == FAILURE_CAUSED;
        for (size_t i = 0; report && i < report->n_actions; i++) {
                const ActionReport *done = &report->actions[i];
                Verb verb = done->action->verb;
                if (verb == VERB_SKIP)
                        counts[verb]++;
                else if (has_caused(report, done->action->unit))
                        continue;
                else if (done->outcome == JOB_DONE)
                        counts[verb]++;
                else if (job_outcome_is_bad(done->outcome))
                        n_failed++;
        }
        return n_failed;
}

static void add_counts(const EngineResult *result, Text *text) {
        size_t counts[N_VERBS] = { 0 };
        size_t n_failed = count_done(result->report, counts);
        for (size_t i = 0; i < result->n_user_reports; i++)
                n_failed += count_done(result->user_reports[i], counts);
        const char *separator = ": ";
        for (Verb verb = VERB_STOP; verb < N_VERBS; verb++) {
                if (counts[verb] == 0)
                        continue;
                text_addf(text, "%s%zu %s", separator, counts[verb], verb_past(verb));
                separator = ", ";
        }
        if (n_failed > 0)
                text_addf(text, "%s%zu failed", separator, n_failed);
}

void add_debts(const Output *output, const Debt *debts, size_t n_debts, Text *text) {
        static const char *const causes[] = { [DEBT_SKIPPED] = "skipped",
                [DEBT_FAILED] = "failed",
                [DEBT_TIMEOUT] = "timed out",
                [DEBT_HELD_DOWN] = "held down" };
        cleanup(table_donep) Table table = { .n_columns = 4 };
        for (size_t i = 0; i < n_debts; i++) {
                const Debt *debt = &debts[i];
                cleanup(text_donep) Text cell = { 0 };
                text_addf(&cell, "%s since ", causes[debt->cause]);
                text_add_time(&cell, debt->since_usec);
                table_add(&table, STYLE_YELLOW, verb_to_string(debt->verb));
                if (debt->uid == UINT32_MAX)
                        table_add(&table, STYLE_NONE, debt->unit);
                else
                        table_addf(&table, STYLE_NONE, "%s of user %u", debt->unit, debt->uid);
                table_add(&table, STYLE_NONE, cell.error < 0 ? "" : cell.data);
                if (*debt->reason)
                        table_addf(&table, STYLE_NONE, "%s %s", output->ascii ? "<-" : "←",
                                        debt->reason);
                else
                        table_add(&table, STYLE_NONE, "");
        }
        table_to_text(&table, output, 2, text);
}

static void add_verdict(const SummaryInput *input, Text *text) {
        const EngineResult *result = input->result;
        if (result->nothing_to_do) {
                text_addf(text, "Nothing to do: generation %lld of %s is active%s.\n",
                                (long long) result->to_number, input->profile,
                                result->becomes_default
                                                ? "; from now on the next boot takes it, too"
                                                : "");
                return;
        }
        if (result->is_taken_back) {
                text_addf(text,
                                "What was not confirmed is taken back: generation %lld of %s is "
                                "active.\n",
                                (long long) result->to_number, input->profile);
                return;
        }
        if (result->only_default) {
                text_addf(text, "The next boot takes generation %lld of %s; %lld is active.\n",
                                (long long) result->to_number, input->profile,
                                (long long) result->from_number);
                return;
        }
        Style style = result->exit_status == EXIT_DONE ? STYLE_GREEN : STYLE_RED;
        text_addf(text, "%sGeneration %lld of %s is active%s", style_begin(input->output, style),
                        (long long) result->to_number, input->profile,
                        style_end(input->output, style));
        add_counts(result, text);
        text_add(text, ", in ");
        text_add_span(text, input->duration_usec);
        text_add(text, ".\n");
}

void add_reports(const Output *output, const EngineResult *result, Text *text) {
        if (result->report)
                add_report(output, result->report, text);
        for (size_t i = 0; i < result->n_user_reports; i++)
                if (result->user_reports[i])
                        add_report(output, result->user_reports[i], text);
}

void add_summary(const SummaryInput *input, Text *text) {
        const EngineResult *result = input->result;
        add_reports(input->output, result, text);
        if (result->warning) {
                text_addf(text, "%sWarning:%s ", style_begin(input->output, STYLE_RED),
                                style_end(input->output, STYLE_RED));
                text_add_line(text, result->warning);
                text_add(text, "\n");
        }
        if (input->n_debts > 0) {
                text_addf(text, "%sStill owed:%s\n", style_begin(input->output, STYLE_BOLD),
                                style_end(input->output, STYLE_BOLD));
                add_debts(input->output, input->debts, input->n_debts, text);
        }
        if (result->prepared && result->prepared->checks && result->prepared->checks->left_out)
                text_add(text, "Nothing was checked before it (--no-check).\n");
        add_verdict(input, text);
        if (result->confirm_by_usec) {
                text_add(text, "It is taken back at ");
                text_add_time(text, result->confirm_by_usec);
                text_add(text, ": 'sysswitch confirm' keeps it, 'sysswitch rollback' takes it back "
                               "now.\n");
                return;
        }
        if (result->exit_status == EXIT_UNITS_FAILED)
                text_addf(text, "%s'sysswitch rollback' goes back.\n",
                                input->n_debts > 0 || result->warning
                                                ? "'sysswitch switch' tries again what is owed, "
                                                : "");
}
