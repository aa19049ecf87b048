/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/plan_run.h"
#include "base/clock.h"
#include "tests/activate/plan_words.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static size_t position_of(const char *text, const char *part) {
        const char *found = strstr(text, part);
        if (!found)
                fail_msg("\"%s\" is not in:\n%s", part, text);
        return (size_t) (found - text);
}

static void assert_order(const char *text, const char *first, const char *second) {
        if (position_of(text, first) >= position_of(text, second))
                fail_msg("\"%s\" is not before \"%s\" in:\n%s", first, second, text);
}

static void test_run_plan__calls_what_the_verbs_say(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active" },
                { .name = "b.service", .active_state = "active" },
                { .name = "c.service" },
                { .name = "d.service", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "stop a.service 1\nreload b.service 2\nstart c.service 3\n"
                        "restart d.service 4\nskip e.service 5\ndaemon-reload");
        plan_world_run(&world);
        const char *calls = fake_manager_calls(world.fake);
        assert_order(calls, "Subscribe\n", "StopUnit a.service\n");
        assert_order(calls, "StopUnit a.service\n", "Reload\n");
        assert_order(calls, "Reload\n", "ReloadUnit b.service\n");
        assert_order(calls, "Reload\n", "ResetFailedUnit c.service\nStartUnit c.service\n");
        assert_order(calls, "Reload\n", "ResetFailedUnit d.service\nRestartUnit d.service\n");
        assert_null(strstr(calls, "ResetFailedUnit a.service"));
        assert_null(strstr(calls, "ResetFailedUnit b.service"));
        assert_null(strstr(calls, "e.service"));
        assert_int_equal(world.report->n_actions, 5);
        assert_true(world.report->daemon_reloaded);
        assert_int_equal(report_n_caused(world.report), 0);
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(world.report->actions[i].outcome, JOB_DONE);
        assert_int_equal(world.report->actions[4].outcome, JOB_SKIPPED);
        assert_string_equal(
                        plan_world_action(&world, "a.service", VERB_STOP)->before_state, "active");
        assert_string_equal(plan_world_action(&world, "c.service", VERB_START)->before_state,
                        "inactive");
        assert_string_equal(
                        plan_world_action(&world, "c.service", VERB_START)->invocation_before, "");
        assert_string_equal(plan_world_action(&world, "b.service", VERB_RELOAD)->invocation_before,
                        "02000000000000000000000000000000");
        plan_world_done(&world);
}

static void test_run_plan__stops_late_before_the_rest_of_the_group(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "x.service", .active_state = "active", .stop_msec = 20 },
                { .name = "x.socket", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "stop-late x.service 1\nrestart x.socket 1\nstart x.service 1");
        plan_world_run(&world);
        assert_string_equal(world.told,
                        "begin x.service\nend x.service done\nbegin x.socket\nbegin x.service\n"
                        "end x.socket done\nend x.service done\n");
        plan_world_done(&world);
}

static void test_run_plan__slow_starts_do_not_hold_up_the_others(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .last_start_usec = 1000 },
                { .name = "slow.service",
                                .active_state = "active",
                                .last_start_usec = 200000,
                                .start_until = "a.service" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 1\nrestart slow.service 2");
        plan_world_run(&world);
        /* What took long the last time goes first, and the other one into its shadow. */
        assert_order(world.told, "begin slow.service\n", "begin a.service\n");
        assert_order(world.told, "end a.service done\n", "end slow.service done\n");
        plan_world_done(&world);
}

/* How many are down at once at most. */
static unsigned restart_eight(void) {
        FakeUnit units[8];
        char names[N_ELEMENTS(units)][16], plan[512] = "";
        for (size_t i = 0; i < N_ELEMENTS(units); i++) {
                (void) snprintf(names[i], sizeof(names[i]), "u%zu.service", i);
                units[i] = (FakeUnit){
                        .name = names[i], .active_state = "active", .stop_msec = 20, .start_msec = 3
                };
                (void) snprintf(plan + strlen(plan), sizeof(plan) - strlen(plan),
                                "restart u%zu.service %zu\n", i, i);
        }
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        plan);
        plan_world_run(&world);
        unsigned n = fake_manager_max_going_down(world.fake);
        plan_world_done(&world);
        return n;
}

