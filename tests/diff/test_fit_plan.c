/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules of a fit, one row each. Trees are written as tests/support/tree_words.h has it, what
 * was found and displaced alike, where a directory is d PATH MODE N, with N entries in it, and
 * there are also s PATH   a socket     m PATH          a mount point               h PATH a huge
 * file b PATH PARENT   PARENT is in the way        n PATH PARENT   PARENT is missing Nothing is
 * found where nothing is said. */

#include "base/text.h"
#include "diff/fit_plan.h"
#include "tests/support/cmocka.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct Row {
        const char *name;
        const char *old, *new, *found, *displaced;
        const char *expected; /* what show() makes of the plan */
        bool force, save_edited;
} Row;

typedef struct World {
        Arena arena;
        Contents *contents;
        Tree *old, *new;
        Found found[32], displaced[32];
        size_t n_displaced;
} World;

static Content *content_of(World *world, const char *text) {
        Content *content = NULL;
        assert_int_equal(contents_add(world->contents, text, strlen(text), &content, NULL), 0);
        return content;
}

static Found make_found(World *world, const TreeWords *words) {
        Found found = { .path = arena_strdup(&world->arena, words->path),
                .mode = tree_words_mode(words->second, 0644) };
        const char *first = arena_strdup(&world->arena, words->first);
        switch (words->kind) {
        case 'f':
                found.kind = FOUND_FILE;
                found.content = content_of(world, first);
                break;
        case 'h':
                found.kind = FOUND_FILE;
                break;
        case 'l':
                found.kind = FOUND_LINK;
                found.mode = 0777;
                found.target = first;
                break;
        case 'd':
                found.kind = FOUND_DIRECTORY;
                found.mode = tree_words_mode(words->first, 0755);
                found.n_children = (uint32_t) strtoul(words->second, NULL, 10);
                break;
        case 's':
                found.kind = FOUND_OTHER;
                break;
        case 'm':
                found.kind = FOUND_MOUNT_POINT;
                break;
        case 'b':
        case 'n':
                found.kind = words->kind == 'b' ? FOUND_BLOCKED : FOUND_NOTHING;
                found.blocked_by = first;
                break;
        default:
                found.kind = FOUND_NOTHING;
        }
        return found;
}

/* What the row says of the path, or nothing. */
static Found find_row(World *world, const char *text, const char *path) {
        TreeWords words;
        while ((text = tree_words_next(text, &words)))
                if (strcmp(words.path, path) == 0)
                        return make_found(world, &words);
        return (Found){ .kind = FOUND_NOTHING, .path = path };
}

static void world_init(World *world, const Row *row) {
        *world = (World){ .contents = contents_new() };
        assert_non_null(world->contents);
        world->old = tree_from_words(world->contents, row->old);
        world->new = tree_from_words(world->contents, row->new);
        TreeWords words;
        for (const char *text = row->displaced; (text = tree_words_next(text, &words));)
                world->displaced[world->n_displaced++] = make_found(world, &words);
}

static void world_done(World *world) {
        tree_free(world->old);
        tree_free(world->new);
        contents_free(world->contents);
        arena_done(&world->arena);
}

static void show(const FitPlan *plan, Text *text) {
        static const char *const verbs[] = { "place", "exchange", "remove", "attributes",
                "record" };
        for (size_t i = 0; i < plan->n_conflicts; i++)
                text_addf(text, "%s %s: %s; ",
                                plan->conflicts[i].kind == CONFLICT_EDITED ? "edited"
                                                                           : "in-the-way",
                                plan->conflicts[i].path, plan->conflicts[i].what);
        for (size_t i = 0; i < plan->n_operations; i++) {
                const FitOperation *operation = &plan->operations[i];
                text_addf(text, "%s %s%s%s%s%s; ", verbs[operation->verb], operation->path,
                                operation->give_back ? " given-back" : "",
                                operation->keep_displaced ? " +displaced" : "",
                                operation->drop_displaced ? " -displaced" : "",
                                operation->keep_saved ? " +saved" : "");
                assert_int_equal(operation->root, ROOT_ETC);
                assert_non_null(operation->found);
                bool brings = operation->verb == FIT_PLACE || operation->verb == FIT_EXCHANGE ||
                              operation->verb == FIT_ATTRIBUTES;
                assert_int_equal(brings, !!operation->entry + !!operation->give_back);
        }
}

static bool run_row(const Row *row) {
        World world;
        world_init(&world, row);
        FitInput input = {
                .root = ROOT_ETC,
                .old = world.old,
                .new = world.new,
                .found = world.found,
                .displaced = world.displaced,
                .n_displaced = world.n_displaced,
                .force = row->force,
                .save_edited = row->save_edited,
        };
        cleanup_free Sought *sought = NULL;
        assert_int_equal(fit_plan_seek(&input, row->force, &sought, &input.n_found), 0);
        assert_true(input.n_found <= N_ELEMENTS(world.found));
        for (size_t i = 0; i < input.n_found; i++)
                world.found[i] = find_row(&world, row->found, sought[i].path);

        cleanup(fit_plan_freep) FitPlan *plan = NULL;
        Error error;
        assert_int_equal(fit_plan_new(&input, &plan, &error), 0);
        cleanup(text_donep) Text text = { 0 };
        show(plan, &text);
        text_add(&text, "");
        assert_int_equal(text.error, 0);
        size_t length = text.length > 0 ? text.length - 2 : 0; /* without the last "; " */
        bool is_right = strlen(row->expected) == length &&
                        strncmp(text.data, row->expected, length) == 0;
        if (!is_right)
                print_error("%s:\n  expected: %s\n  got:      %.*s\n", row->name, row->expected,
                                (int) length, text.data);
        world_done(&world);
        return is_right;
}

static void run_rows(const Row *rows, size_t n_rows) {
        size_t n_wrong = 0;
        for (size_t i = 0; i < n_rows; i++)
                n_wrong += !run_row(&rows[i]);
        assert_int_equal(n_wrong, 0);
}

static void test_fit_plan__first_managed(void **state) {
        (void) state;
        static const Row rows[] = {
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
        run_rows(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__directories(void **state) {
        (void) state;
        static const Row rows[] = {
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
                                .expected = "in-the-way a: is no directory" },
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
        run_rows(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__changes(void **state) {
        (void) state;
        static const Row rows[] = {
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
        run_rows(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__unchanged(void **state) {
        (void) state;
        static const Row rows[] = {
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
        run_rows(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__given_back(void **state) {
        (void) state;
        static const Row rows[] = {
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
        run_rows(rows, N_ELEMENTS(rows));
}

static void test_fit_plan__type_changes(void **state) {
        (void) state;
        static const Row rows[] = {
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
        run_rows(rows, N_ELEMENTS(rows));
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
        const Row row = { .old = "f a one; f b one; f c one", .new = "f a one; f b two; f d one" };
        World world;
        world_init(&world, &row);
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
        world_done(&world);
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
                cmocka_unit_test(test_fit_plan__directories),
                cmocka_unit_test(test_fit_plan__changes),
                cmocka_unit_test(test_fit_plan__unchanged),
                cmocka_unit_test(test_fit_plan__given_back),
                cmocka_unit_test(test_fit_plan__type_changes),
                cmocka_unit_test(test_fit_plan__owners),
                cmocka_unit_test(test_fit_plan__seeks_what_it_needs),
                cmocka_unit_test(test_fit_plan__looks_at_its_root_only),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
