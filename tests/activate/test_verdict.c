/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/unit_look.h"
#include "tests/activate/plan_words.h"
#include "tests/support/cmocka.h"

#include <string.h>
#include <sys/wait.h>

static void run(PlanWorld *world, FakeUnit *units, size_t n_units, const char *plan) {
        plan_world_init(world, &(FakeOptions){ .units = units, .n_units = n_units }, plan);
        plan_world_run(world);
}

static void test_verdict__done_proves_nothing_for_simple(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.service",
                        .active_state = "active",
                        .type = "simple",
                        .dies_msec = 15,
                        .dies_into = "failed" } };
        PlanWorld world;
        run(&world, units, 1, "restart a.service 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_DONE);
        const UnitFailure *failure = plan_world_failure(&world, "a.service");
        assert_non_null(failure);
        assert_int_equal(failure->cause, FAILURE_CAUSED);
        assert_string_equal(failure->active_state, "failed");
        assert_string_equal(failure->result, "exit-code");
        assert_int_equal(failure->exec_main_code, CLD_EXITED);
        assert_int_equal(failure->exec_main_status, 3);
        assert_int_equal(report_n_caused(world.report), 1);
        plan_world_done(&world);
}

/* systemd will start it again, and it will die again: it is no good. */
static void test_verdict__waiting_for_its_restart_is_failing(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.service",
                        .active_state = "active",
                        .type = "exec",
                        .dies_msec = 15,
                        .dies_into = "activating" } };
        PlanWorld world;
        run(&world, units, 1, "start a.service 1");
        const UnitFailure *failure = plan_world_failure(&world, "a.service");
        assert_non_null(failure);
        assert_int_equal(failure->cause, FAILURE_CAUSED);
        assert_string_equal(failure->active_state, "activating");
        assert_string_equal(failure->sub_state, "auto-restart");
        plan_world_done(&world);
}

static void test_verdict__dying_again_and_again_is_failing(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service",
                                .active_state = "active",
                                .type = "simple",
                                .dies_at_each_look = true },
                { .name = "b.service",
                                .active_state = "active",
                                .type = "simple",
                                .n_restarts = 1 }, /* stands since */
        };
        PlanWorld world;
        run(&world, units, N_ELEMENTS(units), "restart a.service 1\nrestart b.service 2");
        const UnitFailure *failure = plan_world_failure(&world, "a.service");
        assert_non_null(failure);
        assert_int_equal(failure->cause, FAILURE_CAUSED);
        assert_null(plan_world_failure(&world, "b.service"));
        plan_world_done(&world);
}

/* Who says when it is ready is not waited for; nor is a reload, or a start of nothing. */
static void test_verdict__waits_for_nobody_else(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .type = "notify" },
                { .name = "b.service", .active_state = "active", .type = "simple" },
                { .name = "c.timer", .active_state = "active" },
                { .name = "d.service", .type = "oneshot", .state_after = "inactive" },
        };
        PlanWorld world;
        Error error;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 1\nreload b.service 2\nrestart c.timer 3\n"
                        "start d.service 4");
        assert_int_equal(plan_run_new(world.systemd, &world.words.plan, &world.options, &world.run,
                                         &error),
                        0);
        assert_int_equal(plan_run_activate(world.run, &error), 0);
        unsigned n_calls = fake_manager_n_calls(world.fake);
        assert_int_equal(plan_run_report(world.run, &world.report, &error), 0);
        /* One look at each: GetUnit, and the properties of a service, of a timer. */
        enum { OF_TIMER = 9, OF_SERVICE = 13 };
        assert_int_equal(fake_manager_n_calls(world.fake) - n_calls,
                        4 + 3 * OF_SERVICE + OF_TIMER + 1 /* failed ones */);
        assert_int_equal(report_n_caused(world.report), 0);
        assert_int_equal(world.report->n_failures, 0);
        plan_world_done(&world);
}

