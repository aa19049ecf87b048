/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/summary.h"

#include "diff/plan_json.h"
#include "switch/result_json.h"
#include "tests/support/cmocka.h"

#include <jansson.h>
#include <signal.h>
#include <string.h>

static const Output plain = { .width = 80 };

static const UnitAction web = { .unit = "web.service", .verb = VERB_RESTART },
                        mail = { .unit = "mail.service", .verb = VERB_START },
                        proxy = { .unit = "proxy.service", .verb = VERB_RELOAD },
                        dbus = { .unit = "dbus.service", .verb = VERB_SKIP, .debt = true },
                        agent = { .unit = "agent.service", .verb = VERB_RESTART };

static const char *const web_log[] = { "web[7]: bad \033[31mport", NULL };
static const char *const mail_log[] = { "mail[8]: waiting", NULL };

static ActionReport actions[] = {
        { .action = &web, .outcome = JOB_DONE, .before_state = "active", .duration_usec = 1500000 },
        { .action = &mail,
                        .outcome = JOB_TIMEOUT,
                        .before_state = "inactive",
                        .message = "after 5 min",
                        .log = mail_log,
                        .n_log = 1 },
        { .action = &proxy, .outcome = JOB_DONE, .before_state = "active" },
        { .action = &dbus, .outcome = JOB_SKIPPED },
};
static UnitFailure failures[] = {
        { .unit = "old.service",
                        .cause = FAILURE_BEFORE,
                        .active_state = "failed",
                        .sub_state = "failed",
                        .result = "signal",
                        .exec_main_code = CLD_KILLED,
                        .exec_main_status = SIGSEGV },
        { .unit = "web.service",
                        .cause = FAILURE_CAUSED,
                        .active_state = "activating",
                        .sub_state = "auto-restart",
                        .result = "exit-code",
                        .exec_main_code = CLD_EXITED,
                        .exec_main_status = 3,
                        .log = web_log,
                        .n_log = 1 },
        { .unit = "cron.service",
                        .cause = FAILURE_DURING,
                        .active_state = "failed",
                        .sub_state = "failed",
                        .result = "success" },
};
static Report report = {
        .actions = actions, .n_actions = 4, .failures = failures, .n_failures = 3
};

static ActionReport user_actions[] = {
        { .action = &agent, .outcome = JOB_DONE, .before_state = "active" }
};
static Report user_report = { .actions = user_actions, .n_actions = 1 };
static Report *user_reports[] = { &user_report };
static UserPlan users[] = { { .uid = 1000 } };
static Plan plan = { .users = users, .n_users = 1 };
static Prepared prepared = { .plan = &plan };

static const EngineResult failed_result = {
        .exit_status = EXIT_UNITS_FAILED,
        .from_number = 3,
        .to_number = 4,
        .switch_id = 12,
        .prepared = &prepared,
        .report = &report,
        .user_reports = user_reports,
        .n_user_reports = 1,
        .warning = "Hook 10-x ended with 1",
};

