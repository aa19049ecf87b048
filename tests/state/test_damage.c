/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A damaged database gives an error that says what to do, or what was stored; never a crash, never
 * a wrong content. */
#include "state/displaced.h"
#include "state/generation.h"
#include "state/packaged.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { N_PATHS = 300, PAGE_BYTES = 16384 };

static const char *text_of(unsigned i) {
        static char text[256];
        (void) snprintf(text, sizeof(text), "[Unit]\nDescription=Number %u\n# %0*u\n", i,
                        100 + (int) i % 40, i); /* fits */
        return text;
}

/* A database of some pages, closed, with all in the file. */
static int setup(void **state) {
        if (scratch_setup(state) < 0)
                return -1;
        Error error;
        Database *database = NULL;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = tree_new();
        for (unsigned i = 0; i < N_PATHS; i++) {
                char path[64];
                (void) snprintf(path, sizeof(path), "systemd/system/number-%u.service",
                                i); /* fits */
                scratch_add_file(tree, contents, path, text_of(i));
        }
        scratch_seal(tree);
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        int64_t number = 0;
        assert_int_equal(tree_compare(NULL, tree, &changes, &n_changes), 0);
        assert_ok(database_open(scratch_path(state, "d"), DATABASE_WRITE, &database, &error));
        assert_ok(database_begin(database, &error));
        assert_ok(generation_store(database, "system", &(Generation){ 0 }, changes, n_changes,
                        &number, &error));
        assert_ok(database_commit(database, &error));
        database_close(database);
        return 0;
}

static char *read_file(void **state, size_t *ret_size) {
        cleanup_fd int fd = open(scratch_path(state, "d/state.db"), O_RDONLY | O_CLOEXEC);
        struct stat status;
        assert_int_equal(fstat(fd, &status), 0);
        char *bytes = malloc((size_t) status.st_size);
        assert_non_null(bytes);
        assert_int_equal(read(fd, bytes, (size_t) status.st_size), status.st_size);
        *ret_size = (size_t) status.st_size;
        return bytes;
}

static void put_file(void **state, const char *bytes, size_t size) {
        (void) remove(scratch_path(state, "d/state.db-wal")); /* may not be there */
        (void) remove(scratch_path(state, "d/state.db-shm")); /* likewise */
        scratch_write_bytes(state, "d/state.db", bytes, size);
}

/* What was put away, of which there is nothing here. */
static int read_kept(Database *database, Contents *contents, Error *error) {
        cleanup(arena_donep) Arena arena = { 0 };
        Found *found = NULL;
        SavedFile *files = NULL;
        size_t n = 0;
        int r = displaced_load(database, "system", ROOT_ETC, contents, &arena, &found, &n, error);
        if (r >= 0)
                r = saved_list(database, "system", contents, &arena, &files, &n, error);
        return r < 0 ? r : packaged_is_there(database, "system", ROOT_ETC, "a", error);
}

/* Returns 0, or the error of what reads everything. What is read without one is what was stored. */
static int read_all(void **state, Error *error) {
        cleanup(database_closep) Database *database = NULL;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = NULL;
        int r = database_open(scratch_path(state, "d"), DATABASE_READ, &database, error);
        if (r >= 0)
                r = generation_load(database, "system", 1, contents, &tree, error);
        if (r >= 0)
                r = read_kept(database, contents, error);
        if (r < 0)
                return r;
        for (size_t i = 0; i < tree->n_entries; i++) {
                const Entry *entry = &tree->entries[i];
                assert_non_null(entry->path);
                assert_true(entry->kind != ENTRY_FILE || entry->content);
                if (entry->kind != ENTRY_FILE)
                        continue;
                char *data = NULL;
                r = database_content_loader(database, entry->content, &data, error);
                if (r < 0)
                        return r;
                Digest digest;
                assert_int_equal(digest_of(data, entry->content->size_bytes, &digest), 0);
                assert_true(digest_equal(&digest, &entry->content->digest));
                free(data);
        }
        return 0;
}

