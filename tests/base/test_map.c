/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/map.h"
#include "tests/support/cmocka.h"

#include <stdio.h>

enum { N_KEYS = 5000 };

static void test_map__finds_what_was_put(void **state) {
        (void) state;
        cleanup(map_donep) Map map = { 0 };
        static char keys[N_KEYS][24];
        for (size_t i = 0; i < N_KEYS; i++) {
                (void) snprintf(keys[i], sizeof(keys[i]), "unit-%zu.service", i);
                assert_int_equal(map_put(&map, keys[i], keys[i]), 0);
        }
        assert_int_equal(map.n_items, N_KEYS);
        for (size_t i = 0; i < N_KEYS; i++)
                assert_ptr_equal(map_get(&map, keys[i]), keys[i]);
        assert_null(map_get(&map, "unit-5000.service"));
        assert_null(map_get_n(&map, "unit-1.service", 5));
        assert_ptr_equal(map_get_n(&map, "unit-1.service.d", 14), keys[1]);
}

static void test_map__replaces(void **state) {
        (void) state;
        cleanup(map_donep) Map map = { 0 };
        int first, second;
        assert_int_equal(map_put(&map, "a", &first), 0);
        assert_int_equal(map_put(&map, "a", &second), 0);
        assert_int_equal(map.n_items, 1);
        assert_ptr_equal(map_get(&map, "a"), &second);
}

static void test_map__keys_may_hold_any_bytes(void **state) {
        (void) state;
        cleanup(map_donep) Map map = { 0 };
        int first, second;
        assert_int_equal(map_put_n(&map, "\0a", 2, &first), 0);
        assert_int_equal(map_put_n(&map, "\0b", 2, &second), 0);
        assert_ptr_equal(map_get_n(&map, "\0a", 2), &first);
        assert_ptr_equal(map_get_n(&map, "\0b", 2), &second);
        assert_null(map_get_n(&map, "\0", 1));
}

static void test_map__walks_everything_once(void **state) {
        (void) state;
        cleanup(map_donep) Map map = { 0 };
        int seen[3] = { 0 };
        assert_int_equal(map_put(&map, "a", &seen[0]), 0);
        assert_int_equal(map_put(&map, "b", &seen[1]), 0);
        assert_int_equal(map_put(&map, "c", &seen[2]), 0);
        size_t position = 0;
        const char *key;
        for (int *value; (value = map_next(&map, &position, &key));) {
                assert_ptr_equal(value, &seen[key[0] - 'a']);
                ++*value;
        }
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(seen[i], 1);
}

static void test_map__empty(void **state) {
        (void) state;
        const Map map = { 0 };
        size_t position = 0;
        assert_null(map_get(&map, "a"));
        assert_null(map_next(&map, &position, NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_map__finds_what_was_put),
                cmocka_unit_test(test_map__replaces),
                cmocka_unit_test(test_map__keys_may_hold_any_bytes),
                cmocka_unit_test(test_map__walks_everything_once),
                cmocka_unit_test(test_map__empty),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
