/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/connection.h"
#include "activate/systemd.h"
#include "tests/support/cmocka.h"
#include "tests/support/fake_manager.h"

#include <errno.h>
#include <string.h>

typedef struct World {
        FakeManager *fake;
        Systemd *systemd;
        UnitStates *states;
        Strv names, patterns;
} World;

static void world_init(World *world, const FakeOptions *options) {
        Error error;
        *world = (World){ 0 };
        world->fake = fake_manager_new(options);
        int r = connection_open(fake_manager_address(world->fake), getuid(), false, &world->systemd,
                        &error);
        if (r < 0)
                fail_msg("%s", error.message);
        world->states = unit_states_new();
        assert_non_null(world->states);
}

static void world_done(World *world) {
        strv_done(&world->names);
        strv_done(&world->patterns);
        unit_states_free(world->states);
        systemd_close(world->systemd);
        fake_manager_free(world->fake);
}

static void read_states(World *world) {
        Error error;
        int r = systemd_read_states(
                        world->systemd, &world->names, &world->patterns, world->states, &error);
        if (r < 0)
                fail_msg("%s", error.message);
}

static void test_systemd__no_socket_is_enoent(void **state) {
        (void) state;
        Error error;
        Systemd *systemd = NULL;
        assert_int_equal(connection_open("unix:path=/nonexistent/private", 0, false, &systemd,
                                         &error),
                        -ENOENT);
        assert_null(systemd);
        assert_string_equal(error.message, "Connecting to systemd: No such file or directory");
}

/* A user could put a socket of anybody's where his manager's is looked for. */
static void test_systemd__what_another_user_listens_at_is_refused(void **state) {
        (void) state;
        Error error;
        Systemd *systemd = NULL;
        FakeManager *fake = fake_manager_new(&(FakeOptions){ 0 });
        int r = connection_open(fake_manager_address(fake), getuid() + 1, true, &systemd, &error);
        assert_int_equal(r, -EPERM);
        assert_null(systemd);
        assert_non_null(strstr(error.message, "another user's"));
        fake_manager_free(fake);
}

static void test_systemd__states_by_name(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .active_state = "active" },
                { .name = "ssh.service", .alias = "sshd.service", .active_state = "failed" },
                { .name = "off.service" },
                { .name = "b.timer", .active_state = "active", .sub_state = "waiting" },
        };
        World world;
        world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) });
        static const char *const names[] = { "a.service", "off.service", "sshd.service",
                "b.timer" };
        for (size_t i = 0; i < N_ELEMENTS(names); i++)
                assert_int_equal(strv_add(&world.names, names[i]), 0);
        read_states(&world);
        assert_string_equal(unit_states_find(world.states, "a.service")->active_state, "active");
        assert_string_equal(unit_states_find(world.states, "a.service")->sub_state, "running");
        assert_string_equal(unit_states_find(world.states, "b.timer")->sub_state, "waiting");
        assert_int_equal(unit_states_find(world.states, "a.service")->can_reload, -1);
        assert_false(unit_states_find(world.states, "a.service")->has_relations);
        /* Under the name that it has, and the one that was asked for. */
        assert_string_equal(unit_states_find(world.states, "ssh.service")->active_state, "failed");
        assert_string_equal(unit_states_find(world.states, "sshd.service")->active_state, "failed");
        assert_null(unit_states_find(world.states, "off.service"));
        /* Two questions, whatever the number; what is not loaded is never named in the second. */
        assert_string_equal(fake_manager_calls(world.fake), "ListUnitsByNames\n");
        world_done(&world);
}

static void test_systemd__nothing_loaded_is_nothing_listed(void **state) {
        (void) state;
        World world;
        world_init(&world, &(FakeOptions){ 0 });
        assert_int_equal(strv_add(&world.names, "a.service"), 0);
        read_states(&world);
        assert_null(unit_states_find(world.states, "a.service"));
        assert_string_equal(fake_manager_calls(world.fake), "");
        world_done(&world);
}

static void test_systemd__states_by_pattern(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "app@x.service", .active_state = "active" },
                { .name = "app@y.service", .active_state = "inactive" },
                { .name = "b.service", .active_state = "active" },
        };
        World world;
        world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) });
        assert_int_equal(strv_add(&world.patterns, "app@*.service"), 0);
        read_states(&world);
        assert_int_equal(world.states->by_name.n_items, 2);
        assert_non_null(unit_states_find(world.states, "app@x.service"));
        assert_non_null(unit_states_find(world.states, "app@y.service"));
        world_done(&world);
}

static void test_systemd__many_names_are_one_list(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "n7.service", .active_state = "active" },
                { .name = "other.service", .active_state = "active" },
                { .name = "real.service", .alias = "n9.service", .active_state = "active" },
        };
        World world;
        world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) });
        for (unsigned i = 0; i < 1000; i++) {
                char name[32];
                (void) snprintf(name, sizeof(name), "n%u.service", i); /* fits */
                assert_int_equal(strv_add(&world.names, name), 0);
        }
        read_states(&world);
        assert_string_equal(fake_manager_calls(world.fake), "ListUnits\nListUnitsByNames\n");
        assert_non_null(unit_states_find(world.states, "n7.service"));
        assert_non_null(unit_states_find(world.states, "n9.service"));
        assert_non_null(unit_states_find(world.states, "real.service"));
        assert_null(unit_states_find(world.states, "other.service"));
        world_done(&world);
}

