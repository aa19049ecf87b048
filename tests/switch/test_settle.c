/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a commit owes whose record was ended late, on a host with a manager that answers. */

#include "switch/settle.h"

#include "activate/connection.h"
#include "state/debt.h"
#include "tests/support/cmocka.h"
#include "tests/support/fake_manager.h"

#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

enum { NOBODY_HERE = 1999999999 }; /* a user without a manager */

typedef struct World {
        char directory[64];
        FakeManager *fake;
        Host host;
        SwitchRecord record;
        Arena arena;
        Debt *debts;
        size_t n_debts;
} World;

static void world_init(World *world, FakeUnit *units, size_t n_units) {
        Error error = { 0 };
        *world = (World){ .directory = "/tmp/test-settle-XXXXXX" };
        assert_non_null(mkdtemp(world->directory));
        cleanup_free char *etc = NULL;
        assert_true(asprintf(&etc, "%s/etc", world->directory) > 0);
        assert_int_equal(mkdir(etc, 0755), 0);
        assert_int_equal(host_open(world->directory, "system", DATABASE_READ, &world->host, &error),
                        0);
        assert_int_equal(host_lock(&world->host, "test", &error), 0);
        assert_int_equal(host_make_writable(&world->host, &error), 0);
        world->fake = fake_manager_new(&(FakeOptions){ .units = units, .n_units = n_units });
        assert_int_equal(connection_open(fake_manager_address(world->fake), geteuid(), false,
                                         &world->host.systemd, &error),
                        0);
        assert_int_equal(database_begin(world->host.database, &error), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *position) {
        (void) status;
        (void) kind;
        (void) position;
        return remove(path);
}

static void world_done(World *world) {
        host_done(&world->host);
        fake_manager_free(world->fake);
        arena_done(&world->arena);
        assert_int_equal(nftw(world->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void settle(World *world, const SwitchActionRecord *actions, size_t n_actions) {
        Error error = { 0 };
        world->record = (SwitchRecord){ .state = SWITCH_STAGED,
                .profile = "system",
                .verb = "switch",
                .user = "root",
                .started_usec = 7,
                .exit_status = -1 };
        Database *database = world->host.database;
        assert_int_equal(record_begin(database, &world->record, actions, n_actions, &error), 0);
        assert_int_equal(settle_late(&world->host, &world->record, &error), 0);
        assert_int_equal(debt_load(database, "system", &world->arena, &world->debts,
                                         &world->n_debts, &error),
                        0);
}

static void expect(const World *world, size_t nth, const char *unit, Verb verb, DebtCause cause) {
        const Debt *debt = &world->debts[nth];
        assert_string_equal(debt->unit, unit);
        assert_int_equal(debt->verb, verb);
        assert_int_equal(debt->cause, cause);
        assert_int_equal(debt->since_usec, 7);
        assert_int_equal(debt->switch_id, world->record.id);
}

static void test_settle__a_late_commit_owes_what_it_may_not_have_done(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "container-web.service", .active_state = "active" },
                { .name = "down.service" }, { .name = "ends.service", .active_state = "active" },
                { .name = "reloaded.service", .active_state = "active" },
                { .name = "restarted.service", .active_state = "active" },
                { .name = "skipped.service", .active_state = "active" },
                { .name = "stopped.service", .active_state = "active" },
                { .name = "up.service", .active_state = "active" } };
        const SwitchActionRecord actions[] = {
                { .sequence = 0, .unit = "stopped.service", .uid = UINT32_MAX, .verb = VERB_STOP },
                { .sequence = 1, .unit = "down.service", .uid = UINT32_MAX, .verb = VERB_STOP },
                { .sequence = 2,
                                .unit = "reloaded.service",
                                .uid = UINT32_MAX,
                                .verb = VERB_RELOAD },
                { .sequence = 3,
                                .unit = "restarted.service",
                                .uid = UINT32_MAX,
                                .verb = VERB_RESTART,
                                .reason = "units/restarted.service changed" },
                { .sequence = 4, .unit = "up.service", .uid = UINT32_MAX, .verb = VERB_START },
                { .sequence = 5, .unit = "stopped.service", .uid = UINT32_MAX, .verb = VERB_START },
                { .sequence = 6,
                                .unit = "skipped.service",
                                .uid = UINT32_MAX,
                                .verb = VERB_SKIP,
                                .owes = "restart" },
                { .sequence = 7,
                                .unit = "container-web.service",
                                .uid = UINT32_MAX,
                                .verb = VERB_SKIP,
                                .owes = "reload" },
                { .sequence = 8, .unit = "ends.service", .uid = UINT32_MAX, .verb = VERB_SKIP },
                { .sequence = 9,
                                .unit = "restarted.service",
                                .uid = NOBODY_HERE,
                                .verb = VERB_RESTART },
        };
        World world;
        world_init(&world, units, N_ELEMENTS(units));
        settle(&world, actions, N_ELEMENTS(actions));
        assert_int_equal(world.n_debts, 5);
        expect(&world, 0, "container-web.service", VERB_RELOAD, DEBT_SKIPPED);
        expect(&world, 1, "reloaded.service", VERB_RELOAD, DEBT_FAILED);
        expect(&world, 2, "restarted.service", VERB_RESTART, DEBT_FAILED);
        expect(&world, 3, "skipped.service", VERB_RESTART, DEBT_SKIPPED);
        expect(&world, 4, "stopped.service", VERB_RESTART, DEBT_FAILED);
        assert_string_equal(world.debts[2].reason, "units/restarted.service changed");
        world_done(&world);
}

/* Each debt is of the run that was found: whoever starts another one pays it. */
static void test_settle__a_restart_by_hand_pays_a_late_commit(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.service", .active_state = "active" } };
        const SwitchActionRecord actions[] = {
                { .unit = "a.service", .uid = UINT32_MAX, .verb = VERB_RESTART }
        };
        World world;
        world_init(&world, units, N_ELEMENTS(units));
        settle(&world, actions, N_ELEMENTS(actions));
        assert_int_equal(world.n_debts, 1);
        assert_int_equal(strlen(world.debts[0].invocation_id), 32);
        world_done(&world);
}

/* An image, or a host that is not asked: everything is owed. */
static void test_settle__without_a_manager_everything_is_owed(void **state) {
        (void) state;
        const SwitchActionRecord actions[] = {
                { .unit = "a.service", .uid = UINT32_MAX, .verb = VERB_START }
        };
        World world;
        world_init(&world, NULL, 0);
        world.host.systemd = systemd_close(world.host.systemd);
        settle(&world, actions, N_ELEMENTS(actions));
        assert_int_equal(world.n_debts, 1);
        expect(&world, 0, "a.service", VERB_START, DEBT_FAILED);
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_settle__a_late_commit_owes_what_it_may_not_have_done),
                cmocka_unit_test(test_settle__a_restart_by_hand_pays_a_late_commit),
                cmocka_unit_test(test_settle__without_a_manager_everything_is_owed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
