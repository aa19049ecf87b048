/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/generation.h"
#include "state/record.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <string.h>

typedef struct Fixture {
        void *directory;
        Database *database;
        Contents *contents;
} Fixture;

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        Error error;
        if (!fixture || scratch_setup(&fixture->directory) < 0)
                return -1;
        assert_ok(database_open(scratch_path(&fixture->directory, "d"), DATABASE_WRITE,
                        &fixture->database, &error));
        fixture->contents = contents_new();
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;
        database_close(fixture->database);
        contents_free(fixture->contents);
        int r = scratch_teardown(&fixture->directory);
        free(fixture);
        return r;
}

static int64_t store(Fixture *fixture, const Tree *newest, const Tree *tree) {
        Error error;
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        int64_t number = 0;
        assert_int_equal(tree_compare(newest, tree, &changes, &n_changes), 0);
        assert_ok(database_begin(fixture->database, &error));
        assert_ok(generation_store(fixture->database, "system", &(Generation){ 0 }, changes,
                        n_changes, &number, &error));
        assert_ok(database_commit(fixture->database, &error));
        return number;
}

static void assert_same(const Tree *left, const Tree *right) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        assert_int_equal(tree_compare(left, right, &changes, &n_changes), 0);
        if (n_changes) {
                const Entry *entry = changes[0].before ? changes[0].before : changes[0].after;
                fail_msg("%zu entries differ, first %s", n_changes, entry->path);
        }
}

/* Contents of another pool are other pointers: what is loaded is loaded into the fixture's. */
static Tree *load(Fixture *fixture, int64_t number) {
        Error error;
        Tree *tree = NULL;
        assert_ok(generation_load(
                        fixture->database, "system", number, fixture->contents, &tree, &error));
        return tree;
}

/* Without the contents of its files. */
static const Entry every_kind[] = {
        { .root = ROOT_ETC,
                        .kind = ENTRY_FILE,
                        .path = "a/file",
                        .mode = 04755,
                        .owner = "daemon",
                        .group = "1234",
                        .secret = true },
        { .root = ROOT_ETC,
                        .kind = ENTRY_FILE,
                        .path = "a/empty",
                        .mode = 0,
                        .owner = "root",
                        .group = "adm" },
        { .root = ROOT_ETC,
                        .kind = ENTRY_LINK,
                        .path = "a/link",
                        .owner = "root",
                        .group = "root",
                        .target = "../ä b" },
        { .root = ROOT_ETC,
                        .kind = ENTRY_DIRECTORY,
                        .path = "a",
                        .mode = 0755,
                        .implied = true,
                        .owner = "root",
                        .group = "root" },
        { .root = ROOT_ETC,
                        .kind = ENTRY_DIRECTORY,
                        .path = "b",
                        .mode = 01777,
                        .owner = "nobody",
                        .group = "nogroup" },
        { .root = ROOT_ETC, .kind = ENTRY_ABSENT, .path = "c", .owner = "root", .group = "root" },
        { .root = ROOT_HOOKS,
                        .kind = ENTRY_FILE,
                        .path = "a/file",
                        .mode = 0755,
                        .owner = "root",
                        .group = "root" },
        { .root = ROOT_PROFILE,
                        .kind = ENTRY_FILE,
                        .path = "profile.conf",
                        .mode = 0644,
                        .owner = "root",
                        .group = "root" },
};

static void test_generation_load__gives_back_every_kind(void **state) {
        Fixture *fixture = *state;
        cleanup(tree_freep) Tree *tree = tree_new();
        Content *content = scratch_content(fixture->contents, "text\n");
        Content *empty = scratch_content(fixture->contents, "");
        for (size_t i = 0; i < N_ELEMENTS(every_kind); i++) {
                Entry entry = every_kind[i];
                if (entry.kind == ENTRY_FILE)
                        entry.content = strcmp(entry.path, "a/empty") == 0 ? empty : content;
                assert_int_equal(tree_add(tree, &entry), 0);
        }
        scratch_seal(tree);
        int64_t number = store(fixture, NULL, tree);
        assert_int_equal(number, 1);
        cleanup(tree_freep) Tree *loaded = load(fixture, 1);
        assert_int_equal(loaded->n_entries, N_ELEMENTS(every_kind));
        assert_same(tree, loaded);
}