static void test_verdict__tells_whose_failure_it_is(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "acted.service",
                                .active_state = "active",
                                .job_result = "failed",
                                .breaks = "meanwhile.service" },
                { .name = "other.service", .active_state = "active", .breaks = "dragged.service" },
                { .name = "dragged.service", .active_state = "active" },
                { .name = "meanwhile.service", .active_state = "active" },
                { .name = "before.service", .active_state = "failed" },
                { .name = "mended.service", .active_state = "failed" },
                { .name = "dragged-before.service", .active_state = "failed" },
        };
        PlanWorld world;
        run(&world, units, N_ELEMENTS(units),
                        "restart acted.service 1\nrestart other.service 2\nstart mended.service 3\n"
                        "drags restart dragged.service other.service\n"
                        "drags restart dragged-before.service other.service");
        assert_int_equal(plan_world_failure(&world, "acted.service")->cause, FAILURE_CAUSED);
        assert_int_equal(plan_world_failure(&world, "dragged.service")->cause, FAILURE_CAUSED);
        assert_int_equal(plan_world_failure(&world, "meanwhile.service")->cause, FAILURE_DURING);
        assert_int_equal(plan_world_failure(&world, "before.service")->cause, FAILURE_BEFORE);
        assert_int_equal(plan_world_failure(&world, "dragged-before.service")->cause,
                        FAILURE_BEFORE);
        assert_null(plan_world_failure(&world, "mended.service"));
        assert_null(plan_world_failure(&world, "other.service"));
        /* acted.service by its job and by its state: once. */
        assert_int_equal(report_n_caused(world.report), 2);
        plan_world_done(&world);
}

static void test_verdict__a_stop_that_ends_in_failure_counts(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.service",
                        .active_state = "active",
                        .state_after = "failed",
                        .result = "timeout" } };
        PlanWorld world;
        run(&world, units, 1, "stop a.service 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_DONE);
        const UnitFailure *failure = plan_world_failure(&world, "a.service");
        assert_non_null(failure);
        assert_int_equal(failure->cause, FAILURE_CAUSED);
        assert_string_equal(failure->result, "timeout");
        plan_world_done(&world);
}

static void test_verdict__a_condition_is_no_failure(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.service",
                        .active_state = "inactive",
                        .state_after = "inactive",
                        .condition_failed = true } };
        PlanWorld world;
        run(&world, units, 1, "start a.service 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_SKIPPED);
        assert_string_equal(world.report->actions[0].message,
                        "a Condition...= of the unit does not hold");
        assert_int_equal(report_n_caused(world.report), 0);
        plan_world_done(&world);
}

static void test_verdict__a_job_that_failed_counts_though_its_unit_stands(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.mount",
                        .active_state = "active",
                        .job_result = "failed",
                        .state_after = "active" } };
        PlanWorld world;
        run(&world, units, 1, "restart a.mount 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_FAILED);
        assert_int_equal(world.report->n_failures, 0);
        assert_int_equal(report_n_caused(world.report), 1);
        plan_world_done(&world);
}

/* systemd refuses the new text of a timer, which goes on waiting as if nothing were. */
static void test_verdict__what_systemd_does_not_load_is_failing(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "bad.timer", .active_state = "active", .load_state = "bad-setting" },
                { .name = "broken.service", .active_state = "failed", .load_state = "error" },
                { .name = "good.service", .active_state = "active" },
                { .name = "other.service", .active_state = "inactive", .load_state = "bad-setting" }
        };
        PlanWorld world;
        run(&world, units, N_ELEMENTS(units),
                        "daemon-reload\nchanged bad.timer\nchanged broken.service\n"
                        "changed good.service\nchanged missing.service\n"
                        "drop-in uninstalled.service");
        static const char *const expected[][2] = { { "bad.timer", "bad-setting" },
                { "broken.service", "error" }, { "missing.service", "not-found" } };
        assert_int_equal(report_n_caused(world.report), N_ELEMENTS(expected));
        for (size_t i = 0; i < N_ELEMENTS(expected); i++) {
                const UnitFailure *failure = plan_world_failure(&world, expected[i][0]);
                assert_non_null(failure);
                assert_int_equal(failure->cause, FAILURE_CAUSED);
                assert_string_equal(failure->result, expected[i][1]);
        }
        assert_null(plan_world_failure(&world, "other.service")); /* nothing changed in it */
        plan_world_done(&world);
}

