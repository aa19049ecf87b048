/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/debt.h"
#include "state/record.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <string.h>

static const SwitchActionRecord planned[] = {
        { .sequence = 0,
                        .unit = "a.service",
                        .uid = UINT32_MAX,
                        .verb = VERB_STOP,
                        .reason = "removed",
                        .before_state = "active" },
        { .sequence = 1,
                        .unit = "b@x.service",
                        .uid = 1000,
                        .verb = VERB_RESTART,
                        .reason = "text ← /etc/b" },
        { .sequence = 2, .unit = "c.service", .uid = UINT32_MAX, .verb = VERB_SKIP },
};

static SwitchRecord begin(ScratchDatabase *fixture) {
        Error error;
        SwitchRecord record = {
                .state = SWITCH_INTENT,
                .profile = "system",
                .verb = "switch",
                .from_number = 3,
                .to_number = 4,
                .origin = "/srv/a",
                .commit = "0123",
                .is_dirty = true,
                .user = "root",
                .started_usec = 1700000000000001,
                .exit_status = -1,
                .plan_json = "{\"plan\":1}",
        };
        assert_ok(record_begin(fixture->database, &record, planned, N_ELEMENTS(planned), &error));
        assert_true(record.id > 0);
        return record;
}

static SwitchRecord get(ScratchDatabase *fixture, int64_t id) {
        Error error;
        SwitchRecord record = { 0 };
        assert_ok(record_get(fixture->database, id, &fixture->arena, &record, &error));
        return record;
}

static void test_record__of_an_intent(void **state) {
        ScratchDatabase *fixture = *state;
        SwitchRecord given = begin(fixture), record = get(fixture, given.id);
        assert_int_equal(record.state, SWITCH_INTENT);
        assert_string_equal(record.profile, "system");
        assert_string_equal(record.verb, "switch");
        assert_int_equal(record.from_number, 3);
        assert_int_equal(record.to_number, 4);
        assert_string_equal(record.origin, "/srv/a");
        assert_string_equal(record.commit, "0123");
        assert_true(record.is_dirty);
        assert_string_equal(record.user, "root");
        assert_int_equal(record.started_usec, 1700000000000001);
        assert_int_equal(record.ended_usec, 0);
        assert_int_equal(record.exit_status, -1);
        assert_null(record.message);
        assert_string_equal(record.plan_json, "{\"plan\":1}");
        assert_int_equal(record.n_actions, N_ELEMENTS(planned));
        assert_int_equal(record.n_failed, 0);
}

static void assert_string_or_null(const char *have, const char *wanted) {
        if (wanted)
                assert_string_equal(have, wanted);
        else
                assert_null(have);
}

static void assert_actions(ScratchDatabase *fixture, int64_t id, const SwitchActionRecord *wanted) {
        Error error;
        SwitchActionRecord *actions = NULL;
        size_t n_actions = 0;
        assert_ok(record_actions(
                        fixture->database, id, &fixture->arena, &actions, &n_actions, &error));
        assert_int_equal(n_actions, N_ELEMENTS(planned));
        for (size_t i = 0; i < n_actions; i++) {
                assert_int_equal(actions[i].sequence, wanted[i].sequence);
                assert_int_equal(actions[i].uid, wanted[i].uid);
                assert_int_equal(actions[i].verb, wanted[i].verb);
                assert_int_equal(actions[i].duration_usec, wanted[i].duration_usec);
                assert_string_equal(actions[i].unit, wanted[i].unit);
                assert_string_or_null(actions[i].reason, wanted[i].reason);
                assert_string_or_null(actions[i].outcome, wanted[i].outcome);
                assert_string_or_null(actions[i].before_state, wanted[i].before_state);
        }
}

