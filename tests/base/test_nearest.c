/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest.h"
#include "tests/support/cmocka.h"

#include <stdint.h>

static void test_nearest__counts_what_is_replaced_left_out_and_added(void **state) {
        (void) state;
        assert_int_equal(nearest_distance("Bridge", "Bridge"), 0);
        assert_int_equal(nearest_distance("Brdge", "Bridge"), 1);
        assert_int_equal(nearest_distance("Bridges", "Bridge"), 1);
        assert_int_equal(nearest_distance("bridge", "Bridge"), 1);
        assert_int_equal(nearest_distance("Birdge", "Bridge"), 2);
        assert_int_equal(nearest_distance("", "abc"), 3);
        assert_int_equal(nearest_distance("abc", ""), 3);
}

static void test_nearest__a_long_name_is_near_to_nothing(void **state) {
        (void) state;
        static const char name[] = "0123456789012345678901234567890123456789";
        assert_int_equal(nearest_distance(name, name), UINT32_MAX);
        assert_int_equal(nearest_distance(name, "0"), sizeof(name) - 2);
}

static void test_nearest__the_nearest_first_and_each_once(void **state) {
        (void) state;
        static const char *const items[] = { "loop", "dm_log", "dm_mod", "dm_mod", "dm_crypt" };
        cleanup_strv Strv names = { 0 }, nearest = { 0 }, one = { 0 }, none = { 0 };
        for (size_t i = 0; i < N_ELEMENTS(items); i++)
                assert_int_equal(strv_add(&names, items[i]), 0);
        assert_int_equal(nearest_names("dm_moh", &names, 3, &nearest), 0);
        assert_int_equal(nearest.n_items, 2);
        assert_string_equal(nearest.items[0], "dm_mod");
        assert_string_equal(nearest.items[1], "dm_log");
        assert_int_equal(nearest_names("dm_moh", &names, 1, &one), 0);
        assert_int_equal(one.n_items, 1);
        assert_int_equal(nearest_names("nvidia", &names, 3, &none), 0);
        assert_int_equal(none.n_items, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nearest__counts_what_is_replaced_left_out_and_added),
                cmocka_unit_test(test_nearest__a_long_name_is_near_to_nothing),
                cmocka_unit_test(test_nearest__the_nearest_first_and_each_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