/* On a machine that is short of time one may be taken for a slow stop, but not each time. */
static void test_run_plan__restarts_one_after_the_other(void **state) {
        (void) state;
        for (unsigned i = 0; i < 20; i++)
                if (restart_eight() <= 1)
                        return;
        fail_msg("several are down at once");
}

static void test_run_plan__one_burst_for_a_group(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .stop_msec = 100 },
                { .name = "b.service", .active_state = "active", .stop_msec = 100 },
                { .name = "c.service", .active_state = "active", .stop_msec = 100 },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 7\nrestart b.service 7\nrestart c.service 7");
        plan_world_run(&world);
        assert_string_equal(fake_manager_calls(world.fake),
                        "Subscribe\nListUnitsFiltered\n"
                        "ResetFailedUnit a.service\nRestartUnit a.service\n"
                        "ResetFailedUnit b.service\nRestartUnit b.service\n"
                        "ResetFailedUnit c.service\nRestartUnit c.service\nListUnitsFiltered\n");
        assert_int_equal(fake_manager_max_going_down(world.fake), 2);
        plan_world_done(&world);
}

static void test_run_plan__a_slow_stop_does_not_hold_up_the_others(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .stop_until = "b.service" },
                { .name = "b.service", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 1\nrestart b.service 2");
        plan_world_run(&world);
        assert_order(world.told, "end b.service", "end a.service");
        plan_world_done(&world);
}

static void test_run_plan__what_was_stopped_first_comes_first(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .last_start_usec = 900000 },
                { .name = "b.service", .active_state = "active", .last_start_usec = 1000 },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "stop b.service 2\nrestart a.service 1\nstart b.service 2");
        plan_world_run(&world);
        const char *calls = fake_manager_calls(world.fake);
        assert_order(calls, "StartUnit b.service", "RestartUnit a.service");
        assert_null(strstr(calls, "RestartUnit b.service"));
        plan_world_done(&world);
}

static void test_run_plan__restarts_what_came_back_with_the_old_text(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service",
                                .active_state = "active",
                                .state_after = "active",
                                .last_start_usec = 1000 },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "stop a.service 1\nstart a.service 1\ndaemon-reload");
        plan_world_run(&world);
        assert_order(fake_manager_calls(world.fake), "Reload\n", "RestartUnit a.service");
        assert_int_equal(plan_world_action(&world, "a.service", VERB_START)->outcome, JOB_DONE);
        plan_world_done(&world);
}

/* A manager that executes itself anew instead of a reload: the start was not sent before, whatever
 * the unit looks like. */
static void test_run_plan__a_new_manager_still_starts_what_was_stopped(void **state) {
        (void) state;
        for (int unloads = 0; unloads < 2; unloads++) {
                FakeUnit units[] = {
                        { .name = "a.service", .active_state = "active", .unloads = unloads },
                };
                PlanWorld world;
                plan_world_init(&world,
                                &(FakeOptions){ .units = units,
                                                .n_units = 1,
                                                .n_drops_at_reload = 1 },
                                "stop a.service 1\nstart a.service 1\ndaemon-reload");
                plan_world_run(&world);
                assert_order(fake_manager_calls(world.fake), "Reload\nReload\n",
                                "StartUnit a.service");
                const ActionReport *action = plan_world_action(&world, "a.service", VERB_START);
                assert_int_equal(action->outcome, JOB_DONE);
                assert_string_equal(action->job_result, "done");
                plan_world_done(&world);
        }
}

static void test_run_plan__restore_starts_what_was_on(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active" },
                { .name = "b.service", .active_state = "inactive" },
                { .name = "c.service", .active_state = "active" },
                { .name = "d.service", .active_state = "active" },
        };
        PlanWorld world;
        Error error;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "stop a.service 1\nstop b.service 1\nrestart d.service 2\n"
                        "drags stop c.service a.service");
        assert_int_equal(plan_run_new(world.systemd, &world.words.plan, &world.options, &world.run,
                                         &error),
                        0);
        assert_int_equal(plan_run_stop(world.run, &error), 0);
        assert_int_equal(plan_run_restore(world.run, &error), 0);
        const char *calls = fake_manager_calls(world.fake);
        assert_order(calls, "StopUnit a.service", "StartUnit a.service");
        assert_order(calls, "StopUnit a.service", "StartUnit c.service");
        assert_null(strstr(calls, "StartUnit b.service"));
        assert_null(strstr(calls, "d.service"));
        plan_world_done(&world);
}

