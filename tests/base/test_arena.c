/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"
#include "tests/support/cmocka.h"

#include <stdint.h>
#include <string.h>

static void test_arena__values_are_zeroed_aligned_and_apart(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        unsigned char *values[4000];
        for (size_t i = 0; i < N_ELEMENTS(values); i++) {
                size_t size = i % 97 + 1;
                values[i] = arena_alloc(&arena, size);
                assert_non_null(values[i]);
                assert_int_equal((uintptr_t) values[i] % 16, 0);
                for (size_t j = 0; j < size; j++)
                        assert_int_equal(values[i][j], 0);
                memset(values[i], (int) (i % 251), size);
        }
        for (size_t i = 0; i < N_ELEMENTS(values); i++)
                for (size_t j = 0; j < i % 97 + 1; j++)
                        assert_int_equal(values[i][j], i % 251);
}

static void test_arena__large_values(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        for (size_t size = 1024; size <= 16 * 1024 * 1024; size *= 4) {
                char *large = arena_alloc(&arena, size);
                char *small = arena_alloc(&arena, 16);
                assert_non_null(large);
                assert_non_null(small);
                memset(large, 1, size);
                memset(small, 2, 16);
                assert_int_equal(large[size - 1], 1);
        }
}

static void test_arena__refuses_what_cannot_be(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        assert_null(arena_alloc(&arena, SIZE_MAX));
        assert_null(arena_grow(&arena, NULL, 0, SIZE_MAX / 2, 16));
}

static void test_arena__copies_text(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        assert_string_equal(arena_strdup(&arena, ""), "");
        assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
        assert_string_equal(arena_printf(&arena, "%s-%d", "a", 7), "a-7");
        const int numbers[] = { 1, 2 };
        int *grown = arena_grow(&arena, numbers, 2, 4, sizeof(int));
        assert_non_null(grown);
        assert_int_equal(grown[1], 2);
        assert_int_equal(grown[3], 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arena__values_are_zeroed_aligned_and_apart),
                cmocka_unit_test(test_arena__large_values),
                cmocka_unit_test(test_arena__refuses_what_cannot_be),
                cmocka_unit_test(test_arena__copies_text),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
