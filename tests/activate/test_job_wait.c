/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/job_wait.h"
#include "tests/activate/plan_words.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static unsigned n_calls_of(PlanWorld *world, const char *call) {
        unsigned n = 0;
        for (const char *at = fake_manager_calls(world->fake); (at = strstr(at, call)); at++)
                n++;
        return n;
}

/* Results as systemd has them, and one that it does not have yet. */
static void test_job_wait__results_are_outcomes(void **state) {
        (void) state;
        static const struct {
                const char *result;
                JobOutcome outcome;
                bool has_message;
        } rows[] = {
                { "done", JOB_DONE, false },
                { "skipped", JOB_SKIPPED, false },
                { "failed", JOB_FAILED, false },
                { "dependency", JOB_DEPENDENCY, true },
                { "canceled", JOB_CANCELED, true },
                { "collected", JOB_CANCELED, true },
                { "timeout", JOB_TIMEOUT, true },
                { "invalid", JOB_FAILED, true },
                { "assert", JOB_FAILED, true },
                { "unsupported", JOB_FAILED, true },
                { "once", JOB_FAILED, true },
                { "frozen", JOB_FAILED, true },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                FakeUnit units[] = { { .name = "a.service",
                                .active_state = "active",
                                .job_result = rows[i].result } };
                PlanWorld world;
                plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = 1 },
                                "reload a.service 1");
                plan_world_run(&world);
                const ActionReport *action = &world.report->actions[0];
                assert_int_equal(action->outcome, rows[i].outcome);
                assert_string_equal(action->job_result, rows[i].result);
                assert_int_equal(action->message != NULL, rows[i].has_message);
                assert_int_equal(
                                report_n_caused(world.report), job_outcome_is_bad(rows[i].outcome));
                plan_world_done(&world);
        }
}

static void test_job_wait__a_refused_call_is_an_outcome(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service",
                                .active_state = "active",
                                .fault = FAKE_REFUSES,
                                .error_name = "org.freedesktop.systemd1.JobTypeNotApplicable" },
                { .name = "b.service", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "reload a.service 1\nrestart b.service 2\nrestart gone.service 3\n"
                        "stop gone.service 4");
        plan_world_run(&world);
        const ActionReport *refused = plan_world_action(&world, "a.service", VERB_RELOAD);
        assert_int_equal(refused->outcome, JOB_REFUSED);
        assert_string_equal(refused->message, "a.service is refused");
        assert_null(refused->job_result);
        assert_int_equal(plan_world_action(&world, "b.service", VERB_RESTART)->outcome, JOB_DONE);
        assert_int_equal(plan_world_action(&world, "gone.service", VERB_RESTART)->outcome,
                        JOB_REFUSED);
        /* To stop what is not there is no failure. */
        assert_int_equal(
                        plan_world_action(&world, "gone.service", VERB_STOP)->outcome, JOB_SKIPPED);
        assert_int_equal(report_n_caused(world.report), 2);
        plan_world_done(&world);
}

static void run_with_fault(PlanWorld *world, FakeUnit *unit, const char *plan) {
        plan_world_init(world, &(FakeOptions){ .units = unit, .n_units = 1 }, plan);
        world->options.timeout_usec = UINT64_C(20000000);
        plan_world_run(world);
        assert_int_equal(n_calls_of(world, "Subscribe"), 2); /* the connection was lost indeed */
}

