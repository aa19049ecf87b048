/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/displaced.h"
#include "state/packaged.h"
#include "state/record.h"
#include "state/stored_content.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <string.h>

typedef struct Fixture {
        void *directory;
        Database *database;
        Contents *contents;
        Arena arena;
        int64_t switch_id;
} Fixture;

static int64_t begin_switch(Fixture *fixture, const char *profile) {
        Error error;
        SwitchRecord record = { .profile = profile, .verb = "switch", .user = "root" };
        assert_ok(record_begin(fixture->database, &record, NULL, 0, &error));
        return record.id;
}

static int setup(void **state) {
        Fixture *fixture = calloc(1, sizeof(*fixture));
        Error error;
        if (!fixture || scratch_setup(&fixture->directory) < 0)
                return -1;
        assert_ok(database_open(scratch_path(&fixture->directory, "d"), DATABASE_WRITE,
                        &fixture->database, &error));
        fixture->contents = contents_new();
        fixture->switch_id = begin_switch(fixture, "system");
        *state = fixture;
        return 0;
}

static int teardown(void **state) {
        Fixture *fixture = *state;
        database_close(fixture->database);
        contents_free(fixture->contents);
        arena_done(&fixture->arena);
        int r = scratch_teardown(&fixture->directory);
        free(fixture);
        return r;
}

static const char xattrs[] = "security.capability\0\4\0\0\0\1\0\0\2user.note\0\2\0\0\0hi";

static Found make_file(Fixture *fixture, const char *path, const char *text) {
        Content *content = scratch_content(fixture->contents, text);
        return (Found){
                .kind = FOUND_FILE,
                .path = path,
                .mode = 04711,
                .uid = 4294967294,
                .gid = 1234,
                .size_bytes = content->size_bytes,
                .mtime_nsec = -1234567890123456789,
                .content = content,
                .xattrs = xattrs,
                .xattrs_size_bytes = sizeof(xattrs) - 1,
        };
}

static Found make_link(const char *path, const char *target) {
        return (Found){
                .kind = FOUND_LINK, .path = path, .mode = 0777, .mtime_nsec = 5, .target = target
        };
}

static Found make_directory(const char *path) {
        return (Found){ .kind = FOUND_DIRECTORY,
                .path = path,
                .mode = 02750,
                .uid = 7,
                .gid = 8,
                .mtime_nsec = 9 };
}

static void put(Fixture *fixture, EntryRoot root, const Found *found, int64_t switch_id) {
        Error error;
        assert_ok(displaced_put(fixture->database, "system", root, found, fixture->contents,
                        switch_id, &error));
}

static size_t load(Fixture *fixture, EntryRoot root, Found **ret_found) {
        Error error;
        size_t n_found = 0;
        *ret_found = NULL;
        assert_ok(displaced_load(fixture->database, "system", root, fixture->contents,
                        &fixture->arena, ret_found, &n_found, &error));
        return n_found;
}

static void assert_same(const Found *left, const Found *right) {
        assert_int_equal(left->kind, right->kind);
        assert_string_equal(left->path, right->path);
        assert_int_equal(left->mode, right->mode);
        assert_int_equal(left->uid, right->uid);
        assert_int_equal(left->gid, right->gid);
        assert_true(left->mtime_nsec == right->mtime_nsec);
        assert_int_equal(left->size_bytes, right->size_bytes);
        assert_ptr_equal(left->content, right->content);
        assert_int_equal(left->target != NULL, right->target != NULL);
        if (left->target)
                assert_string_equal(left->target, right->target);
        assert_int_equal(left->xattrs_size_bytes, right->xattrs_size_bytes);
        if (left->xattrs_size_bytes)
                assert_memory_equal(left->xattrs, right->xattrs, left->xattrs_size_bytes);
}

static void test_displaced__comes_back_as_it_was(void **state) {
        Fixture *fixture = *state;
        const Found given[] = { make_link("b/link", "../ä"), make_directory("c"),
                make_file(fixture, "a", "text"), make_file(fixture, "b/empty", "") };
        static const size_t order[] = { 2, 3, 0, 1 };
        for (size_t i = 0; i < N_ELEMENTS(given); i++)
                put(fixture, ROOT_ETC, &given[i], fixture->switch_id);
        Found *found;
        assert_int_equal(load(fixture, ROOT_ETC, &found), N_ELEMENTS(given));
        for (size_t i = 0; i < N_ELEMENTS(given); i++)
                assert_same(&found[i], &given[order[i]]);
        assert_int_equal(load(fixture, ROOT_HOOKS, &found), 0);
}

