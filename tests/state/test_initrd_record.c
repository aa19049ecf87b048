/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/initrd_record.h"

#include "state/record.h"
#include "tests/state/scratch.h"

/* A switch that made the initrd with these, and ended so. */
static void make(ScratchDatabase *fixture, const char *modules, SwitchState end) {
        Error error;
        SwitchRecord record = { .state = SWITCH_INTENT,
                .profile = "system",
                .verb = "switch",
                .user = "root",
                .started_usec = 1,
                .exit_status = -1 };
        assert_ok(database_begin(fixture->database, &error));
        assert_ok(record_begin(fixture->database, &record, NULL, 0, &error));
        assert_ok(initrd_record_put(fixture->database, "6.1", record.id, modules, &error));
        record.state = end;
        record.ended_usec = 2;
        record.exit_status = 0;
        assert_ok(record_finish(fixture->database, &record, NULL, 0, &error));
        assert_ok(database_commit(fixture->database, &error));
}

static void is_made_with(ScratchDatabase *fixture, const char *kernel, const char *want) {
        Error error;
        const char *modules = NULL;
        assert_ok(initrd_record_load(fixture->database, kernel, &fixture->arena, &modules, &error));
        assert_string_equal(modules, want);
}

static void test_initrd_record__the_last_committed_one_counts(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        assert_int_equal(initrd_record_is_there(fixture->database, &error), 0);
        is_made_with(fixture, "6.1", "");
        make(fixture, "have a\n", SWITCH_UNDONE);
        is_made_with(fixture, "6.1", "");
        make(fixture, "have a\n", SWITCH_COMMITTED);
        is_made_with(fixture, "6.1", "have a\n");
        is_made_with(fixture, "6.2", "");
        make(fixture, "have b\n", SWITCH_UNDONE);
        is_made_with(fixture, "6.1", "have a\n");
        make(fixture, "have c\n", SWITCH_COMMITTED);
        is_made_with(fixture, "6.1", "have c\n");
        make(fixture, "", SWITCH_COMMITTED);
        is_made_with(fixture, "6.1", "");
        assert_int_equal(initrd_record_is_there(fixture->database, &error), 1);
}

static void test_initrd_record__what_was_found_counts_at_once(void **state) {
        ScratchDatabase *fixture = *state;
        Error error;
        assert_ok(initrd_record_put_found(fixture->database, "6.1", "have a\n", &error));
        is_made_with(fixture, "6.1", ""); /* by a switch that nobody committed */
        make(fixture, "have a\n", SWITCH_COMMITTED);
        make(fixture, "have b\n", SWITCH_UNDONE);
        assert_ok(initrd_record_put_found(fixture->database, "6.1", "have c\n", &error));
        is_made_with(fixture, "6.1", "have c\n");
        assert_ok(initrd_record_put_found(fixture->database, "6.2", "have d\n", &error));
        is_made_with(fixture, "6.2", "have d\n");
        make(fixture, "have e\n", SWITCH_UNDONE);
        is_made_with(fixture, "6.1", "have c\n");
        make(fixture, "have f\n", SWITCH_COMMITTED);
        is_made_with(fixture, "6.1", "have f\n");
        is_made_with(fixture, "6.2", "have d\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_initrd_record__the_last_committed_one_counts,
                                scratch_database_setup, scratch_database_teardown),
                cmocka_unit_test_setup_teardown(test_initrd_record__what_was_found_counts_at_once,
                                scratch_database_setup, scratch_database_teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