/* What cannot be looked at is told by its job alone: what did not run is still known. */
static void test_verdict__without_an_answer_the_jobs_are_told(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.service", .active_state = "active" },
                { .name = "b.service", .active_state = "active", .job_result = "failed" },
                { .name = "c.service",
                                .active_state = "active",
                                .fault = FAKE_REFUSES,
                                .error_name = "org.freedesktop.DBus.Error.LimitsExceeded" } };
        PlanWorld world;
        Error error;
        plan_world_init(&world,
                        &(FakeOptions){ .units = units,
                                        .n_units = N_ELEMENTS(units),
                                        .list_error = "org.freedesktop.DBus.Error."
                                                      "LimitsExceeded" },
                        "restart a.service 1\nrestart b.service 2\nrestart c.service 3");
        assert_int_equal(plan_run_new(world.systemd, &world.words.plan, &world.options, &world.run,
                                         &error),
                        0);
        assert_int_equal(plan_run_activate(world.run, &error), 0);
        assert_true(plan_run_report(world.run, &world.report, &error) < 0);
        assert_non_null(strstr(error.message, "Not now, please"));
        assert_non_null(world.report);
        assert_int_equal(world.report->n_actions, 3);
        assert_int_equal(world.report->actions[0].outcome, JOB_DONE);
        assert_int_equal(world.report->actions[1].outcome, JOB_FAILED);
        assert_int_equal(world.report->actions[2].outcome, JOB_REFUSED);
        assert_string_equal(world.report->actions[1].before_state, "active");
        plan_world_done(&world);
}

/* A timer whose file is gone finds nothing to start at the daemon-reload, and fails. */
static void test_verdict__a_timer_that_stopped_for_want_of_its_unit_has_not_failed(void **state) {
        (void) state;
        for (int i = 0; i < 2; i++) {
                FakeUnit units[] = {
                        { .name = i == 0 ? "a.timer" : "a.service",
                                        .active_state = "active",
                                        .state_after = "failed",
                                        .result = "resources" },
                };
                PlanWorld world;
                plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = 1 },
                                i == 0 ? "stop-late a.timer 1" : "stop-late a.service 1");
                plan_world_run(&world);
                assert_int_equal(world.report->n_failures, i);
                UnitLook look = { .unit = units[0].name };
                Error error; /* nobody waits for a reset: what is asked now is answered after it */
                assert_int_equal(unit_look(world.systemd, &look, 1, LOOK_STATE, &error), 0);
                bool is_reset = strstr(fake_manager_calls(world.fake), "ResetFailedUnit") != NULL;
                assert_int_equal(is_reset, i == 0);
                plan_world_done(&world);
        }
}

/* What was restarted with another unit is looked at a moment later as well. */
static void test_verdict__dragged_units_are_looked_at_twice(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .type = "notify" },
                { .name = "b.service",
                                .active_state = "active",
                                .type = "simple",
                                .is_starting = true,
                                .last_start_usec = 1000,
                                .start_msec = 20,
                                .dies_msec = 60,
                                .dies_into = "failed" },
        };
        units[1].active_state = "inactive";
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 1\ndrags restart b.service a.service");
        units[0].start_msec = 25;
        plan_world_run(&world);
        assert_non_null(plan_world_failure(&world, "b.service"));
        plan_world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdict__done_proves_nothing_for_simple),
                cmocka_unit_test(test_verdict__waiting_for_its_restart_is_failing),
                cmocka_unit_test(test_verdict__dying_again_and_again_is_failing),
                cmocka_unit_test(test_verdict__waits_for_nobody_else),
                cmocka_unit_test(test_verdict__tells_whose_failure_it_is),
                cmocka_unit_test(test_verdict__a_stop_that_ends_in_failure_counts),
                cmocka_unit_test(test_verdict__a_condition_is_no_failure),
                cmocka_unit_test(test_verdict__what_systemd_does_not_load_is_failing),
                cmocka_unit_test(test_verdict__without_an_answer_the_jobs_are_told),
                cmocka_unit_test(test_verdict__a_job_that_failed_counts_though_its_unit_stands),
                cmocka_unit_test(
                                test_verdict__a_timer_that_stopped_for_want_of_its_unit_has_not_failed),
                cmocka_unit_test(test_verdict__dragged_units_are_looked_at_twice),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
