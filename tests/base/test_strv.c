/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strv.h"
#include "tests/support/cmocka.h"

static void test_strv__grows_and_ends_with_null(void **state) {
        (void) state;
        cleanup_strv Strv strv = { 0 };
        for (int i = 0; i < 100; i++) {
                assert_int_equal(strv_add(&strv, i % 2 ? "b" : "a"), 0);
                assert_null(strv.items[strv.n_items]);
        }
        assert_int_equal(strv.n_items, 100);
        assert_string_equal(strv.items[99], "b");
}

static void test_strv__unique_sorted(void **state) {
        (void) state;
        cleanup_strv Strv strv = { 0 };
        assert_int_equal(strv_add_unique(&strv, "b"), 1);
        assert_int_equal(strv_add_unique(&strv, "a"), 1);
        assert_int_equal(strv_add_unique(&strv, "b"), 0);
        assert_int_equal(strv_add_n(&strv, "abc", 2), 0);
        strv_sort(&strv);
        assert_string_equal(strv.items[0], "a");
        assert_string_equal(strv.items[1], "ab");
        assert_string_equal(strv.items[2], "b");
        assert_true(strv_has(&strv, "ab"));
        assert_false(strv_has(&strv, "abc"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_strv__grows_and_ends_with_null),
                cmocka_unit_test(test_strv__unique_sorted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