static void test_generation_load__zero_is_empty_and_others_are_not_there(void **state) {
        Fixture *fixture = *state;
        Error error;
        cleanup(tree_freep) Tree *none = load(fixture, 0);
        assert_int_equal(none->n_entries, 0);
        Tree *tree = NULL;
        assert_error(generation_load(fixture->database, "system", 1, fixture->contents, &tree,
                                     &error),
                        -ENOENT);
        assert_error(generation_load(fixture->database, "system", -1, fixture->contents, &tree,
                                     &error),
                        -ENOENT);
        assert_contains(error.message, "generation -1 of profile system");
        cleanup(tree_freep) Tree *empty = scratch_seal(tree_new());
        assert_int_equal(store(fixture, NULL, empty), 1);
        assert_error(generation_load(fixture->database, "other", 1, fixture->contents, &tree,
                                     &error),
                        -ENOENT);
        cleanup(tree_freep) Tree *first = load(fixture, 1);
        assert_int_equal(first->n_entries, 0);
}

static void test_generation_load__has_data_of_units_only(void **state) {
        Fixture *fixture = *state;
        cleanup(tree_freep) Tree *tree = tree_new();
        static const char *const with_data[] = { "systemd/system/a.service",
                "systemd/user/b.service.d/c.conf", "systemd/journald.conf", "fstab" };
        static const char *const without_data[] = { "systemd0", "motd", "fstab.d/x",
                "systemc/a.service" };
        for (size_t i = 0; i < N_ELEMENTS(with_data); i++)
                scratch_add_file(tree, fixture->contents, with_data[i], with_data[i]);
        for (size_t i = 0; i < N_ELEMENTS(without_data); i++)
                scratch_add_file(tree, fixture->contents, without_data[i], without_data[i]);
        store(fixture, NULL, scratch_seal(tree));

        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *loaded = NULL;
        Error error;
        assert_ok(generation_load(fixture->database, "system", 1, contents, &loaded, &error));
        for (size_t i = 0; i < N_ELEMENTS(with_data); i++) {
                const Entry *entry = tree_find(loaded, ROOT_ETC, with_data[i]);
                assert_non_null(entry);
                assert_string_equal(entry->content->data, with_data[i]);
        }
        for (size_t i = 0; i < N_ELEMENTS(without_data); i++) {
                const Entry *entry = tree_find(loaded, ROOT_ETC, without_data[i]);
                assert_non_null(entry);
                assert_null(entry->content->data);
                contents_set_loader(contents, database_content_loader, fixture->database);
                assert_ok(content_load(contents, entry->content, &error));
                assert_string_equal(entry->content->data, without_data[i]);
                assert_int_equal(entry->content->size_bytes, strlen(without_data[i]));
        }
}

static void test_generation_store__refuses_what_does_not_fit(void **state) {
        Fixture *fixture = *state;
        Error error;
        cleanup(tree_freep) Tree *tree = tree_new();
        scratch_add_file(tree, fixture->contents, "motd", "1");
        scratch_seal(tree);
        store(fixture, NULL, tree);
        const Entry other = { .root = ROOT_ETC,
                .kind = ENTRY_ABSENT,
                .path = "other",
                .owner = "root",
                .group = "root" };
        const TreeChange replaces_nothing = { .before = &other, .after = &other };
        const TreeChange adds_again = { .after = &tree->entries[0] };
        int64_t number = 0;
        assert_ok(database_begin(fixture->database, &error));
        assert_error(generation_store(fixture->database, "system", &(Generation){ 0 },
                                     &replaces_nothing, 1, &number, &error),
                        -EINVAL);
        assert_contains(error.message, "/etc/other");
        database_rollback(fixture->database);
        assert_ok(database_begin(fixture->database, &error));
        assert_error(generation_store(fixture->database, "system", &(Generation){ 0 }, &adds_again,
                                     1, &number, &error),
                        -EINVAL);
        database_rollback(fixture->database);
        assert_int_equal(store(fixture, tree, tree), 2); /* nothing of the failed ones is left */
}