static void test_record__from_intent_to_commit(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        SwitchRecord given = begin(fixture);
        assert_actions(fixture, given.id, planned);
        assert_ok(record_set_state(fixture->database, given.id, SWITCH_STAGED, &error));
        assert_int_equal(get(fixture, given.id).state, SWITCH_STAGED);
        SwitchActionRecord done[N_ELEMENTS(planned)];
        memcpy(done, planned, sizeof(done));
        done[0].outcome = "done";
        done[1].outcome = "failed";
        done[1].before_state = "activating";
        done[1].duration_usec = 1500000;
        given.state = SWITCH_COMMITTED;
        given.ended_usec = 1700000000000002;
        given.exit_status = 4;
        given.n_failed = 1;
        given.plan_json = NULL; /* stays as it was */
        assert_ok(record_finish(fixture->database, &given, done, N_ELEMENTS(done), &error));
        SwitchRecord record = get(fixture, given.id);
        assert_int_equal(record.state, SWITCH_COMMITTED);
        assert_int_equal(record.ended_usec, 1700000000000002);
        assert_int_equal(record.exit_status, 4);
        assert_int_equal(record.n_failed, 1);
        assert_string_equal(record.plan_json, "{\"plan\":1}");
        assert_actions(fixture, given.id, done);
}

static void test_record__what_ended_is_never_changed(void **state) {
        static const SwitchState ends[] = { SWITCH_COMMITTED, SWITCH_UNDONE };
        ScratchDatabase *fixture = *state;
        Error error;
        for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
                SwitchRecord given = begin(fixture);
                given.state = ends[i];
                given.ended_usec = 1;
                given.message = "as it was";
                assert_ok(record_finish(fixture->database, &given, NULL, 0, &error));
                for (SwitchState other = SWITCH_INTENT; other <= SWITCH_UNDONE; other++) {
                        assert_error(record_set_state(fixture->database, given.id, other, &error),
                                        -EINVAL);
                        given.state = other;
                        given.message = "another";
                        assert_error(record_finish(fixture->database, &given, NULL, 0, &error),
                                        -EINVAL);
                }
                assert_int_equal(get(fixture, given.id).state, ends[i]);
                assert_string_equal(get(fixture, given.id).message, "as it was");
        }
        assert_error(record_set_state(fixture->database, 99, SWITCH_STAGED, &error), -EINVAL);
        SwitchRecord none = { 0 };
        assert_error(record_get(fixture->database, 99, &fixture->arena, &none, &error), -ENOENT);
}

static void test_record__a_commit_may_be_told_in_two_steps(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        SwitchRecord given = begin(fixture);
        assert_ok(record_set_state(fixture->database, given.id, SWITCH_COMMITTED, &error));
        given.ended_usec = 1;
        given.state = SWITCH_UNDONE;
        assert_error(record_finish(fixture->database, &given, NULL, 0, &error), -EINVAL);
        given.state = SWITCH_COMMITTED;
        assert_ok(record_finish(fixture->database, &given, NULL, 0, &error));
}

static int open_switch(ScratchDatabase *fixture, SwitchRecord *ret_record) {
        Error error;
        int r = record_open_switch(fixture->database, &fixture->arena, ret_record, &error);
        assert_ok(r);
        return r;
}

static void test_record__the_open_switch_is_the_newest_open_one(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        SwitchRecord open = { 0 };
        assert_int_equal(open_switch(fixture, &open), 0);
        SwitchRecord first = begin(fixture), second = begin(fixture), third = begin(fixture);
        third.state = SWITCH_UNDONE;
        third.ended_usec = 1;
        assert_ok(record_finish(fixture->database, &third, NULL, 0, &error));
        assert_ok(record_set_state(fixture->database, second.id, SWITCH_STAGED, &error));
        assert_int_equal(open_switch(fixture, &open), 1);
        assert_int_equal(open.id, second.id);
        assert_int_equal(open.state, SWITCH_STAGED);
        assert_string_equal(open.profile, "system");
        second.state = SWITCH_COMMITTED;
        second.ended_usec = 1;
        assert_ok(record_finish(fixture->database, &second, NULL, 0, &error));
        assert_int_equal(open_switch(fixture, &open), 1);
        assert_int_equal(open.id, first.id);
}