static void test_displaced__is_found_by_path(void **state) {
        Fixture *fixture = *state;
        const Found given[] = { make_file(fixture, "a", "text"), make_link("b", "c"),
                make_directory("c") };
        for (size_t i = 0; i < N_ELEMENTS(given); i++)
                put(fixture, ROOT_ETC, &given[i], fixture->switch_id);
        put(fixture, ROOT_HOOKS, &given[1], fixture->switch_id);
        cleanup_strv Strv paths = { 0 };
        assert_int_equal(strv_add(&paths, "a"), 0);
        assert_int_equal(strv_add(&paths, "absent"), 0);
        assert_int_equal(strv_add(&paths, "c"), 0);
        const DisplacedPaths asked = { "system", ROOT_ETC, &paths };
        Error error;
        Found *found = NULL;
        size_t n_found = 0;
        assert_ok(displaced_find(fixture->database, &asked, fixture->contents, &fixture->arena,
                        &found, &n_found, &error));
        assert_int_equal(n_found, 2);
        assert_same(&found[0], &given[0]);
        assert_same(&found[1], &given[2]);
}

static void test_displaced__the_content_is_stored(void **state) {
        Fixture *fixture = *state;
        const Found given = make_file(fixture, "a", "only here");
        put(fixture, ROOT_ETC, &given, fixture->switch_id);
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        Found *found = NULL;
        size_t n_found = 0;
        assert_ok(displaced_load(fixture->database, "system", ROOT_ETC, contents, &fixture->arena,
                        &found, &n_found, &error));
        assert_int_equal(n_found, 1);
        assert_null(found[0].content->data);
        contents_set_loader(contents, database_content_loader, fixture->database);
        assert_ok(content_load(contents, found[0].content, &error));
        assert_string_equal(found[0].content->data, "only here");
}

static void test_displaced__the_first_one_stays(void **state) {
        Fixture *fixture = *state;
        const Found first = make_file(fixture, "a", "first"), second = make_link("a", "second");
        put(fixture, ROOT_ETC, &first, fixture->switch_id);
        int64_t later = begin_switch(fixture, "system");
        put(fixture, ROOT_ETC, &second, later);
        Found *found;
        assert_int_equal(load(fixture, ROOT_ETC, &found), 1);
        assert_same(&found[0], &first);
        /* undoing the later switch leaves what the first one put */
        Error error;
        assert_ok(displaced_undo(fixture->database, later, &error));
        assert_int_equal(load(fixture, ROOT_ETC, &found), 1);
        assert_ok(displaced_undo(fixture->database, fixture->switch_id, &error));
        assert_int_equal(load(fixture, ROOT_ETC, &found), 0);
}

static void test_displaced_drop__is_one_path_of_one_profile(void **state) {
        Fixture *fixture = *state;
        Error error;
        const Found a = make_link("a", "x"), b = make_link("b", "x");
        put(fixture, ROOT_ETC, &a, fixture->switch_id);
        put(fixture, ROOT_ETC, &b, fixture->switch_id);
        put(fixture, ROOT_HOOKS, &a, fixture->switch_id);
        assert_ok(displaced_drop(fixture->database, "other", ROOT_ETC, "a", &error));
        assert_ok(displaced_drop(fixture->database, "system", ROOT_ETC, "a", &error));
        assert_ok(displaced_drop(fixture->database, "system", ROOT_ETC, "never there", &error));
        Found *found;
        assert_int_equal(load(fixture, ROOT_ETC, &found), 1);
        assert_string_equal(found[0].path, "b");
        assert_int_equal(load(fixture, ROOT_HOOKS, &found), 1);
}

static void test_displaced_put__refuses_what_cannot_come_back(void **state) {
        Fixture *fixture = *state;
        Found unread = make_file(fixture, "a", "x"), link = make_link("a", NULL);
        unread.content = NULL;
        const Found *const bad[] = { &unread, &link, &(Found){ .kind = FOUND_OTHER, .path = "a" },
                &(Found){ .kind = FOUND_NOTHING, .path = "a" },
                &(Found){ .kind = FOUND_MOUNT_POINT, .path = "a" } };
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                Error error;
                assert_error(displaced_put(fixture->database, "system", ROOT_ETC, bad[i],
                                             fixture->contents, fixture->switch_id, &error),
                                -EINVAL);
                int64_t id = 0;
                assert_error(saved_put(fixture->database, "system", ROOT_ETC, bad[i], false,
                                             fixture->contents, fixture->switch_id, &id, &error),
                                -EINVAL);
        }
}

static size_t n_saved(Fixture *fixture, SavedFile **ret_files) {
        Error error;
        size_t n_files = 0;
        assert_ok(saved_list(fixture->database, "system", fixture->contents, &fixture->arena,
                        ret_files, &n_files, &error));
        return n_files;
}