static void test_generation_store__needs_the_data(void **state) {
        Fixture *fixture = *state;
        Error error;
        Digest digest;
        assert_int_equal(digest_of("unseen", 6, &digest), 0);
        Content *content = NULL;
        assert_ok(contents_add_known(fixture->contents, &digest, 6, &content, &error));
        const Entry entry = { .root = ROOT_ETC,
                .kind = ENTRY_FILE,
                .path = "motd",
                .owner = "root",
                .group = "root",
                .content = content };
        const TreeChange change = { .after = &entry };
        int64_t number = 0;
        assert_ok(database_begin(fixture->database, &error));
        assert_error(generation_store(fixture->database, "system", &(Generation){ 0 }, &change, 1,
                                     &number, &error),
                        -ENODATA);
        /* stored by another, it needs none */
        int64_t id = 0;
        cleanup(contents_freep) Contents *others = contents_new();
        assert_ok(database_store_content(
                        fixture->database, NULL, scratch_content(others, "unseen"), &id, &error));
        assert_ok(generation_store(fixture->database, "system", &(Generation){ 0 }, &change, 1,
                        &number, &error));
        assert_ok(database_commit(fixture->database, &error));
}

enum { N_RANDOM_PATHS = 25, N_RANDOM_GENERATIONS = 40 };

static Tree *random_tree(Fixture *fixture, const Tree *before, unsigned *seed) {
        Tree *tree = tree_new();
        for (int i = 0; i < N_RANDOM_PATHS; i++) {
                char path[32], text[32];
                (void) snprintf(path, sizeof(path), "%s%d", i % 3 ? "systemd/" : "", i); /* fits */
                (void) snprintf(text, sizeof(text), "%d", rand_r(seed) % 3);             /* fits */
                const Entry *old = before ? tree_find(before, ROOT_ETC, path) : NULL;
                switch (rand_r(seed) % 8) {
                case 0:
                        break; /* not there */
                case 1:
                        scratch_add_file(tree, fixture->contents, path, text);
                        break;
                case 2:
                        scratch_add_link(tree, path, text);
                        break;
                default:
                        if (old)
                                assert_int_equal(tree_add(tree, old), 0);
                }
        }
        return scratch_seal(tree);
}

/* What is missing in a comparison is the same in both. */
static void assert_compared(Fixture *fixture, Tree *const trees[], int64_t from, int64_t to) {
        Error error;
        cleanup(tree_freep) Tree *before = NULL, *after = NULL;
        assert_ok(generation_compare(fixture->database, "system", from, to, fixture->contents,
                        &before, &after, &error));
        cleanup_free TreeChange *wanted = NULL, *have = NULL;
        size_t n_wanted = 0, n_have = 0;
        assert_int_equal(tree_compare(trees[from], trees[to], &wanted, &n_wanted), 0);
        assert_int_equal(tree_compare(before, after, &have, &n_have), 0);
        assert_int_equal(n_have, n_wanted);
        for (size_t i = 0; i < n_wanted; i++) {
                assert_true(!wanted[i].before == !have[i].before &&
                                !wanted[i].after == !have[i].after);
                assert_true(!wanted[i].before || entry_equal(wanted[i].before, have[i].before));
                assert_true(!wanted[i].after || entry_equal(wanted[i].after, have[i].after));
        }
}

