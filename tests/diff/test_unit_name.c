/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/cleanup.h"
#include "diff/unit_name.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static void test_unit_name__valid(void **state) {
        (void) state;
        static const char *const valid[] = { "a.service", "foo-bar.socket", "a.b.target",
                "foo@.service", "foo@x.service", "foo@x@y.service", "-.mount",
                "srv-my\\x2ddata.mount", "a:b_c.timer", "foo-.service", "x.device", "x.scope",
                "x.slice", "x.swap", "x.automount", "x.path", ".service.service" };
        static const char *const invalid[] = { "", ".", "a", ".service", "@.service", "@x.service",
                "a.servic", "a.Service", "web server.service", "a/b.service", "a.service ",
                "a*.service", "a%i.service", "\xc3\xa4.service", "a.service.d", "a.conf" };
        for (size_t i = 0; i < N_ELEMENTS(valid); i++)
                if (!unit_name_is_valid(valid[i]))
                        fail_msg("%s", valid[i]);
        for (size_t i = 0; i < N_ELEMENTS(invalid); i++)
                if (unit_name_is_valid(invalid[i]))
                        fail_msg("%s", invalid[i]);
        char name[300];
        memset(name, 'a', sizeof(name));
        memcpy(name + 255 - strlen(".service"), ".service", sizeof(".service"));
        assert_true(unit_name_is_valid(name));
        memset(name, 'a', sizeof(name));
        memcpy(name + 256 - strlen(".service"), ".service", sizeof(".service"));
        assert_false(unit_name_is_valid(name));
}

static void test_unit_name__type(void **state) {
        (void) state;
        for (UnitType type = 0; type < N_UNIT_TYPES; type++) {
                char name[32] = "a.b.";
                (void) strcat(name, unit_type_to_string(type));
                assert_int_equal(unit_name_type(name), type);
        }
        assert_int_equal(unit_name_type("a"), -EINVAL);
        assert_int_equal(unit_name_type("a.services"), -EINVAL);
        assert_int_equal(unit_name_type("a."), -EINVAL);
}

static void test_unit_name__parts(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        assert_true(unit_name_is_template("foo@.service"));
        assert_false(unit_name_is_template("foo@x.service"));
        assert_false(unit_name_is_template("foo.service"));
        assert_true(unit_name_is_instance("foo@x.service"));
        assert_true(unit_name_is_instance("foo@x.y.service"));
        assert_false(unit_name_is_instance("foo@.service"));
        assert_false(unit_name_is_instance("foo.service"));

        assert_string_equal(unit_name_template_of(&arena, "foo@x@y.z.service"), "foo@.service");
        assert_null(unit_name_template_of(&arena, "foo@.service"));
        assert_null(unit_name_template_of(&arena, "foo.service"));

        size_t length = 0;
        const char name[] = "foo@x@y.z.service";
        assert_ptr_equal(unit_name_instance(name, &length), name + 4);
        assert_int_equal(length, 5);
        assert_null(unit_name_instance("foo.service", &length));

        assert_string_equal(unit_name_with_instance(&arena, "foo@.service", "x"), "foo@x.service");
        assert_string_equal(unit_name_with_instance(&arena, "foo@y.service", "x"), "foo@x.service");
        assert_null(unit_name_with_instance(&arena, "foo.service", "x"));

        assert_string_equal(unit_name_with_type(&arena, "foo.bar.service", UNIT_TIMER),
                        "foo.bar.timer");
        assert_string_equal(
                        unit_name_with_type(&arena, "foo@x.service", UNIT_SOCKET), "foo@x.socket");
        assert_null(unit_name_with_type(&arena, "foo", UNIT_SOCKET));
}

/* What systemd-escape --path prints. */
static void test_unit_name__from_path(void **state) {
        (void) state;
        static const struct {
                const char *path, *want;
        } path_rows[] = {
                { "/", "-.mount" },
                { "//", "-.mount" },
                { "/srv", "srv.mount" },
                { "/srv/my data", "srv-my\\x20data.mount" },
                { "//srv//a/./b/", "srv-a-b.mount" },
                { "/a-b/c_d", "a\\x2db-c_d.mount" },
                { "/.hidden/.x", "\\x2ehidden-.x.mount" },
                { "/a\\b", "a\\x5cb.mount" },
                { "/\xc3\xa4", "\\xc3\\xa4.mount" },
                { "/a@b", "a\\x40b.mount" },
        };
        cleanup(arena_donep) Arena arena = { 0 };
        for (size_t i = 0; i < N_ELEMENTS(path_rows); i++)
                assert_string_equal(unit_name_from_path(&arena, path_rows[i].path, UNIT_MOUNT),
                                path_rows[i].want);
        assert_string_equal(unit_name_from_path(&arena, "/dev/sda1", UNIT_SWAP), "dev-sda1.swap");
}

static void test_unit_name__expand(void **state) {
        (void) state;
        static const struct {
                const char *name, *value, *want;
        } expand_rows[] = {
                { "foo.service", "plain", "plain" },
                { "a-b@x-y.service", "%i|%I|%n|%N|%p|%P|%j|%J",
                                "x-y|x/y|a-b@x-y.service|a-b@x-y|a-b|a/b|b|b" },
                { "foo@my\\x20data.service", "/srv/%I", "/srv/my data" },
                { "foo@x\\x2.service", "%I", "x\\x2" },
                { "foo@.service", "<%i>", "<>" },
                { "foo.service", "%i%p%j", "foofoo" },
                { "a-b\\x2dc.mount", "%j %J", "b\\x2dc b-c" },
                { "foo.service", "100%% %H %", "100% %H %" },
                { "foo.service", "%%n", "%n" },
        };
        cleanup(arena_donep) Arena arena = { 0 };
        for (size_t i = 0; i < N_ELEMENTS(expand_rows); i++)
                assert_string_equal(
                                unit_name_expand(&arena, expand_rows[i].name, expand_rows[i].value),
                                expand_rows[i].want);
}

static void test_unit_name__alias(void **state) {
        (void) state;
        static const struct {
                const char *alias, *name;
                bool want;
        } alias_rows[] = {
                { "a.service", "b.service", true },
                { "a.socket", "b.service", false },
                { "a.mount", "b.mount", false },
                { "a.slice", "b.slice", false },
                { "a@.service", "b@.service", true },
                { "a@x.service", "b@x.service", true },
                { "a@x.service", "b@y.service", false },
                { "a@x.service", "b@xy.service", false },
                { "a@x.service", "b@.service", true },
                { "a@.service", "b@x.service", false },
                { "a.service", "b@x.service", false },
                { "a@x.service", "b.service", false },
        };
        for (size_t i = 0; i < N_ELEMENTS(alias_rows); i++)
                if (unit_name_may_alias(alias_rows[i].alias, alias_rows[i].name) !=
                                alias_rows[i].want)
                        fail_msg("%s, %s", alias_rows[i].alias, alias_rows[i].name);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_name__valid),
                cmocka_unit_test(test_unit_name__type),
                cmocka_unit_test(test_unit_name__parts),
                cmocka_unit_test(test_unit_name__from_path),
                cmocka_unit_test(test_unit_name__expand),
                cmocka_unit_test(test_unit_name__alias),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