static void test_record_list__newest_first(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        int64_t ids[20];
        for (size_t i = 0; i < N_ELEMENTS(ids); i++)
                ids[i] = begin(fixture).id;
        static const size_t limits[] = { 0, 1, 3, 20, 100 };
        for (size_t k = 0; k < N_ELEMENTS(limits); k++) {
                SwitchRecord *records = NULL;
                size_t n_records = 0, n_wanted = limits[k] == 0 || limits[k] > 20 ? 20 : limits[k];
                assert_ok(record_list(fixture->database, "system", limits[k], &fixture->arena,
                                &records, &n_records, &error));
                assert_int_equal(n_records, n_wanted);
                for (size_t i = 0; i < n_records; i++) {
                        assert_int_equal(records[i].id, ids[19 - i]);
                        assert_null(records[i].plan_json);
                        assert_string_equal(records[i].origin, "/srv/a");
                }
        }
}

/* Debt. */

static Debt make_debt(const char *unit, uint32_t uid) {
        return (Debt){ .unit = unit,
                .uid = uid,
                .verb = VERB_RESTART,
                .cause = DEBT_FAILED,
                .reason = "text",
                .invocation_id = "",
                .since_usec = 500 };
}

static size_t load_debts(ScratchDatabase *fixture, const char *profile, Debt **ret_debts) {
        Error error;
        size_t n_debts = 0;
        *ret_debts = NULL;
        assert_ok(debt_load(
                        fixture->database, profile, &fixture->arena, ret_debts, &n_debts, &error));
        return n_debts;
}

static void test_debt__newest_reason_and_oldest_since(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        int64_t switch_id = begin(fixture).id;
        Debt debt = make_debt("a.service", UINT32_MAX), *debts;
        assert_ok(debt_put(fixture->database, "system", &debt, &error));
        debt = (Debt){ .unit = "a.service",
                .uid = UINT32_MAX,
                .verb = VERB_RELOAD,
                .cause = DEBT_TIMEOUT,
                .reason = "trigger",
                .invocation_id = "beef",
                .since_usec = 900,
                .switch_id = switch_id };
        assert_ok(debt_put(fixture->database, "system", &debt, &error));
        assert_int_equal(load_debts(fixture, "system", &debts), 1);
        assert_string_equal(debts[0].unit, "a.service");
        assert_int_equal(debts[0].uid, UINT32_MAX);
        assert_int_equal(debts[0].verb, VERB_RELOAD);
        assert_int_equal(debts[0].cause, DEBT_TIMEOUT);
        assert_string_equal(debts[0].reason, "trigger");
        assert_string_equal(debts[0].invocation_id, "beef");
        assert_int_equal(debts[0].since_usec, 500);
        assert_int_equal(debts[0].switch_id, switch_id);
}

static void test_debt__one_for_each_unit_of_each_manager(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        const Debt given[] = { make_debt("b.service", 1000), make_debt("b.service", UINT32_MAX),
                make_debt("a.service", 1000), make_debt("a.service", UINT32_MAX) };
        for (size_t i = 0; i < N_ELEMENTS(given); i++)
                assert_ok(debt_put(fixture->database, "system", &given[i], &error));
        assert_ok(debt_put(fixture->database, "other", &given[0], &error));
        Debt *debts;
        assert_int_equal(load_debts(fixture, "system", &debts), 4);
        static const size_t order[] = { 3, 1, 2, 0 }; /* the system manager's first, by name */
        for (size_t i = 0; i < 4; i++) {
                assert_string_equal(debts[i].unit, given[order[i]].unit);
                assert_int_equal(debts[i].uid, given[order[i]].uid);
        }
        assert_ok(debt_clear(fixture->database, "system", "a.service", 1000, &error));
        assert_ok(debt_clear(fixture->database, "system", "never.service", 1000, &error));
        assert_int_equal(load_debts(fixture, "system", &debts), 3);
        assert_string_equal(debts[2].unit, "b.service");
        assert_int_equal(load_debts(fixture, "other", &debts), 1);
        assert_int_equal(load_debts(fixture, "none", &debts), 0);
}

static void test_debt__every_verb_and_cause_comes_back(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        for (Verb verb = 0; verb < N_VERBS; verb++)
                for (DebtCause cause = DEBT_SKIPPED; cause <= DEBT_HELD_DOWN; cause++) {
                        Debt given = make_debt("a.service", 0), *debts;
                        given.verb = verb;
                        given.cause = cause;
                        assert_ok(debt_put(fixture->database, "system", &given, &error));
                        assert_int_equal(load_debts(fixture, "system", &debts), 1);
                        assert_int_equal(debts[0].verb, verb);
                        assert_int_equal(debts[0].cause, cause);
                }
}

