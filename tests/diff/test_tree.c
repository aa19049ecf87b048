/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/tree.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static Tree *tree_of(const Entry *entries, size_t n_entries) {
        Tree *tree = tree_new();
        assert_non_null(tree);
        for (size_t i = 0; i < n_entries; i++)
                assert_int_equal(tree_add(tree, &entries[i]), 0);
        Error error = { 0 };
        if (tree_seal(tree, &error) < 0)
                fail_msg("%s", error.message);
        return tree;
}

#define LINK(at, to)                                                                               \
        { .root = ROOT_ETC, .kind = ENTRY_LINK, .path = (at), .target = (to) }
#define ABSENT(at)                                                                                 \
        { .root = ROOT_ETC, .kind = ENTRY_ABSENT, .path = (at) }

static void test_tree__is_sorted_by_root_and_path(void **state) {
        (void) state;
        const Entry entries[] = {
                { .root = ROOT_PROFILE, .kind = ENTRY_LINK, .path = "a", .target = "x" },
                LINK("b", "x"),
                LINK("a-b", "x"),
                { .root = ROOT_HOOKS, .kind = ENTRY_LINK, .path = "a", .target = "x" },
                LINK("a/c", "x"),
                LINK("a", "x"),
                LINK("a/b", "x"),
        };
        static const char *const want[] = { "a", "a-b", "a/b", "a/c", "b", "a", "a" };
        cleanup(tree_freep) Tree *tree = tree_of(entries, N_ELEMENTS(entries));
        assert_int_equal(tree->n_entries, N_ELEMENTS(want));
        for (size_t i = 0; i < N_ELEMENTS(want); i++)
                assert_string_equal(tree->entries[i].path, want[i]);
        assert_int_equal(tree->entries[5].root, ROOT_HOOKS);
        assert_int_equal(tree->entries[6].root, ROOT_PROFILE);
}

static void test_tree__copies_and_fills_in(void **state) {
        (void) state;
        char path[] = "a", target[] = "x";
        const Entry entry = LINK(path, target);
        cleanup(tree_freep) Tree *tree = tree_of(&entry, 1);
        path[0] = target[0] = '!';
        assert_string_equal(tree->entries[0].path, "a");
        assert_string_equal(tree->entries[0].target, "x");
        assert_string_equal(tree->entries[0].owner, "root");
        assert_string_equal(tree->entries[0].group, "root");
}

static void test_tree__a_path_twice_is_refused(void **state) {
        (void) state;
        cleanup(tree_freep) Tree *tree = tree_new();
        Entry entry = LINK("a", "x");
        entry.origin = "units/a";
        assert_int_equal(tree_add(tree, &entry), 0);
        entry.origin = "etc/a";
        assert_int_equal(tree_add(tree, &entry), 0);
        Error error = { 0 };
        assert_int_equal(tree_seal(tree, &error), -EEXIST);
        assert_string_equal(error.message, "/etc/a is there twice, from units/a and from etc/a");
}

static void test_tree__finds(void **state) {
        (void) state;
        const Entry entries[] = { LINK("b", "x"), LINK("a/b", "x"), LINK("a/c", "x"),
                LINK("a0", "x") };
        cleanup(tree_freep) Tree *tree = tree_of(entries, N_ELEMENTS(entries));
        assert_string_equal(tree_find(tree, ROOT_ETC, "a/c")->path, "a/c");
        assert_null(tree_find(tree, ROOT_ETC, "a"));
        assert_null(tree_find(tree, ROOT_ETC, "c"));
        assert_null(tree_find(tree, ROOT_HOOKS, "b"));
        assert_int_equal(tree_lower_bound(tree, ROOT_ETC, "a/"), 0);
        assert_int_equal(tree_lower_bound(tree, ROOT_ETC, "a0"), 2);
        assert_int_equal(tree_lower_bound(tree, ROOT_HOOKS, ""), 4);
        cleanup(tree_freep) Tree *empty = tree_of(NULL, 0);
        assert_null(tree_find(empty, ROOT_ETC, "a"));
        assert_int_equal(tree_lower_bound(empty, ROOT_ETC, "a"), 0);
}

static int compare_strings(const void *left, const void *right) {
        return strcmp(left, right);
}

/* Against qsort(), in orders that have runs of every length. */
static void test_tree__sorts_any_order(void **state) {
        (void) state;
        enum { N = 500 };
        for (unsigned step = 1; step < N; step += 7) {
                if (N % step == 0 && step > 1)
                        continue;
                static char paths[N][8];
                cleanup(tree_freep) Tree *tree = tree_new();
                for (unsigned i = 0; i < N; i++) {
                        (void) snprintf(paths[i], sizeof(paths[i]), "%u", i * step);
                        const Entry entry = LINK(paths[i], "x");
                        assert_int_equal(tree_add(tree, &entry), 0);
                }
                assert_int_equal(tree_seal(tree, NULL), 0);
                qsort(paths, N, sizeof(paths[0]), compare_strings);
                for (unsigned i = 0; i < N; i++)
                        assert_string_equal(tree->entries[i].path, paths[i]);
        }
}

static void test_tree__fill(void **state) {
        (void) state;
        Entry b = LINK("b", "x"), a = LINK("a", "x");
        Entry *entries[] = { &b, &a };
        cleanup(tree_freep) Tree *tree = tree_new();
        assert_int_equal(tree_fill(tree, entries, 2, NULL), 0);
        assert_true(tree->sealed);
        assert_ptr_equal(tree->entries[0].path, a.path);
        entries[0] = entries[1];
        cleanup(tree_freep) Tree *twice = tree_new();
        Error error = { 0 };
        assert_int_equal(tree_fill(twice, entries, 2, &error), -EEXIST);
        assert_string_equal(error.message,
                        "/etc/a is there twice, from an unknown place and from an unknown place");
}

