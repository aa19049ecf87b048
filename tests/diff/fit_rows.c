/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/diff/fit_rows.h"

#include "base/text.h"
#include "tests/support/tree_words.h"

#include <stdio.h>
#include <string.h>

static Content *content_of(FitRowWorld *world, const char *text) {
        Content *content = NULL;
        assert_int_equal(contents_add(world->contents, text, strlen(text), &content, NULL), 0);
        return content;
}

static Found make_found(FitRowWorld *world, const TreeWords *words) {
        Found found = { .path = arena_strdup(&world->arena, words->path),
                .mode = tree_words_mode(words->second, 0644) };
        const char *first = arena_strdup(&world->arena, words->first);
        switch (words->kind) {
        case 'p':
                found.packaged = PACKAGED_AS_SHIPPED;
                /* fallthrough */
        case 'f':
                found.kind = FOUND_FILE;
                found.content = content_of(world, first);
                break;
        case 'h':
        case 'u':
                found.kind = FOUND_FILE;
                found.size_bytes = FOUND_MAX_FILE_BYTES + (words->kind == 'h');
                break;
        case 'l':
                found.kind = FOUND_LINK;
                found.mode = 0777;
                found.target = first;
                found.mtime_nsec = strtoll(words->second, NULL, 10); /* 0 where there is none */
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
static Found find_row(FitRowWorld *world, const char *text, const char *path) {
        TreeWords words;
        while ((text = tree_words_next(text, &words)))
                if (strcmp(words.path, path) == 0)
                        return make_found(world, &words);
        return (Found){ .kind = FOUND_NOTHING, .path = path };
}

void fit_row_world_init(FitRowWorld *world, const FitRow *row) {
        *world = (FitRowWorld){ .contents = contents_new() };
        assert_non_null(world->contents);
        world->old = tree_from_words(world->contents, row->old);
        world->new = tree_from_words(world->contents, row->new);
        TreeWords words;
        for (const char *text = row->displaced; (text = tree_words_next(text, &words));)
                world->displaced[world->n_displaced++] = make_found(world, &words);
}

void fit_row_world_done(FitRowWorld *world) {
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
                                operation->keep_displaced     ? " +displaced"
                                : operation->renews_displaced ? " +renewed"
                                                              : "",
                                operation->drop_displaced ? " -displaced" : "",
                                operation->keep_saved ? " +saved" : "");
                assert_int_equal(operation->root, ROOT_ETC);
                assert_non_null(operation->found);
                bool brings = operation->verb == FIT_PLACE || operation->verb == FIT_EXCHANGE ||
                              operation->verb == FIT_ATTRIBUTES;
                assert_int_equal(brings, !!operation->entry + !!operation->give_back);
        }
}

static bool run_row(const FitRow *row) {
        FitRowWorld world;
        fit_row_world_init(&world, row);
        FitInput input = {
                .root = ROOT_ETC,
                .old = world.old,
                .new = world.new,
                .found = world.found,
                .displaced = world.displaced,
                .n_displaced = world.n_displaced,
                .force = row->force,
                .save_edited = row->save_edited,
                .keeps_others = row->keeps_others,
                .some_unread = row->some_unread,
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
        fit_row_world_done(&world);
        return is_right;
}

void fit_rows_run(const FitRow *rows, size_t n_rows) {
        size_t n_wrong = 0;
        for (size_t i = 0; i < n_rows; i++)
                n_wrong += !run_row(&rows[i]);
        assert_int_equal(n_wrong, 0);
}