static char *summary_of(const EngineResult *result, const Debt *debts, size_t n_debts) {
        const SummaryInput input = {
                .output = &plain,
                .result = result,
                .profile = "system",
                .debts = debts,
                .n_debts = n_debts,
                .duration_usec = 2500000,
        };
        cleanup(text_donep) Text text = { 0 };
        add_summary(&input, &text);
        char *string;
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

static void test_summary__tells_what_failed_and_why(void **state) {
        (void) state;
        const Debt debts[] = {
                { .unit = "dbus.service",
                                .uid = UINT32_MAX,
                                .verb = VERB_RESTART,
                                .reason = "its text changed" },
                { .unit = "agent.service",
                                .uid = 1000,
                                .verb = VERB_RESTART,
                                .cause = DEBT_FAILED,
                                .reason = "" },
        };
        cleanup_free char *summary = summary_of(&failed_result, debts, 2);
        assert_string_equal(summary, "Failed because of this switch:\n"
                                     "× web.service: activating (exit-code, exit code 3)\n"
                                     "    web[7]: bad ?[31mport\n"
                                     "× mail.service: start: timeout: after 5 min\n"
                                     "    mail[8]: waiting\n"
                                     "Failed meanwhile, not touched by this switch:\n"
                                     "× cron.service: failed (failed)\n"
                                     "Had failed before:\n"
                                     "× old.service: failed (signal, killed by SIGSEGV)\n"
                                     "Warning: Hook 10-x ended with 1\n"
                                     "Still owed:\n"
                                     "  restart  dbus.service                skipped since -  ← "
                                     "its text changed\n"
                                     "  restart  agent.service of user 1000  failed since -\n"
                                     "Generation 4 of system is active: 1 restarted, 1 reloaded, 1 "
                                     "skipped, 2 failed, in 2.5 s.\n"
                                     "'sysswitch switch' tries again what is owed, 'sysswitch "
                                     "rollback' goes back.\n");
}

static void test_summary__promises_no_second_try_of_what_is_not_owed(void **state) {
        (void) state;
        EngineResult result = { .exit_status = EXIT_UNITS_FAILED, .to_number = 4 };
        cleanup_free char *summary = summary_of(&result, NULL, 0);
        assert_string_equal(summary, "Generation 4 of system is active, in 2.5 s.\n"
                                     "'sysswitch rollback' goes back.\n");
        result.warning = "Hook 10-x ended with 1"; /* the next switch does these steps again */
        cleanup_free char *step = summary_of(&result, NULL, 0);
        assert_string_equal(step, "Warning: Hook 10-x ended with 1\n"
                                  "Generation 4 of system is active, in 2.5 s.\n"
                                  "'sysswitch switch' tries again what is owed, 'sysswitch "
                                  "rollback' goes back.\n");
}

static void test_summary__of_success_is_one_line(void **state) {
        (void) state;
        const EngineResult result = { .exit_status = EXIT_DONE, .to_number = 4 };
        cleanup_free char *summary = summary_of(&result, NULL, 0);
        assert_string_equal(summary, "Generation 4 of system is active, in 2.5 s.\n");
}

static void test_summary__says_that_there_was_nothing_to_do(void **state) {
        (void) state;
        const EngineResult result = {
                .exit_status = EXIT_DONE, .nothing_to_do = true, .to_number = 4
        };
        cleanup_free char *summary = summary_of(&result, NULL, 0);
        assert_string_equal(summary, "Nothing to do: generation 4 of system is active.\n");
        const EngineResult tested = { .exit_status = EXIT_DONE,
                .nothing_to_do = true,
                .becomes_default = true,
                .to_number = 4 };
        cleanup_free char *kept = summary_of(&tested, NULL, 0);
        assert_string_equal(kept,
                        "Nothing to do: generation 4 of system is active; from now on the next "
                        "boot takes it, too.\n");
}

static void test_summary__as_json_conforms_to_the_schema(void **state) {
        (void) state;
        Error error = { 0 };
        cleanup_free char *result = NULL;
        assert_int_equal(result_to_json(&failed_result, &result, &error), 0);
        const Plan empty = { 0 };
        const PlanJsonInput input = {
                .plan = &empty,
                .from = { .profile = "system", .generation = 3 },
                .to = { .profile = "system", .generation = 4 },
                .result_json = result,
        };
        cleanup_free char *json = NULL;
        assert_int_equal(plan_to_json(&input, &json, &error), 0);
        json_t *value = json_loads(json, 0, NULL);
        const json_t *got = json_object_get(value, "result");
        assert_int_equal(json_integer_value(json_object_get(got, "exit_status")), 4);
        assert_int_equal(json_array_size(json_object_get(got, "actions")),
                        4); /* no skips, and the user's */
        assert_int_equal(json_array_size(json_object_get(got, "failures")), 3);
        json_decref(value);
        cleanup_free char *command = NULL;
        const char *source_directory = getenv("SOURCE_DIR");
        assert_true(asprintf(&command,
                                    "python3 '%1$s/tests/support/check_schema.py' "
                                    "'%1$s/docs/plan.schema.json'",
                                    source_directory ? source_directory : ".") > 0);
        FILE *pipe = popen(command, "w");
        assert_non_null(pipe);
        assert_true(fputs(json, pipe) >= 0);
        assert_int_equal(pclose(pipe), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_summary__tells_what_failed_and_why),
                cmocka_unit_test(test_summary__promises_no_second_try_of_what_is_not_owed),
                cmocka_unit_test(test_summary__of_success_is_one_line),
                cmocka_unit_test(test_summary__says_that_there_was_nothing_to_do),
                cmocka_unit_test(test_summary__as_json_conforms_to_the_schema),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