static void test_tree__compares(void **state) {
        (void) state;
        const Entry before[] = { LINK("gone", "x"), LINK("same", "x"), LINK("turned", "x"),
                LINK("went", "x") };
        const Entry after[] = { LINK("came", "x"), LINK("same", "x"), LINK("turned", "y"),
                ABSENT("went") };
        cleanup(tree_freep) Tree *old = tree_of(before, N_ELEMENTS(before));
        cleanup(tree_freep) Tree *new = tree_of(after, N_ELEMENTS(after));
        cleanup_free TreeChange *changes = NULL;
        size_t n = 0;
        assert_int_equal(tree_compare(old, new, &changes, &n), 0);
        assert_int_equal(n, 4);
        assert_null(changes[0].before);
        assert_string_equal(changes[0].after->path, "came");
        assert_string_equal(changes[1].before->path, "gone");
        assert_null(changes[1].after);
        assert_string_equal(changes[2].before->target, "x");
        assert_string_equal(changes[2].after->target, "y");
        assert_int_equal(changes[3].after->kind, ENTRY_ABSENT);

        cleanup_free TreeChange *all = NULL, *none = NULL;
        assert_int_equal(tree_compare(NULL, new, &all, &n), 0);
        assert_int_equal(n, N_ELEMENTS(after));
        assert_int_equal(tree_compare(new, new, &none, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(tree_compare(NULL, NULL, &none, &n), 0);
        assert_int_equal(n, 0);
}

static void test_tree__overlays(void **state) {
        (void) state;
        const Entry below[] = { LINK("a", "below"), LINK("b", "below") };
        const Entry above[] = { LINK("b", "above"), LINK("c", "above") };
        cleanup(tree_freep) Tree *lower = tree_of(below, N_ELEMENTS(below));
        cleanup(tree_freep) Tree *upper = tree_of(above, N_ELEMENTS(above));
        cleanup(tree_freep) Tree *tree = NULL;
        assert_int_equal(tree_overlay(lower, upper, &tree, NULL), 0);
        assert_int_equal(tree->n_entries, 3);
        assert_string_equal(tree_find(tree, ROOT_ETC, "a")->target, "below");
        assert_string_equal(tree_find(tree, ROOT_ETC, "b")->target, "above");
        assert_string_equal(tree_find(tree, ROOT_ETC, "c")->target, "above");
        cleanup(tree_freep) Tree *nothing = NULL;
        assert_int_equal(tree_overlay(NULL, NULL, &nothing, NULL), 0);
        assert_int_equal(nothing->n_entries, 0);
}

/* Each field that a generation stores makes a difference, the origin makes none. */
static void test_entry__equal(void **state) {
        (void) state;
        Content one = { .digest.bytes = { 1 } }, same = one, other = { .digest.bytes = { 2 } };
        const Entry entry = { .root = ROOT_ETC,
                .kind = ENTRY_FILE,
                .path = "a",
                .mode = 0644,
                .owner = "root",
                .group = "root",
                .content = &one,
                .origin = "etc/a" };
        Entry copy = entry;
        copy.origin = NULL;
        copy.content = &same;
        assert_true(entry_equal(&entry, &copy));
        const Entry different[] = {
                { ROOT_HOOKS, ENTRY_FILE, "a", 0644, false, false, "root", "root", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_ABSENT, "a", 0644, false, false, "root", "root", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "b", 0644, false, false, "root", "root", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "a", 0600, false, false, "root", "root", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "a", 0644, true, false, "root", "root", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "a", 0644, false, true, "root", "root", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "a", 0644, false, false, "web", "root", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "a", 0644, false, false, "root", "web", &one, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "a", 0644, false, false, "root", "root", &other, NULL, NULL,
                                NULL },
                { ROOT_ETC, ENTRY_FILE, "a", 0644, false, false, "root", "root", &one, "x", NULL,
                                NULL },
        };
        for (size_t i = 0; i < N_ELEMENTS(different); i++)
                assert_false(entry_equal(&entry, &different[i]));
}

static void test_entry__same_bytes(void **state) {
        (void) state;
        Content one = { .digest.bytes = { 1 } }, other = { .digest.bytes = { 2 } };
        const Entry file = {
                .kind = ENTRY_FILE, .path = "a", .mode = 0644, .owner = "root", .content = &one
        };
        const Entry moded = {
                .kind = ENTRY_FILE, .path = "a", .mode = 0600, .owner = "web", .content = &one
        };
        const Entry changed = {
                .kind = ENTRY_FILE, .path = "a", .mode = 0644, .owner = "root", .content = &other
        };
        const Entry link = LINK("a", "x"), turned = LINK("a", "y"), absent = ABSENT("a");
        assert_true(entry_same_bytes(&file, &moded));
        assert_false(entry_same_bytes(&file, &changed));
        assert_false(entry_same_bytes(&file, &link));
        assert_false(entry_same_bytes(&link, &turned));
        assert_false(entry_same_bytes(&file, &absent));
        assert_false(entry_same_bytes(NULL, &file));
        assert_true(entry_same_bytes(NULL, &absent));
        assert_true(entry_same_bytes(NULL, NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tree__is_sorted_by_root_and_path),
                cmocka_unit_test(test_tree__copies_and_fills_in),
                cmocka_unit_test(test_tree__a_path_twice_is_refused),
                cmocka_unit_test(test_tree__finds),
                cmocka_unit_test(test_tree__sorts_any_order),
                cmocka_unit_test(test_tree__fill),
                cmocka_unit_test(test_tree__compares),
                cmocka_unit_test(test_tree__overlays),
                cmocka_unit_test(test_entry__equal),
                cmocka_unit_test(test_entry__same_bytes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