#define FIXTURE_TEST(function)                                                                     \
        cmocka_unit_test_setup_teardown(function, scratch_database_setup, scratch_database_teardown)

static void test_record_hold__stays_open_and_is_known(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        SwitchRecord given = begin(fixture), open = { 0 };
        given.exit_status = 4;
        given.confirm_by_usec = 1234;
        assert_error(record_hold(fixture->database, &given, NULL, 0, &error), -EINVAL);
        assert_ok(record_set_state(fixture->database, given.id, SWITCH_STAGED, &error));
        assert_ok(record_hold(fixture->database, &given, NULL, 0, &error));
        assert_int_equal(open_switch(fixture, &open), 1);
        assert_int_equal(open.id, given.id);
        assert_int_equal(open.state, SWITCH_STAGED);
        assert_int_equal(open.exit_status, 4);
        assert_int_equal(open.confirm_by_usec, 1234);
        assert_ok(record_end_hold(fixture->database, given.id, &error));
        assert_int_equal(open_switch(fixture, &open), 1);
        assert_int_equal(open.confirm_by_usec, 0);
        open.state = SWITCH_COMMITTED;
        open.ended_usec = 1;
        assert_ok(record_finish(fixture->database, &open, NULL, 0, &error));
        assert_int_equal(open_switch(fixture, &open), 0);
}

static void test_debt_undo__takes_what_the_switch_made(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        SwitchRecord given = begin(fixture);
        Debt made = make_debt("made.service", UINT32_MAX), renewed = make_debt("old.service", 7);
        renewed.since_usec = given.started_usec - 1;
        assert_ok(debt_put(fixture->database, "system", &renewed, &error));
        made.switch_id = renewed.switch_id = given.id;
        made.since_usec = renewed.since_usec = given.started_usec;
        assert_ok(debt_put(fixture->database, "system", &made, &error));
        assert_ok(debt_put(fixture->database, "system", &renewed, &error));
        assert_ok(debt_undo(fixture->database, given.id, &error));
        Debt *debts;
        assert_int_equal(load_debts(fixture, "system", &debts), 1);
        assert_string_equal(debts[0].unit, "old.service");
}

static void test_record__was_at_work_from_its_start_to_its_end(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        const uint64_t start = 1700000000000001;
        SwitchRecord record = begin(fixture);
        assert_int_equal(record_was_at_work(fixture->database, start - 1, &error), 0);
        assert_int_equal(record_was_at_work(fixture->database, start, &error), 1);
        assert_int_equal(record_was_at_work(fixture->database, start + 100, &error), 1);
        record.state = SWITCH_COMMITTED;
        record.ended_usec = start + 10;
        record.exit_status = 0;
        assert_ok(record_finish(fixture->database, &record, NULL, 0, &error));
        assert_int_equal(record_was_at_work(fixture->database, start + 10, &error), 1);
        assert_int_equal(record_was_at_work(fixture->database, start + 11, &error), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_record__of_an_intent),
                FIXTURE_TEST(test_record__from_intent_to_commit),
                FIXTURE_TEST(test_record__what_ended_is_never_changed),
                FIXTURE_TEST(test_record__a_commit_may_be_told_in_two_steps),
                FIXTURE_TEST(test_record__the_open_switch_is_the_newest_open_one),
                FIXTURE_TEST(test_record__was_at_work_from_its_start_to_its_end),
                FIXTURE_TEST(test_record_list__newest_first),
                FIXTURE_TEST(test_debt__newest_reason_and_oldest_since),
                FIXTURE_TEST(test_debt__one_for_each_unit_of_each_manager),
                FIXTURE_TEST(test_record_hold__stays_open_and_is_known),
                FIXTURE_TEST(test_debt_undo__takes_what_the_switch_made),
                FIXTURE_TEST(test_debt__every_verb_and_cause_comes_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