static void test_run_plan__restore_tells_what_did_not_start(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service",
                                .active_state = "active",
                                .state_after = "failed",
                                .job_result = "failed" },
        };
        PlanWorld world;
        Error error;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "stop a.service 1");
        assert_int_equal(plan_run_new(world.systemd, &world.words.plan, &world.options, &world.run,
                                         &error),
                        0);
        assert_int_equal(plan_run_stop(world.run, &error), 0);
        assert_int_equal(plan_run_restore(world.run, &error), -EIO);
        assert_string_equal(error.message, "a.service was stopped and did not start again: failed");
        plan_world_done(&world);
}

static void test_run_plan__a_refused_reload_leaves_nothing_down(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active" },
                { .name = "b.service", .active_state = "active" },
        };
        PlanWorld world;
        Error error;
        plan_world_init(&world,
                        &(FakeOptions){ .units = units,
                                        .n_units = N_ELEMENTS(units),
                                        .reload_error = "org.freedesktop.DBus.Error."
                                                        "LimitsExceeded" },
                        "stop a.service 1\nstart a.service 1\nrestart b.service 2\ndaemon-reload");
        assert_int_equal(plan_run_new(world.systemd, &world.words.plan, &world.options, &world.run,
                                         &error),
                        0);
        assert_int_equal(plan_run_stop(world.run, &error), 0);
        assert_true(plan_run_activate(world.run, &error) < 0);
        assert_non_null(strstr(error.message, "Not now, please"));
        assert_non_null(strstr(error.message, "LimitsExceeded"));
        assert_int_equal(plan_run_report(world.run, &world.report, &error), 0);
        assert_order(fake_manager_calls(world.fake), "Reload\n", "StartUnit a.service");
        assert_null(strstr(fake_manager_calls(world.fake), "RestartUnit"));
        assert_int_equal(
                        plan_world_action(&world, "b.service", VERB_RESTART)->outcome, JOB_NOT_RUN);
        assert_int_equal(plan_world_action(&world, "a.service", VERB_START)->outcome, JOB_NOT_RUN);
        assert_false(world.report->daemon_reloaded);
        assert_int_equal(report_n_caused(world.report), 2);
        plan_world_done(&world);
}

static void test_run_plan__names_what_is_not_over_in_time(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .fault = FAKE_NEVER_ENDS },
                { .name = "b.service", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 1\nrestart b.service 2");
        world.options.timeout_usec = UINT64_C(3000000);
        plan_world_run(&world);
        /* Told of once a second, and in the end. */
        assert_order(world.told, "begin a.service\n", "wait a.service\n");
        assert_order(world.told, "end b.service done\n", "end a.service timeout\n");
        const ActionReport *action = plan_world_action(&world, "a.service", VERB_RESTART);
        assert_int_equal(action->outcome, JOB_TIMEOUT);
        assert_true(action->duration_usec >= UINT64_C(3000000));
        assert_null(action->job_result);
        assert_int_equal(plan_world_action(&world, "b.service", VERB_RESTART)->outcome, JOB_DONE);
        assert_int_equal(report_n_caused(world.report), 1);
        plan_world_done(&world);
}

static void test_run_plan__the_time_is_for_all_phases(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active", .fault = FAKE_NEVER_ENDS },
                { .name = "b.service", .active_state = "active", .fault = FAKE_NEVER_ENDS },
                { .name = "c.service", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "stop a.service 1\nrestart b.service 2\nrestart c.service 3");
        world.options.timeout_usec = UINT64_C(100000);
        plan_world_run(&world);
        assert_int_equal(plan_world_action(&world, "a.service", VERB_STOP)->outcome, JOB_TIMEOUT);
        assert_int_equal(
                        plan_world_action(&world, "b.service", VERB_RESTART)->outcome, JOB_TIMEOUT);
        const ActionReport *last = plan_world_action(&world, "c.service", VERB_RESTART);
        assert_int_equal(last->outcome, JOB_NOT_RUN);
        assert_string_equal(last->message, "the time given to this switch was over before");
        plan_world_done(&world);
}

