/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a fit does with paths that are managed already: changes, edits by hand, what comes back. */

#include "tests/diff/fit_rows.h"

static void test_fit_changes__of_a_package(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "its own in place of ours",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "p a packaged",
                                .expected = "exchange a +renewed" },
                { .name = "and ours changes",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "p a packaged",
                                .expected = "exchange a +renewed" },
                { .name = "and it shall be absent",
                                .old = "- a",
                                .new = "- a",
                                .found = "p a packaged",
                                .expected = "remove a +renewed" },
                { .name = "it equals ours",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "p a one",
                                .expected = "" },
                { .name = "it equals what comes",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "p a two",
                                .expected = "" },
                { .name = "managed for the first time",
                                .new = "f a one",
                                .found = "p a packaged",
                                .expected = "exchange a +displaced" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_changes__changes(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "another content",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "f a one",
                                .expected = "exchange a" },
                { .name = "another mode",
                                .old = "f a one",
                                .new = "f a one 0600",
                                .found = "f a one",
                                .expected = "exchange a" },
                { .name = "another target",
                                .old = "l a t",
                                .new = "l a u",
                                .found = "l a t",
                                .expected = "exchange a" },
                { .name = "missing, so no edit",
                                .old = "f a one",
                                .new = "f a two",
                                .expected = "place a" },
                { .name = "right already",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "f a two",
                                .expected = "" },
                { .name = "removed", .old = "f a one", .found = "f a one", .expected = "remove a" },
                { .name = "removed by hand already", .old = "f a one", .expected = "" },
                { .name = "becomes absent",
                                .old = "f a one",
                                .new = "- a",
                                .found = "f a one",
                                .expected = "remove a" },
                { .name = "absent no more", .old = "- a", .new = "f a one", .expected = "place a" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_changes__edits(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "edited",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "f a mine",
                                .expected = "edited a: was edited by hand" },
                { .name = "edited, and not managed any more",
                                .old = "f a one",
                                .found = "f a mine",
                                .expected = "edited a: was edited by hand" },
                { .name = "edited, and to be absent",
                                .old = "f a one",
                                .new = "- a",
                                .found = "f a mine",
                                .expected = "edited a: was edited by hand" },
                { .name = "its mode edited",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "f a one 0600",
                                .expected = "edited a: was given another mode or owner by hand" },
                { .name = "made by hand where it was absent",
                                .old = "- a",
                                .new = "f a one",
                                .found = "f a mine",
                                .expected = "edited a: was created by hand" },
                { .name = "replaced by a link",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "l a t",
                                .expected = "edited a: was replaced by a link by hand" },
                { .name = "edited and forced",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "f a mine",
                                .force = true,
                                .expected = "exchange a +saved" },
                { .name = "edited and rolled back",
                                .old = "f a one",
                                .found = "f a mine",
                                .save_edited = true,
                                .expected = "remove a +saved" },
                { .name = "a full directory in its place is no edit that force could save",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "d a 0755 1",
                                .force = true,
                                .expected = "in-the-way a: is a directory that is not empty" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_changes__unchanged(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "as it is",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "f a one",
                                .expected = "" },
                { .name = "an edit is left",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "f a mine",
                                .expected = "" },
                { .name = "also by a rollback",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "f a mine",
                                .save_edited = true,
                                .expected = "" },
                { .name = "but not by force",
                                .old = "f a one",
                                .new = "f a one",
                                .found = "f a mine",
                                .force = true,
                                .expected = "exchange a +saved" },
                { .name = "force leaves what is right",
                                .old = "f a one; d b; - c",
                                .new = "f a one; d b; - c",
                                .found = "f a one; d b 0700 1",
                                .force = true,
                                .expected = "" },
                { .name = "what was made where it must be absent is left",
                                .old = "- a",
                                .new = "- a",
                                .found = "f a mine",
                                .expected = "" },
                { .name = "but not by force",
                                .old = "- a",
                                .new = "- a",
                                .found = "f a mine",
                                .force = true,
                                .expected = "remove a +saved" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_changes__unchanged_but_missing(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "missing ones are put back",
                                .old = "d a; f a/b one; - c",
                                .new = "d a; f a/b one; - c",
                                .found = "n a/b a",
                                .expected = "place a; place a/b" },
                { .name = "not below a link that was put in the way",
                                .old = "d a; f a/b one",
                                .new = "d a; f a/b one",
                                .found = "l a t; b a/b a",
                                .expected = "" },
                { .name = "force takes the link away",
                                .old = "d a; f a/b one",
                                .new = "d a; f a/b one",
                                .found = "l a t; b a/b a",
                                .force = true,
                                .expected = "exchange a +saved; place a/b" },
                { .name = "a changed path below such a link is refused",
                                .old = "d a; f a/b one",
                                .new = "d a; f a/b two",
                                .found = "l a t; b a/b a",
                                .expected = "in-the-way a/b: is below a, which is a link, a file "
                                            "or a mount point" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_changes__given_back(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "a file",
                                .old = "f a one",
                                .found = "f a one",
                                .displaced = "f a theirs",
                                .expected = "exchange a given-back -displaced" },
                { .name = "where ours was removed by hand",
                                .old = "f a one",
                                .displaced = "f a theirs",
                                .expected = "place a given-back -displaced" },
                { .name = "where it is back already",
                                .old = "f a one",
                                .found = "f a theirs",
                                .displaced = "f a theirs",
                                .expected = "record a -displaced" },
                { .name = "after absent",
                                .old = "- a",
                                .displaced = "l a t",
                                .expected = "place a given-back -displaced" },
                { .name = "not while it is managed",
                                .old = "f a one",
                                .new = "f a two",
                                .found = "f a one",
                                .displaced = "f a theirs",
                                .expected = "exchange a" },
                { .name = "not over an edit",
                                .old = "f a one",
                                .found = "f a mine",
                                .displaced = "f a theirs",
                                .expected = "edited a: was edited by hand" },
                { .name = "over an edit by force",
                                .old = "f a one",
                                .found = "f a mine",
                                .displaced = "f a theirs",
                                .force = true,
                                .expected = "exchange a given-back -displaced +saved" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_changes__given_back_to_directories(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "a directory for our file",
                                .old = "f a one",
                                .found = "f a one",
                                .displaced = "d a 0711",
                                .expected = "exchange a given-back -displaced" },
                { .name = "a file for our directory",
                                .old = "D a 0700",
                                .found = "d a 0700 0",
                                .displaced = "f a theirs",
                                .expected = "exchange a given-back -displaced" },
                { .name = "a file for our directory, which others use",
                                .old = "D a 0700",
                                .found = "d a 0700 1",
                                .displaced = "f a theirs",
                                .expected = "in-the-way a: is a directory that is not empty" },
                { .name = "into a directory of ours, which then stays",
                                .old = "d a; f a/b one",
                                .found = "d a 0755 1; f a/b one",
                                .displaced = "f a/b theirs",
                                .expected = "exchange a/b given-back -displaced" },
                { .name = "into one of ours, where ours was removed by hand",
                                .old = "d a; f a/b one; f a/c one",
                                .found = "d a 0755 1; f a/c one",
                                .displaced = "f a/b theirs",
                                .expected = "remove a/c; place a/b given-back -displaced" },
                { .name = "into one of ours that was removed by hand",
                                .old = "d a; f a/b one",
                                .found = "n a/b a",
                                .displaced = "f a/b theirs",
                                .expected = "place a; place a/b given-back -displaced" },
                { .name = "into directories that nobody declares",
                                .old = "f a-z one; - a/b/c; - a/d",
                                .found = "f a-z one; n a/b/c a; n a/d a",
                                .displaced = "l a/b/c t; l a/d t",
                                .expected = "remove a-z; place a; place a/b; place a/b/c "
                                            "given-back -displaced; "
                                            "place a/d given-back -displaced" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

static void test_fit_changes__given_back_after_absent(void **state) {
        (void) state;
        static const FitRow rows[] = {
                { .name = "nothing after absent, whatever somebody put there",
                                .old = "- a",
                                .found = "f a mine",
                                .expected = "" },
                { .name = "nor by force",
                                .old = "- a",
                                .found = "f a mine",
                                .force = true,
                                .expected = "" },
                { .name = "a link that somebody made again",
                                .old = "- a",
                                .found = "l a t 7",
                                .displaced = "l a t 5",
                                .expected = "record a -displaced" },
                { .name = "not another link",
                                .old = "- a",
                                .found = "l a u 7",
                                .displaced = "l a t 5",
                                .expected = "edited a: was created by hand" },
                { .name = "nor a file, which may differ in more than is seen",
                                .old = "- a",
                                .found = "f a mine",
                                .displaced = "f a theirs",
                                .expected = "edited a: was created by hand" },
                { .name = "a link of ours is still exchanged for the one that was there",
                                .old = "l a t",
                                .found = "l a t 7",
                                .displaced = "l a t 5",
                                .expected = "exchange a given-back -displaced" },
        };
        fit_rows_run(rows, N_ELEMENTS(rows));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit_changes__changes),
                cmocka_unit_test(test_fit_changes__of_a_package),
                cmocka_unit_test(test_fit_changes__edits),
                cmocka_unit_test(test_fit_changes__unchanged),
                cmocka_unit_test(test_fit_changes__unchanged_but_missing),
                cmocka_unit_test(test_fit_changes__given_back),
                cmocka_unit_test(test_fit_changes__given_back_to_directories),
                cmocka_unit_test(test_fit_changes__given_back_after_absent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