static void put_renewal(Fixture *fixture, const Found *found, int64_t switch_id) {
        Error error;
        int64_t id = 0;
        assert_ok(saved_put(fixture->database, "system", ROOT_ETC, found, false, fixture->contents,
                        switch_id, &id, &error));
        assert_ok(renewal_put(fixture->database, id, &error));
}

/* With its commit, and only then, the one displaces the other, which is saved. */
static void test_renewal__takes_the_place_with_the_commit(void **state) {
        Fixture *fixture = *state;
        Error error;
        Found first = make_file(fixture, "a", "one"), second = make_file(fixture, "a", "two");
        const Found fresh = make_link("b", "c");
        first.packaged = PACKAGED_LISTED;
        put(fixture, ROOT_ETC, &first, fixture->switch_id);
        int64_t later = begin_switch(fixture, "system"), other = begin_switch(fixture, "system");
        put_renewal(fixture, &second, later);
        put_renewal(fixture, &fresh, later);
        assert_ok(renewal_commit(fixture->database, other, &error));
        Found *found;
        SavedFile *files;
        assert_int_equal(load(fixture, ROOT_ETC, &found), 1);
        assert_same(&found[0], &first);
        assert_int_equal(n_saved(fixture, &files), 2);

        assert_ok(renewal_commit(fixture->database, later, &error));
        assert_int_equal(load(fixture, ROOT_ETC, &found), 2);
        assert_same(&found[0], &second);
        assert_same(&found[1], &fresh);
        assert_int_equal(n_saved(fixture, &files), 1);
        assert_same(&files[0].found, &first);
        assert_int_equal(packaged_is_there(fixture->database, "system", ROOT_ETC, "a", &error), 1);
        assert_int_equal(packaged_is_there(fixture->database, "system", ROOT_ETC, "b", &error), 1);
        assert_ok(renewal_commit(fixture->database, later, &error)); /* nothing more */
        assert_int_equal(load(fixture, ROOT_ETC, &found), 2);

        /* the mark goes with what it marks; the same again is not saved twice */
        put_renewal(fixture, &second, other);
        assert_ok(renewal_commit(fixture->database, other, &error));
        assert_int_equal(n_saved(fixture, &files), 1);
        assert_ok(displaced_drop(fixture->database, "system", ROOT_ETC, "a", &error));
        assert_int_equal(packaged_is_there(fixture->database, "system", ROOT_ETC, "a", &error), 0);
}

static void test_saved__every_one_is_kept(void **state) {
        Fixture *fixture = *state;
        Error error;
        const Found given[] = { make_file(fixture, "b", "one"), make_file(fixture, "b", "two"),
                make_link("a", "x") };
        int64_t ids[N_ELEMENTS(given)];
        for (size_t i = 0; i < N_ELEMENTS(given); i++)
                assert_ok(saved_put(fixture->database, "system", ROOT_ETC, &given[i], i == 1,
                                fixture->contents, fixture->switch_id, &ids[i], &error));
        SavedFile *files = NULL;
        size_t n_files = 0;
        assert_ok(saved_list(fixture->database, "system", fixture->contents, &fixture->arena,
                        &files, &n_files, &error));
        assert_int_equal(n_files, N_ELEMENTS(given));
        for (size_t i = 0; i < n_files; i++) {
                assert_int_equal(files[i].id, ids[i]);
                assert_int_equal(files[i].secret, i == 1);
                assert_int_equal(files[i].switch_id, fixture->switch_id);
                assert_int_equal(files[i].root, ROOT_ETC);
                assert_true(files[i].saved_usec > 1600000000000000);
                assert_same(&files[i].found, &given[i]);
                SavedFile one = { 0 };
                assert_ok(saved_get(fixture->database, ids[i], fixture->contents, &fixture->arena,
                                &one, &error));
                assert_same(&one.found, &given[i]);
        }
        SavedFile none = { 0 };
        assert_error(saved_get(fixture->database, 99, fixture->contents, &fixture->arena, &none,
                                     &error),
                        -ENOENT);
        assert_ok(saved_list(fixture->database, "other", fixture->contents, &fixture->arena, &files,
                        &n_files, &error));
        assert_int_equal(n_files, 0);
}

#define FIXTURE_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_displaced__comes_back_as_it_was),
                FIXTURE_TEST(test_displaced__is_found_by_path),
                FIXTURE_TEST(test_displaced__the_content_is_stored),
                FIXTURE_TEST(test_displaced__the_first_one_stays),
                FIXTURE_TEST(test_displaced_drop__is_one_path_of_one_profile),
                FIXTURE_TEST(test_displaced_put__refuses_what_cannot_come_back),
                FIXTURE_TEST(test_renewal__takes_the_place_with_the_commit),
                FIXTURE_TEST(test_saved__every_one_is_kept),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