static void test_generations__any_history_can_be_read_again(void **state) {
        Fixture *fixture = *state;
        Tree *trees[N_RANDOM_GENERATIONS + 1] = { scratch_seal(tree_new()) };
        unsigned seed = 7;
        for (int i = 1; i <= N_RANDOM_GENERATIONS; i++) {
                trees[i] = random_tree(fixture, trees[i - 1], &seed);
                assert_int_equal(store(fixture, trees[i - 1], trees[i]), i);
        }
        for (int i = 0; i <= N_RANDOM_GENERATIONS; i++) {
                cleanup(tree_freep) Tree *loaded = load(fixture, i);
                assert_same(trees[i], loaded);
                for (int k = 0; k <= N_RANDOM_GENERATIONS; k++)
                        assert_compared(fixture, trees, i, k);
        }
        for (int i = 0; i <= N_RANDOM_GENERATIONS; i++)
                tree_free(trees[i]);
}

static void test_generation_compare__refuses_unknown_numbers(void **state) {
        Fixture *fixture = *state;
        Error error;
        cleanup(tree_freep) Tree *empty = scratch_seal(tree_new());
        store(fixture, NULL, empty);
        Tree *before = NULL, *after = NULL;
        assert_error(generation_compare(fixture->database, "system", 1, 2, fixture->contents,
                                     &before, &after, &error),
                        -ENOENT);
        assert_error(generation_compare(fixture->database, "system", 2, 0, fixture->contents,
                                     &before, &after, &error),
                        -ENOENT);
        assert_null(before);
}

static void test_generations__profiles_are_apart(void **state) {
        Fixture *fixture = *state;
        Error error;
        cleanup(tree_freep) Tree *tree = tree_new();
        scratch_add_file(tree, fixture->contents, "motd", "system's");
        store(fixture, NULL, scratch_seal(tree));
        int64_t number = 0;
        const TreeChange change = { .after = &tree->entries[0] };
        for (int i = 1; i <= 2; i++) {
                assert_ok(generation_store(fixture->database, "containers/web", &(Generation){ 0 },
                                &change, i == 1, &number, &error));
                assert_int_equal(number, i);
        }
        cleanup(profile_donep) Profile profile = { 0 };
        assert_ok(profile_load(fixture->database, "system", &profile, &error));
        assert_int_equal(profile.newest, 1);
        cleanup(generations_donep) Generations generations = { 0 };
        assert_ok(generation_list(fixture->database, "containers/web", &generations, &error));
        assert_int_equal(generations.n_items, 2);
}

static void test_generation_get__tells_where_it_came_from(void **state) {
        Fixture *fixture = *state;
        Error error;
        char path[] = "/srv/edge1", commit[] = "0123456789abcdef0123456789abcdef01234567",
             subject[] = "Ä change", author[] = "A U Thor <a@example.org>", user[] = "root",
             description[] = "Edge router";
        const Generation given = {
                .created_usec = 1700000000123456,
                .origin = { .path = path,
                                .commit = commit,
                                .subject = subject,
                                .author = author,
                                .commit_time = 1699999999,
                                .is_dirty = true },
                .user = user,
                .description = description,
        };
        int64_t number = 0;
        assert_ok(generation_store(fixture->database, "system", &given, NULL, 0, &number, &error));
        assert_ok(generation_store(
                        fixture->database, "system", &(Generation){ 0 }, NULL, 0, &number, &error));
        cleanup(generation_donep) Generation first = { 0 }, second = { 0 };
        assert_ok(generation_get(fixture->database, "system", 1, &first, &error));
        assert_int_equal(first.number, 1);
        assert_int_equal(first.created_usec, given.created_usec);
        assert_string_equal(first.origin.path, path);
        assert_string_equal(first.origin.commit, commit);
        assert_string_equal(first.origin.subject, subject);
        assert_string_equal(first.origin.author, author);
        assert_int_equal(first.origin.commit_time, given.origin.commit_time);
        assert_true(first.origin.is_dirty);
        assert_string_equal(first.user, user);
        assert_string_equal(first.description, description);
        assert_false(first.was_committed);
        assert_ok(generation_get(fixture->database, "system", 2, &second, &error));
        assert_null(second.origin.path);
        assert_null(second.description);
        assert_false(second.origin.is_dirty);
        Generation none = { 0 };
        assert_error(generation_get(fixture->database, "system", 3, &none, &error), -ENOENT);
}