static void test_job_wait__a_lost_call_is_made_again(void **state) {
        (void) state;
        FakeUnit unit = { .name = "a.service", .active_state = "active", .fault = FAKE_LOSES_CALL };
        PlanWorld world;
        run_with_fault(&world, &unit, "restart a.service 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_DONE);
        assert_string_equal(world.report->actions[0].job_result, "done");
        assert_int_equal(n_calls_of(&world, "RestartUnit a.service"), 2);
        plan_world_done(&world);
}

static void test_job_wait__a_lost_reply_is_no_second_restart(void **state) {
        (void) state;
        FakeUnit unit = { .name = "a.service",
                .active_state = "active",
                .fault = FAKE_LOSES_REPLY,
                .start_msec = 300 };
        PlanWorld world;
        run_with_fault(&world, &unit, "restart a.service 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_DONE);
        assert_string_equal(world.report->actions[0].job_result, "done");
        assert_int_equal(n_calls_of(&world, "RestartUnit a.service"), 1);
        plan_world_done(&world);
}

static void test_job_wait__a_restart_that_is_over_is_not_made_again(void **state) {
        (void) state;
        FakeUnit unit = {
                .name = "a.service", .active_state = "active", .fault = FAKE_LOSES_REPLY
        };
        PlanWorld world;
        run_with_fault(&world, &unit, "restart a.service 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_DONE);
        assert_int_equal(n_calls_of(&world, "RestartUnit a.service"), 1);
        plan_world_done(&world);
}

static void test_job_wait__jobs_outlive_the_connection(void **state) {
        (void) state;
        FakeUnit unit = { .name = "a.service",
                .active_state = "active",
                .fault = FAKE_LOSES_LATER,
                .start_msec = 300,
                .job_result = "failed" };
        PlanWorld world;
        run_with_fault(&world, &unit, "restart a.service 1");
        assert_int_equal(world.report->actions[0].outcome, JOB_FAILED);
        assert_string_equal(world.report->actions[0].job_result, "failed");
        assert_non_null(plan_world_failure(&world, "a.service"));
        plan_world_done(&world);
}

/* The end was not heard: the unit's state tells. */
static void test_job_wait__a_missed_end_is_read_from_the_state(void **state) {
        (void) state;
        static const struct {
                const char *plan, *state_after;
                JobOutcome outcome;
        } rows[] = {
                { "restart a.service 1", "active", JOB_DONE },
                { "restart a.service 1", "failed", JOB_FAILED },
                { "restart a.service 1", "inactive", JOB_DONE }, /* as a oneshot that ran */
                { "stop a.service 1", "inactive", JOB_DONE },
                { "stop a.service 1", "active", JOB_FAILED },
                { "reload a.service 1", "active", JOB_DONE },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                FakeUnit unit = { .name = "a.service",
                        .active_state = "active",
                        .fault = FAKE_LOSES_END,
                        .state_after = rows[i].state_after };
                PlanWorld world;
                run_with_fault(&world, &unit, rows[i].plan);
                assert_int_equal(world.report->actions[0].outcome, rows[i].outcome);
                assert_null(world.report->actions[0].job_result);
                plan_world_done(&world);
        }
}

static void test_job_wait__a_connection_that_cannot_be_made_again_is_an_error(void **state) {
        (void) state;
        FakeUnit unit = { .name = "a.service",
                .active_state = "active",
                .fault = FAKE_LOSES_LATER,
                .start_msec = 10000 };
        Error error;
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = &unit, .n_units = 1 },
                        "restart a.service 1");
        systemd_close(world.systemd); /* one over a descriptor instead: there is no address */
        int r = systemd_connect_fd(fake_manager_connect(world.fake), &world.systemd, &error);
        assert_int_equal(r, 0);
        assert_int_equal(plan_run_new(world.systemd, &world.words.plan, &world.options, &world.run,
                                         &error),
                        0);
        assert_int_equal(plan_run_activate(world.run, &error), -ECONNRESET);
        assert_string_equal(error.message,
                        "The connection to systemd was lost and could not be made again");
        plan_world_done(&world);
}

static void test_job_wait__an_unanswered_call_is_given_up(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .fault = FAKE_NEVER_REPLIES },
                { .name = "b.service", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 1\nrestart b.service 1");
        assert_true(sd_bus_set_method_call_timeout(world.systemd->bus, UINT64_C(2000000)) >= 0);
        plan_world_run(&world);
        assert_int_equal(world.report->actions[0].outcome, JOB_TIMEOUT);
        assert_string_equal(world.report->actions[0].message, "systemd did not answer the call");
        assert_int_equal(world.report->actions[1].outcome, JOB_DONE);
        plan_world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_job_wait__results_are_outcomes),
                cmocka_unit_test(test_job_wait__a_refused_call_is_an_outcome),
                cmocka_unit_test(test_job_wait__a_lost_call_is_made_again),
                cmocka_unit_test(test_job_wait__a_lost_reply_is_no_second_restart),
                cmocka_unit_test(test_job_wait__a_restart_that_is_over_is_not_made_again),
                cmocka_unit_test(test_job_wait__jobs_outlive_the_connection),
                cmocka_unit_test(test_job_wait__a_missed_end_is_read_from_the_state),
                cmocka_unit_test(test_job_wait__a_connection_that_cannot_be_made_again_is_an_error),
                cmocka_unit_test(test_job_wait__an_unanswered_call_is_given_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