static void test_systemd__relations(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "ssh.service",
                        .alias = "sshd.service",
                        .required_by = "b.service",
                        .active_state = "active" } };
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) });
        assert_int_equal(systemd_read_relations(world.systemd, "ssh.service", world.states, &error),
                        0);
        const UnitState *unit = unit_states_find(world.states, "ssh.service");
        assert_true(unit->has_relations);
        assert_string_equal(unit->active_state, "active");
        assert_string_equal(unit->load_state, "loaded");
        assert_int_equal(unit->can_reload, 1);
        assert_string_equal(unit->names[0], "ssh.service");
        assert_string_equal(unit->names[1], "sshd.service");
        assert_null(unit->names[2]);
        assert_string_equal(unit->required_by[0], "b.service");
        assert_null(unit->required_by[1]);
        assert_null(unit->wants);
        world_done(&world);
}

static void test_systemd__relations_of_several(void **state) {
        (void) state;
        FakeUnit units[] = {
                { .name = "a.service", .required_by = "b.service", .active_state = "active" },
                { .name = "ssh.service", .alias = "sshd.service", .active_state = "failed" },
        };
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) });
        assert_int_equal(strv_add(&world.names, "off.service"), 0);
        assert_int_equal(strv_add(&world.names, "a.service"), 0);
        assert_int_equal(strv_add(&world.names, "sshd.service"), 0);
        assert_int_equal(systemd_read_relations_of(
                                         world.systemd, &world.names, world.states, &error),
                        0);
        const UnitState *off = unit_states_find(world.states, "off.service");
        assert_true(off->has_relations);
        assert_string_equal(off->active_state, "inactive");
        assert_null(off->required_by);
        assert_string_equal(
                        unit_states_find(world.states, "a.service")->required_by[0], "b.service");
        assert_string_equal(unit_states_find(world.states, "ssh.service")->active_state, "failed");
        assert_string_equal(unit_states_find(world.states, "sshd.service")->active_state, "failed");
        assert_true(unit_states_find(world.states, "sshd.service")->has_relations);
        world_done(&world);
}

static void test_systemd__reload_survives_a_new_manager(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .n_drops_at_reload = 2 });
        assert_int_equal(systemd_reload(world.systemd, UINT64_C(10000000), &error), 0);
        assert_string_equal(fake_manager_calls(world.fake), "Reload\nReload\nReload\n");
        world_done(&world);
}

static void test_systemd__reload_does_not_try_for_ever(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .n_drops_at_reload = 100 });
        assert_int_equal(systemd_reload(world.systemd, UINT64_C(10000000), &error), -ECONNRESET);
        assert_string_equal(error.message, "systemd drops the connection instead of reloading");
        world_done(&world);
}

static void test_systemd__reload_has_a_deadline(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .never_replies_to_reload = true });
        assert_int_equal(systemd_reload(world.systemd, UINT64_C(100000), &error), -ETIMEDOUT);
        assert_string_equal(error.message, "systemd does not answer");
        world_done(&world);
}

static void test_systemd__reload_keeps_the_managers_words(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .reload_error = "org.freedesktop.DBus.Error."
                                                           "AccessDenied" });
        assert_int_equal(systemd_reload(world.systemd, UINT64_C(10000000), &error), -EACCES);
        assert_string_equal(error.message, "systemd: Reload: Not now, please "
                                           "(org.freedesktop.DBus.Error.AccessDenied)");
        world_done(&world);
}

static void test_systemd__reexecute_takes_the_new_connection(void **state) {
        (void) state;
        FakeUnit units[] = { { .name = "a.service", .active_state = "active" } };
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) });
        assert_int_equal(systemd_reexecute(world.systemd, UINT64_C(10000000), &error), 0);
        assert_int_equal(strv_add(&world.names, "a.service"), 0);
        read_states(&world);
        assert_non_null(unit_states_find(world.states, "a.service"));
        world_done(&world);
}

static void test_systemd__a_silent_manager_is_given_up(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world, &(FakeOptions){ .never_answers = true });
        assert_true(sd_bus_set_method_call_timeout(world.systemd->bus, UINT64_C(100000)) >= 0);
        assert_int_equal(strv_add(&world.names, "a.service"), 0);
        assert_int_equal(systemd_read_states(world.systemd, &world.names, &world.patterns,
                                         world.states, &error),
                        -ETIMEDOUT);
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_systemd__no_socket_is_enoent),
                cmocka_unit_test(test_systemd__what_another_user_listens_at_is_refused),
                cmocka_unit_test(test_systemd__states_by_name),
                cmocka_unit_test(test_systemd__nothing_loaded_is_nothing_listed),
                cmocka_unit_test(test_systemd__states_by_pattern),
                cmocka_unit_test(test_systemd__many_names_are_one_list),
                cmocka_unit_test(test_systemd__relations),
                cmocka_unit_test(test_systemd__relations_of_several),
                cmocka_unit_test(test_systemd__reload_survives_a_new_manager),
                cmocka_unit_test(test_systemd__reload_does_not_try_for_ever),
                cmocka_unit_test(test_systemd__reload_has_a_deadline),
                cmocka_unit_test(test_systemd__reload_keeps_the_managers_words),
                cmocka_unit_test(test_systemd__reexecute_takes_the_new_connection),
                cmocka_unit_test(test_systemd__a_silent_manager_is_given_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
