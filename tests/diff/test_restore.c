/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of docs/plan.md, "Undoing": what brings a unit back, for each thing it may have been
 * and may be now. */

#include "diff/restore.h"
#include "tests/support/cmocka.h"

#include <string.h>

#define ONE "11111111111111111111111111111111"
#define TWO "22222222222222222222222222222222"

enum {
        STOP = PHASE_BIT(PHASE_STOP),
        STOP_LATE = PHASE_BIT(PHASE_STOP_LATE),
        RELOAD = PHASE_BIT(PHASE_RELOAD),
        RESTART = PHASE_BIT(PHASE_RESTART),
        START = PHASE_BIT(PHASE_START)
};

typedef struct Row {
        bool was_on, is_on, is_same, runs_again;
        unsigned phases;
        const char *actions; /* "VERB@PHASE …" */
        bool has_job;
} Row;

static const Row rows[] = {
        /* nothing came of it */
        { true, true, true, false, RESTART, "", false },
        { true, true, true, false, STOP, "", false },
        { false, false, true, false, START, "", false },
        /* it went */
        { true, false, true, false, STOP, "start@start", false },
        { true, false, true, false, RESTART, "start@start", false },
        { true, false, true, false, 0, "start@start", false },
        /* it came */
        { false, true, false, false, START, "stop@stop", false },
        { false, true, false, false, 0, "stop@stop", false },
        { false, true, false, true, START, "stop@stop", false },
        /* it runs the other text */
        { true, true, false, false, RESTART, "restart@restart", false },
        { true, true, false, false, STOP | START, "stop@stop start@start", false },
        { true, true, false, false, STOP_LATE | START, "stop@stop-late start@start", false },
        { true, true, false, false, RELOAD, "restart@restart", false },
        { true, true, false, false, 0, "", false },
        /* it may have read the other files */
        { true, true, true, false, RELOAD, "reload@reload", false },
        { false, false, false, true, START, "start@start", false },
        /* what is queued would still change it */
        { true, true, true, false, STOP, "start@start", true },
        { true, true, true, false, 0, "start@start", true },
        { true, true, true, false, RELOAD, "reload@reload", true },
        { false, false, true, false, START, "stop@stop", true },
        { false, false, true, true, START, "start@start", true },
};

static void test_restore__follows_its_table(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                const Row *row = &rows[i];
                const UnitBefore before = { .unit = "a.service",
                        .uid = UINT32_MAX,
                        .was_on = row->was_on,
                        .invocation_id = ONE,
                        .phases = row->phases,
                        .runs_again = row->runs_again };
                const UnitNow now = { .is_on = row->is_on,
                        .has_job = row->has_job,
                        .invocation_id = row->is_same ? ONE : TWO };
                cleanup(arena_donep) Arena arena = { 0 };
                UnitPlan plan;
                assert_int_equal(restore_plan(&arena, &before, &now, 1, &plan), 0);
                assert_int_equal(plan.daemon, DAEMON_RELOAD);
                /* it may come up by itself until then */
                bool may_come = row->was_on && strcmp(row->actions, "start@start") == 0;
                if (plan.n_actions > 0)
                        assert_int_equal(plan.actions[0].invocation != NULL, may_come);
                char actions[128] = "";
                for (size_t j = 0; j < plan.n_actions; j++) {
                        const UnitAction *action = &plan.actions[j];
                        assert_string_equal(action->unit, "a.service");
                        assert_true(action->n_reasons > 0);
                        size_t length = strlen(actions);
                        (void) snprintf(actions + length, sizeof(actions) - length, "%s%s@%s",
                                        j > 0 ? " " : "", verb_to_string(action->verb),
                                        phase_to_string(action->phase)); /* fits */
                }
                if (strcmp(actions, row->actions) != 0)
                        fail_msg("row %zu: %s instead of %s", i, actions, row->actions);
        }
}

static void test_restore__stops_come_before_starts_whatever_the_order(void **state) {
        (void) state;
        const UnitBefore before[] = {
                { .unit = "went.service", .was_on = true, .invocation_id = ONE, .phases = STOP },
                { .unit = "came.service", .invocation_id = "", .phases = START },
        };
        const UnitNow now[] = { { .invocation_id = ONE }, { .is_on = true, .invocation_id = TWO } };
        cleanup(arena_donep) Arena arena = { 0 };
        UnitPlan plan;
        assert_int_equal(restore_plan(&arena, before, now, 2, &plan), 0);
        assert_int_equal(plan.n_actions, 2);
        assert_string_equal(plan.actions[0].unit, "came.service");
        assert_string_equal(plan.actions[1].unit, "went.service");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_restore__follows_its_table),
                cmocka_unit_test(test_restore__stops_come_before_starts_whatever_the_order),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
