/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a fit does with paths that are managed first, with directories, and where kinds change. */

#include "tests/diff/fit_rows.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <string.h>

static void test_fit_plan__first_managed(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "a file where nothing is", .new = "f a one", .expected = "place a" },
                { .name = "a link where nothing is", .new = "l a t", .expected = "place a" },
                { .name = "a file with its directories",
                                .new = "d a; d a/b; f a/b/c one",
                                .expected = "place a; place a/b; place a/b/c" },
                { .name = "another file is displaced",
                                .new = "f a one",
                                .found = "f a two",
                                .expected = "exchange a +displaced" },
                { .name = "another mode is another file",
                                .new = "f a one",
                                .found = "f a one 0600",
                                .expected = "exchange a +displaced" },
                { .name = "an equal file is noted",
                                .new = "f a one",
                                .found = "f a one",
                                .expected = "record a +displaced" },
                { .name = "an equal link is noted",
                                .new = "l a t",
                                .found = "l a t",
                                .expected = "record a +displaced" },
                { .name = "a link where a file was",
                                .new = "l a t",
                                .found = "f a one",
                                .expected = "exchange a +displaced" },
                { .name = "an empty directory goes for a file",
                                .new = "f a one",
                                .found = "d a 0755 0",
                                .expected = "exchange a +displaced" },
                { .name = "a directory with something in it does not",
                                .new = "f a one",
                                .found = "d a 0755 1",
                                .expected = "in-the-way a: is a directory that is not empty" },
                { .name = "a socket does not",
                                .new = "f a one",
                                .found = "s a",
                                .expected = "in-the-way a: is a socket, pipe or device" },
                { .name = "a mount point does not",
                                .new = "f a one",
                                .found = "m a",
                                .expected = "in-the-way a: is a mount point" },
                { .name = "a file too large to keep does not",
                                .new = "f a one",
                                .found = "h a",
                                .expected = "in-the-way a: is larger than 64 MiB" },
                { .name = "force changes nothing about that",
                                .new = "f a one",
                                .found = "s a",
                                .force = true,
                                .expected = "in-the-way a: is a socket, pipe or device" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

/* The scan had a limit. */
static void test_fit_plan__not_read(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "it is an edited one",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "u a",
                                .force = true,
                                .some_unread = true,
                                .expected = "exchange a +saved" },
                { .name = "but not where it is too large to keep",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "h a",
                                .force = true,
                                .some_unread = true,
                                .expected = "in-the-way a: is larger than 64 MiB" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__first_managed_as_absent(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "absent, and it is", .new = "- a", .expected = "" },
                { .name = "absent, and it is not",
                                .new = "- a",
                                .found = "f a one",
                                .expected = "remove a +displaced" },
                { .name = "absent, an empty directory",
                                .new = "- a",
                                .found = "d a 0755 0",
                                .expected = "remove a +displaced" },
                { .name = "absent, a directory with something in it",
                                .new = "- a",
                                .found = "d a 0755 2",
                                .expected = "in-the-way a: is a directory that is not empty" },
                { .name = "our own directory",
                                .new = "d .sysswitch; f .sysswitch/manifest one",
                                .expected = "in-the-way .sysswitch: is where sysswitch keeps what "
                                            "it works on; "
                                            "in-the-way .sysswitch/manifest: is where sysswitch "
                                            "keeps what it works on" },
                { .name = "a name that only begins like it",
                                .new = "f .sysswitchd one",
                                .expected = "place .sysswitchd" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__directories(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "one that is there is noted, and keeps its mode",
                                .new = "d a; f a/b one",
                                .found = "d a 0700 3",
                                .expected = "place a/b; record a +displaced" },
                { .name = "an own mode is set in place",
                                .new = "D a 0700; f a/b one",
                                .found = "d a 0755 3",
                                .expected = "place a/b; attributes a +displaced" },
                { .name = "a link is no parent",
                                .new = "d a; f a/b one",
                                .found = "l a t; b a/b a",
                                .expected = "in-the-way a: is a link, and nothing is reached "
                                            "through one" },
                { .name = "a file is no parent",
                                .new = "d a; f a/b one",
                                .found = "f a t; b a/b a",
                                .expected = "in-the-way a: is no directory" },
                { .name = "a mount point is no parent",
                                .new = "d a; f a/b one",
                                .found = "m a; b a/b a",
                                .expected = "in-the-way a: is a mount point" },
                { .name = "a declared one replaces a file",
                                .new = "D a 0700",
                                .found = "f a t",
                                .expected = "exchange a +displaced" },
                { .name = "one of ours goes with what is in it",
                                .old = "d a; d a/b; f a/b/c one",
                                .found = "d a 0755 1; d a/b 0755 1; f a/b/c one",
                                .expected = "remove a/b/c; remove a/b; remove a" },
                { .name = "with something of others in it, it stays",
                                .old = "d a; d a/b; f a/b/c one",
                                .found = "d a 0755 1; d a/b 0755 2; f a/b/c one",
                                .expected = "remove a/b/c" },
                { .name = "one that was there before stays",
                                .old = "d a; f a/b one",
                                .found = "d a 0700 1; f a/b one",
                                .displaced = "d a 0700",
                                .expected = "remove a/b; record a -displaced" },
                { .name = "also when its mode was changed by hand meanwhile",
                                .old = "d a; f a/b one",
                                .found = "d a 0711 1; f a/b one",
                                .displaced = "d a 0700",
                                .expected = "remove a/b; record a -displaced" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__directories_of_their_own_mode(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "a mode that we set is taken back",
                                .old = "D a 0700",
                                .found = "d a 0700 0",
                                .displaced = "d a 0755",
                                .expected = "attributes a given-back -displaced" },
                { .name = "a mode changed by hand is an edit",
                                .old = "D a 0700",
                                .found = "d a 0711 0",
                                .displaced = "d a 0755",
                                .expected = "edited a: was given another mode or owner by hand" },
                { .name = "a mode of its own that ends: as it was before",
                                .old = "D a 0700; f a/b one",
                                .new = "d a; f a/b one",
                                .found = "d a 0700 1; f a/b one",
                                .displaced = "d a 0711",
                                .expected = "attributes a given-back" },
                { .name = "a mode of its own that ends: plain, where it is ours",
                                .old = "D a 0700; f a/b one",
                                .new = "d a; f a/b one",
                                .found = "d a 0700 1; f a/b one",
                                .expected = "attributes a" },
                { .name = "a mode of its own that ends, changed by hand: stays",
                                .old = "D a 0700; f a/b one",
                                .new = "d a; f a/b one",
                                .found = "d a 0711 1; f a/b one",
                                .expected = "" },
                { .name = "a mode of its own that begins",
                                .old = "d a; f a/b one",
                                .new = "D a 0700; f a/b one",
                                .found = "d a 0755 1; f a/b one",
                                .expected = "attributes a" },
                { .name = "a file was in its place for a time",
                                .old = "f a one",
                                .new = "d a; f a/b two",
                                .found = "f a one; b a/b a",
                                .displaced = "d a 0711",
                                .expected = "exchange a given-back; place a/b" },
                { .name = "removed by hand, and was there before: put back",
                                .old = "d a; f a/b one",
                                .new = "d a; f a/b one",
                                .found = "n a/b a",
                                .displaced = "d a 0711",
                                .expected = "place a given-back; place a/b" },
                { .name = "removed by hand, and not managed any more",
                                .old = "d a; f a/b one",
                                .expected = "" },
                { .name = "removed by hand, and was there before",
                                .old = "d a; f a/b one",
                                .displaced = "d a 0711",
                                .expected = "place a given-back -displaced" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__type_changes(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "a file becomes a directory",
                                .old = "f a one",
                                .new = "d a; f a/b two",
                                .found = "f a one; b a/b a",
                                .expected = "exchange a; place a/b" },
                { .name = "a link becomes a directory",
                                .old = "l a t",
                                .new = "d a; d a/b; f a/b/c two",
                                .found = "l a t; b a/b a; b a/b/c a",
                                .expected = "exchange a; place a/b; place a/b/c" },
                { .name = "an edited file becomes a directory: told once",
                                .old = "f a one",
                                .new = "d a; f a/b two",
                                .found = "f a mine; b a/b a",
                                .expected = "edited a: was edited by hand; place a/b" },
                { .name = "a directory becomes a file",
                                .old = "d a; d a/b; f a/b/c one",
                                .new = "f a two",
                                .found = "d a 0755 1; d a/b 0755 1; f a/b/c one",
                                .expected = "remove a/b/c; remove a/b; exchange a" },
                { .name = "a directory with something of others in it does not",
                                .old = "d a; d a/b; f a/b/c one",
                                .new = "f a two",
                                .found = "d a 0755 1; d a/b 0755 2; f a/b/c one",
                                .expected = "in-the-way a: is a directory that is not empty; "
                                            "remove a/b/c" },
                { .name = "an edit in it is told by itself",
                                .old = "d a; f a/b one",
                                .new = "f a two",
                                .found = "d a 0755 1; f a/b mine",
                                .expected = "edited a/b: was edited by hand; exchange a" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__type_changes_with_others_in_the_way(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "what is given back in it keeps it",
                                .old = "d a; f a/b one",
                                .new = "f a two",
                                .found = "d a 0755 1; f a/b one",
                                .displaced = "f a/b theirs",
                                .expected = "in-the-way a: is a directory that is not empty; "
                                            "exchange a/b given-back -displaced" },
                { .name = "the parent of an unmanaged path was replaced by hand",
                                .old = "d a; f a/b one",
                                .found = "f a mine; b a/b a",
                                .force = true,
                                .expected = "remove a +saved" },
                { .name = "a file and a path below its new directory",
                                .old = "f a one; f a.b one",
                                .new = "d a; f a/b two; f a.b one",
                                .found = "f a one; f a.b one; b a/b a",
                                .expected = "exchange a; place a/b" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static int resolve(void *userdata,
                const char *owner,
                const char *group,
                uint32_t *ret_uid,
                uint32_t *ret_gid) {
        (void) userdata;
        if (strcmp(owner, "nobody-yet") == 0)
                return -ESRCH;
        *ret_uid = strcmp(owner, "root") == 0 ? 0 : 7;
        *ret_gid = strcmp(group, "root") == 0 ? 0 : 8;
        return 0;
}

static void test_fit_plan__owners(void **state) {
        (void) state;
        FitInput input = { .root = ROOT_ETC, .check_owners = true, .resolve = resolve };
        Entry link = {
                .kind = ENTRY_LINK, .path = "a", .target = "t", .owner = "web", .group = "web"
        };
        Found found = { .kind = FOUND_LINK, .path = "a", .target = "t", .uid = 7, .gid = 8 };
        assert_true(fit_is_as_declared(&input, &link, &found));
        found.gid = 0;
        assert_false(fit_is_as_declared(&input, &link, &found));
        input.check_owners = false;
        assert_true(fit_is_as_declared(&input, &link, &found));
        input.check_owners = true;
        link.owner = "nobody-yet";
        found.gid = 8;
        assert_false(fit_is_as_declared(&input, &link, &found));

        Entry directory = {
                .kind = ENTRY_DIRECTORY, .path = "d", .mode = 0755, .owner = "root", .group = "web"
        };
        Found there = { .kind = FOUND_DIRECTORY, .path = "d", .mode = 0755 };
        assert_false(fit_is_as_declared(&input, &directory, &there));
        directory.implied = true;
        assert_true(fit_is_as_declared(&input, &directory, &there));
}

static void test_fit_plan__seeks_what_it_needs(void **state) {
        (void) state;
        const FitRow row = { .old = "f a one; f b one; f c one",
                .new = "f a one; f b two; f d one" };
        FitRowWorld world;
        fit_row_world_init(&world, &row);
        const FitInput input = { .root = ROOT_ETC, .old = world.old, .new = world.new };
        for (int check_all = 0; check_all < 2; check_all++) {
                cleanup_free Sought *sought = NULL;
                size_t n_sought = 0;
                assert_int_equal(fit_plan_seek(&input, check_all, &sought, &n_sought), 0);
                assert_int_equal(n_sought, 4);
                for (size_t i = 0; i < n_sought; i++) {
                        assert_int_equal(sought[i].path[0], "abcd"[i]);
                        assert_int_equal(sought[i].whole, check_all || i > 0);
                }
        }
        fit_row_world_done(&world);
}

/* Below /lib. */
static void test_fit_plan__keeps_what_is_of_others(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "file",
                                .new = "d d; f d/a new",
                                .found = "d d 0711 1; f d/a theirs",
                                .expected = "in-the-way d/a: is there already, and is not this "
                                            "profile's; record d +displaced" },
                { .name = "whatever is asked",
                                .new = "f a new",
                                .found = "l a theirs",
                                .force = true,
                                .save_edited = true,
                                .expected = "in-the-way a: is there already, and is not this "
                                            "profile's" },
                { .name = "the same is not replaced",
                                .new = "f a same",
                                .found = "f a same",
                                .expected = "record a +displaced" },
                { .name = "ours",
                                .old = "f a old",
                                .new = "f a new",
                                .found = "f a old",
                                .expected = "exchange a" },
                { .name = "an edit",
                                .old = "f a old",
                                .new = "f a new",
                                .found = "f a edited",
                                .force = true,
                                .expected = "exchange a +saved" },
        };
        FitRow copies[N_ELEMENTS(rows)];
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                copies[i] = rows[i];
                copies[i].keeps_others = true;
        }
        fit_rows_run(copies, N_ELEMENTS(copies));
}

static void test_fit_plan__looks_at_its_root_only(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = tree_new();
        assert_non_null(contents);
        assert_non_null(tree);
        Entry entry = { .root = ROOT_HOOKS, .kind = ENTRY_LINK, .path = "a", .target = "t" };
        assert_int_equal(tree_add(tree, &entry), 0);
        entry.root = ROOT_PROFILE;
        assert_int_equal(tree_add(tree, &entry), 0);
        assert_int_equal(tree_seal(tree, NULL), 0);
        const FitInput input = { .root = ROOT_ETC, .new = tree };
        cleanup(fit_plan_freep) FitPlan *plan = NULL;
        assert_int_equal(fit_plan_new(&input, &plan, NULL), 0);
        assert_int_equal(plan->n_operations, 0);
        assert_int_equal(plan->n_conflicts, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit_plan__first_managed),
                cmocka_unit_test(test_fit_plan__not_read),
                cmocka_unit_test(test_fit_plan__first_managed_as_absent),
                cmocka_unit_test(test_fit_plan__directories),
                cmocka_unit_test(test_fit_plan__directories_of_their_own_mode),
                cmocka_unit_test(test_fit_plan__type_changes),
                cmocka_unit_test(test_fit_plan__type_changes_with_others_in_the_way),
                cmocka_unit_test(test_fit_plan__owners),
                cmocka_unit_test(test_fit_plan__seeks_what_it_needs),
                cmocka_unit_test(test_fit_plan__keeps_what_is_of_others),
                cmocka_unit_test(test_fit_plan__looks_at_its_root_only),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
