/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/path.h"
#include "tests/support/cmocka.h"

static void test_path__is_normalized(void **state) {
        (void) state;
        static const char *const rows[][2] = {
                { "", "" },
                { ".", "" },
                { "/", "/" },
                { "//a//./b/", "/a/b" },
                { "/../a", "/a" },
                { "a/../b", "b" },
                { "a/..", "" },
                { "a/b/../../c", "c" },
                { "../a", "../a" },
                { "a/../../b", "../b" },
                { "../../a/../b", "../../b" },
                { "/a/b/../..", "/" },
                { "..a/.b", "..a/.b" },
                { "a../..", "" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                cleanup_free char *path = path_normalize(rows[i][0]);
                assert_string_equal(path, rows[i][1]);
        }
}

static void test_path__leads_from_one_place_to_another(void **state) {
        (void) state;
        static const char *const rows[][3] = {
                { "", "", "" },
                { "", "a/b", "a/b" },
                { "a", "a", "" },
                { "a", "a/b", "b" },
                { "a/b", "a", ".." },
                { "a", "ab", "../ab" },
                { "hosts/edge1", "roles/common", "../../roles/common" },
                { "hosts/edge1", "hosts/edge2", "../edge2" },
                { "/srv/hosts/a", "/srv/roles/b", "../../roles/b" },
                { "/", "/a", "a" },
                { "/a", "/", ".." },
                { "containers/web", "../../roles/web", "../../../../roles/web" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                cleanup_free char *path = path_from(rows[i][0], rows[i][1]);
                assert_string_equal(path, rows[i][2]);
        }
}

static void test_path__is_below(void **state) {
        (void) state;
        assert_true(path_is_below("a/b", "a"));
        assert_true(path_is_below("a", "a"));
        assert_false(path_is_below("ab", "a"));
        assert_true(path_is_below("a", ""));
        assert_true(path_is_below("..a", ""));
        assert_false(path_is_below("../a", ""));
        assert_true(path_is_below("/a", "/"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_path__is_normalized),
                cmocka_unit_test(test_path__leads_from_one_place_to_another),
                cmocka_unit_test(test_path__is_below),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