/* What a path unit started is over before the plan acts on it; what else there is goes on. */
static void test_run_plan__waits_for_what_was_triggered(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service",
                                .active_state = "inactive",
                                .is_starting = true,
                                .start_until = "b.service" },
                { .name = "b.service", .active_state = "active" },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "restart a.service 1\nrestart b.service 2\ntriggers start a.service "
                        "a.path");
        plan_world_run(&world);
        assert_order(world.told, "end b.service done\n", "begin a.service\n");
        plan_world_done(&world);
}

/* It began with its old text, and ends with it. */
static void test_run_plan__what_was_triggered_ends_before_the_reload(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service",
                                .active_state = "inactive",
                                .is_starting = true,
                                .state_after = "failed",
                                .start_msec = 300 },
        };
        PlanWorld world;
        Error error;
        uint64_t begin_usec = now_usec();
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "triggers start a.service a.path\nreload a.service 1\ndaemon-reload");
        assert_int_equal(plan_run_new(world.systemd, &world.words.plan, &world.options, &world.run,
                                         &error),
                        0);
        assert_int_equal(plan_run_activate(world.run, &error), 0);
        assert_true(world.run->reloaded_usec >= begin_usec + UINT64_C(300000));
        plan_world_done(&world);
}

/* The verdict is about how it ended, not about that it began. */
static void test_run_plan__what_was_triggered_and_fails_is_told(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service",
                                .active_state = "inactive",
                                .is_starting = true,
                                .state_after = "failed",
                                .start_msec = 300 },
        };
        PlanWorld world;
        plan_world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                        "triggers start a.service a.path");
        plan_world_run(&world);
        assert_non_null(plan_world_failure(&world, "a.service"));
        assert_int_equal(report_n_caused(world.report), 1);
        plan_world_done(&world);
}

/* RefuseManualStop=yes: it goes down with another unit, and then nothing went wrong. */
static void test_run_plan__a_refused_stop_is_done_when_the_unit_is_down(void **state) {
        (void) state;
        for (int i = 0; i < 4; i++) {
                bool goes_down = i % 2 == 0;
                FakeUnit units[] = {
                        { .name = "a.service",
                                        .active_state = "active",
                                        .fault = FAKE_REFUSES,
                                        .error_name = "org.freedesktop.systemd1.OnlyByDependency" },
                        { .name = "b.service",
                                        .active_state = "active",
                                        .breaks = goes_down ? "a.service" : NULL },
                };
                PlanWorld world;
                plan_world_init(&world,
                                &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                                i < 2 ? "stop a.service 1\nstop b.service 1"
                                      : "stop-late a.service 1\nstop-late b.service 1");
                plan_world_run(&world);
                assert_int_equal(plan_world_action(&world, "a.service", VERB_STOP)->outcome,
                                goes_down ? JOB_DONE : JOB_REFUSED);
                plan_world_done(&world);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_run_plan__calls_what_the_verbs_say),
                cmocka_unit_test(test_run_plan__stops_late_before_the_rest_of_the_group),
                cmocka_unit_test(test_run_plan__slow_starts_do_not_hold_up_the_others),
                cmocka_unit_test(test_run_plan__restarts_one_after_the_other),
                cmocka_unit_test(test_run_plan__one_burst_for_a_group),
                cmocka_unit_test(test_run_plan__a_slow_stop_does_not_hold_up_the_others),
                cmocka_unit_test(test_run_plan__what_was_stopped_first_comes_first),
                cmocka_unit_test(test_run_plan__restarts_what_came_back_with_the_old_text),
                cmocka_unit_test(test_run_plan__a_new_manager_still_starts_what_was_stopped),
                cmocka_unit_test(test_run_plan__restore_starts_what_was_on),
                cmocka_unit_test(test_run_plan__restore_tells_what_did_not_start),
                cmocka_unit_test(test_run_plan__a_refused_reload_leaves_nothing_down),
                cmocka_unit_test(test_run_plan__names_what_is_not_over_in_time),
                cmocka_unit_test(test_run_plan__the_time_is_for_all_phases),
                cmocka_unit_test(test_run_plan__waits_for_what_was_triggered),
                cmocka_unit_test(test_run_plan__what_was_triggered_ends_before_the_reload),
                cmocka_unit_test(test_run_plan__what_was_triggered_and_fails_is_told),
                cmocka_unit_test(test_run_plan__a_refused_stop_is_done_when_the_unit_is_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