static void test_damage__nothing_is_wrong_at_first(void **state) {
        Error error;
        assert_ok(read_all(state, &error));
        size_t size = 0;
        cleanup_free char *bytes = read_file(state, &size);
        assert_true(size > 4 * (size_t) PAGE_BYTES);
}

static void test_damage__garbage_is_refused(void **state) {
        size_t size = 0;
        cleanup_free char *bytes = read_file(state, &size);
        Error error;
        Database *database = NULL;
        memset(bytes, 'x', 100);
        put_file(state, bytes, size);
        assert_error(read_all(state, &error), -EBADMSG);
        assert_contains(error.message, "state.db: is damaged");
        assert_contains(error.message, "move it away");
        assert_error(database_open(scratch_path(state, "d"), DATABASE_WRITE, &database, &error),
                        -EBADMSG);
}

static void test_damage__another_programs_database_is_refused(void **state) {
        size_t size = 0;
        cleanup_free char *bytes = read_file(state, &size);
        Error error;
        memcpy(bytes + 68, "ABCD", 4); /* application_id: section 1.3 of SQLite's file format */
        put_file(state, bytes, size);
        assert_error(read_all(state, &error), -EBADMSG);
        assert_contains(error.message, "is not a database of sysswitch");
}

static void test_damage__a_cut_file_is_refused(void **state) {
        size_t size = 0;
        cleanup_free char *bytes = read_file(state, &size);
        for (size_t kept = 50; kept < size; kept += kept < PAGE_BYTES ? 4111 : PAGE_BYTES) {
                put_file(state, bytes, kept);
                Error error;
                assert_error(read_all(state, &error), -EBADMSG);
        }
}

static void test_damage__a_lost_page_is_never_a_crash(void **state) {
        size_t size = 0;
        cleanup_free char *bytes = read_file(state, &size);
        cleanup_free char *damaged = malloc(size);
        assert_non_null(damaged);
        unsigned n_refused = 0;
        for (size_t page = 0; page < size / PAGE_BYTES; page++)
                for (int fill = 0; fill < 3; fill++) {
                        memcpy(damaged, bytes, size);
                        size_t start = page * PAGE_BYTES + (page == 0 ? 100 : 0);
                        memset(damaged + start,
                                        fill == 0   ? 0
                                        : fill == 1 ? 0xff
                                                    : 'a',
                                        PAGE_BYTES - 100);
                        put_file(state, damaged, size);
                        Error error;
                        n_refused += read_all(state, &error) < 0;
                }
        assert_true(n_refused >= size / PAGE_BYTES);
}

static void test_damage__flipped_bits_are_found_or_do_no_harm(void **state) {
        size_t size = 0;
        cleanup_free char *bytes = read_file(state, &size);
        unsigned seed = 1, n_refused = 0;
        enum { N_FLIPS = 200 };
        for (unsigned i = 0; i < N_FLIPS; i++) {
                size_t at = ((size_t) rand_r(&seed) << 8 ^ (size_t) rand_r(&seed)) % size;
                char before = bytes[at];
                bytes[at] = (char) (bytes[at] ^ (1 << i % 8));
                put_file(state, bytes, size);
                bytes[at] = before;
                Error error;
                n_refused += read_all(state, &error) < 0;
        }
        assert_true(n_refused > N_FLIPS / 20); /* most of a file is contents */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                                test_damage__nothing_is_wrong_at_first, setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(
                                test_damage__garbage_is_refused, setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_damage__another_programs_database_is_refused,
                                setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(
                                test_damage__a_cut_file_is_refused, setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(
                                test_damage__a_lost_page_is_never_a_crash, setup, scratch_teardown),
                cmocka_unit_test_setup_teardown(test_damage__flipped_bits_are_found_or_do_no_harm,
                                setup, scratch_teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