static void switch_to(Fixture *fixture, int64_t number, SwitchState end) {
        Error error;
        SwitchRecord record = {
                .profile = "system", .verb = "switch", .to_number = number, .state = SWITCH_INTENT
        };
        assert_ok(record_begin(fixture->database, &record, NULL, 0, &error));
        record.state = end;
        record.ended_usec = 1;
        assert_ok(record_finish(fixture->database, &record, NULL, 0, &error));
}

static void test_generation_previous__is_the_highest_committed_below(void **state) {
        Fixture *fixture = *state;
        Error error;
        int64_t number = 0;
        for (int i = 0; i < 4; i++)
                assert_ok(generation_store(fixture->database, "system", &(Generation){ 0 }, NULL, 0,
                                &number, &error));
        switch_to(fixture, 1, SWITCH_COMMITTED);
        switch_to(fixture, 2, SWITCH_COMMITTED);
        switch_to(fixture, 3, SWITCH_UNDONE);
        switch_to(fixture, 4, SWITCH_COMMITTED);
        static const int64_t wanted[] = { 0, 0, 1, 2, 2, 4 };
        for (int64_t i = 0; i < (int64_t) N_ELEMENTS(wanted); i++) {
                assert_ok(generation_previous(fixture->database, "system", i, &number, &error));
                assert_int_equal(number, wanted[i]);
        }
        assert_ok(generation_previous(fixture->database, "none", 9, &number, &error));
        assert_int_equal(number, 0);
        cleanup(generations_donep) Generations generations = { 0 };
        assert_ok(generation_list(fixture->database, "system", &generations, &error));
        assert_int_equal(generations.n_items, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(generations.items[i].number, i + 1);
                assert_int_equal(generations.items[i].was_committed, i != 2);
        }
}

static void test_profile__numbers_are_those_that_were_given(void **state) {
        Fixture *fixture = *state;
        Error error;
        cleanup(profile_donep) Profile profile = { 0 };
        assert_ok(profile_load(NULL, "system", &profile, &error));
        assert_string_equal(profile.name, "system");
        assert_int_equal(profile.active, 0);
        assert_int_equal(profile.newest, 0);
        assert_error(profile_set_active(fixture->database, "system", 1, 0, &error), -EINVAL);
        int64_t number = 0;
        for (int i = 0; i < 2; i++)
                assert_ok(generation_store(fixture->database, "system", &(Generation){ 0 }, NULL, 0,
                                &number, &error));
        assert_ok(profile_set_active(fixture->database, "system", 1, 2, &error));
        assert_ok(profile_set_source(fixture->database, "system", "/srv/a", &error));
        profile_done(&profile);
        assert_ok(profile_load(fixture->database, "system", &profile, &error));
        assert_int_equal(profile.active, 1);
        assert_int_equal(profile.default_number, 2);
        assert_int_equal(profile.newest, 2);
        assert_string_equal(profile.source, "/srv/a");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                                test_generation_load__gives_back_every_kind, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generation_load__zero_is_empty_and_others_are_not_there, setup,
                                teardown),
                cmocka_unit_test_setup_teardown(
                                test_generation_load__has_data_of_units_only, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generation_store__refuses_what_does_not_fit, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generation_store__needs_the_data, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generations__any_history_can_be_read_again, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generation_compare__refuses_unknown_numbers, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generations__profiles_are_apart, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generation_get__tells_where_it_came_from, setup, teardown),
                cmocka_unit_test_setup_teardown(
                                test_generation_previous__is_the_highest_committed_below, setup,
                                teardown),
                cmocka_unit_test_setup_teardown(
                                test_profile__numbers_are_those_that_were_given, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
