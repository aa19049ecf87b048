/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/source.h"
#include "tests/support/cmocka.h"

#include <string.h>

static void add(Source *source, const char *path, const char *target) {
        const SourceEntry entry = { .path = path, .kind = SOURCE_LINK, .target = target };
        assert_int_equal(source_add(source, &entry), 0);
}

static void test_source__is_sorted_and_searched(void **state) {
        (void) state;
        cleanup(source_freep) Source *source = source_new("host");
        assert_null(source_find(source, "a"));
        char path[] = "etc/b";
        add(source, path, "1");
        add(source, "etc/a", "2");
        add(source, "etc", "3");
        path[4] = '!';
        source_sort(source);
        assert_int_equal(source->n_entries, 3);
        assert_string_equal(source->entries[0].path, "etc");
        assert_string_equal(source_find(source, "etc/a")->target, "2");
        assert_string_equal(source_find(source, "etc/b")->target, "1");
        assert_null(source_find(source, "etc/c"));
}

static void test_source__name_has_no_slash_at_its_end(void **state) {
        (void) state;
        cleanup(source_freep) Source *source = source_new("hosts/edge1//");
        assert_string_equal(source->name, "hosts/edge1");
        cleanup(source_freep) Source *root = source_new("/");
        assert_string_equal(root->name, "/");
}

static void test_source__leaves_out(void **state) {
        (void) state;
        static const char *const out[] = { ".git", ".gitignore", "README", "README.md",
                "LICENSE.txt" };
        static const char *const in[] = { "etc", "notes", "readme.md", "units", ".hidden" };
        for (size_t i = 0; i < N_ELEMENTS(out); i++)
                assert_true(source_leaves_out(out[i]));
        for (size_t i = 0; i < N_ELEMENTS(in); i++)
                assert_false(source_leaves_out(in[i]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_source__is_sorted_and_searched),
                cmocka_unit_test(test_source__name_has_no_slash_at_its_end),
                cmocka_unit_test(test_source__leaves_out),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
