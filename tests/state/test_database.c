/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/generation.h"
#include "state/statement.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static Database *open_write(void **state) {
        Error error;
        Database *database = NULL;
        assert_ok(database_open(
                        scratch_path(state, "lib/sysswitch"), DATABASE_WRITE, &database, &error));
        return database;
}

static int open_read(void **state, Error *error, Database **ret_database) {
        return database_open(
                        scratch_path(state, "lib/sysswitch"), DATABASE_READ, ret_database, error);
}

static void set_source(Database *database, const char *source) {
        Error error;
        assert_ok(profile_set_source(database, "system", source, &error));
}

static void assert_source(Database *database, const char *source) {
        Error error;
        cleanup(profile_donep) Profile profile = { 0 };
        assert_ok(profile_load(database, "system", &profile, &error));
        if (source)
                assert_string_equal(profile.source, source);
        else
                assert_null(profile.source);
}

static mode_t mode_of(void **state, const char *path) {
        struct stat status;
        assert_int_equal(stat(scratch_path(state, path), &status), 0);
        return status.st_mode & 07777;
}

static void test_database_open__makes_it_private(void **state) {
        mode_t mask = umask(0);
        cleanup(database_closep) Database *database = open_write(state);
        (void) umask(mask);
        set_source(database, "/srv/a");
        assert_int_equal(mode_of(state, "lib"), 0755);
        assert_int_equal(mode_of(state, "lib/sysswitch"), 0700);
        assert_int_equal(mode_of(state, "lib/sysswitch/state.db"), 0600);
        assert_int_equal(mode_of(state, "lib/sysswitch/state.db-wal"), 0600);
        assert_int_equal(mode_of(state, "lib/sysswitch/state.db-shm"), 0600);
}

static int64_t pragma(Database *database, const char *sql) {
        sqlite3_stmt *statement = NULL;
        assert_int_equal(
                        sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        int64_t value = sqlite3_column_int64(statement, 0);
        if (sqlite3_column_type(statement, 0) == SQLITE_TEXT)
                value = strcmp((const char *) sqlite3_column_text(statement, 0), "wal") == 0;
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        return value;
}

static void test_database_open__is_durable_and_strict(void **state) {
        cleanup(database_closep) Database *database = open_write(state);
        assert_int_equal(pragma(database, "PRAGMA journal_mode"), 1);
        assert_int_equal(pragma(database, "PRAGMA synchronous"), 2); /* FULL */
        assert_int_equal(pragma(database, "PRAGMA foreign_keys"), 1);
        assert_int_equal(pragma(database, "PRAGMA application_id"), 0x53595357);
        assert_int_equal(pragma(database, "PRAGMA user_version"), database_version(database));
}

static void test_database_begin__unsynced_is_for_one_transaction(void **state) {
        Error error;
        cleanup(database_closep) Database *database = open_write(state);
        for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(database_begin_unsynced(database, &error), 0);
                assert_int_equal(pragma(database, "PRAGMA synchronous"), 1); /* NORMAL */
                if (i == 0)
                        assert_int_equal(database_commit(database, &error), 0);
                else
                        database_rollback(database);
                assert_int_equal(pragma(database, "PRAGMA synchronous"), 2);
        }
}

static void test_database_open__read_says_that_there_is_none(void **state) {
        Error error;
        Database *database = NULL;
        assert_error(open_read(state, &error, &database), -ENOENT);
        assert_contains(error.message, "state.db");
        assert_false(scratch_exists(state, "lib"));
        assert_null(database);
}

static void test_database_open__read_of_an_empty_file_is_none(void **state) {
        scratch_write(state, "lib/sysswitch/state.db", "");
        Error error;
        Database *database = NULL;
        assert_error(open_read(state, &error, &database), -ENOENT);
        /* and for a writer it is a beginning */
        cleanup(database_closep) Database *writer = open_write(state);
        set_source(writer, "/srv/a");
}

static void test_database_open__reads_beside_a_writer(void **state) {
        cleanup(database_closep) Database *writer = open_write(state);
        set_source(writer, "/srv/a");
        Error error;
        assert_ok(database_begin(writer, &error));
        set_source(writer, "/srv/b");

        cleanup(database_closep) Database *reader = NULL;
        assert_ok(open_read(state, &error, &reader));
        assert_source(reader, "/srv/a");
        assert_ok(database_commit(writer, &error));
        assert_source(reader, "/srv/a"); /* all of one moment */

        cleanup(database_closep) Database *later = NULL;
        assert_ok(open_read(state, &error, &later));
        assert_source(later, "/srv/b");
}

static void test_database_open__read_cannot_write(void **state) {
        database_close(open_write(state));
        Error error;
        cleanup(database_closep) Database *reader = NULL;
        assert_ok(open_read(state, &error, &reader));
        assert_true(profile_set_source(reader, "system", "/srv/a", &error) < 0);
}

static void test_database_close__keeps_what_was_committed(void **state) {
        for (int i = 0; i < 3; i++) {
                cleanup(database_closep) Database *database = open_write(state);
                Error error;
                assert_source(database, i == 0 ? NULL : "/srv/kept");
                set_source(database, "/srv/kept");
                assert_ok(database_begin(database, &error));
                set_source(database, "/srv/lost");
                /* closed in the middle */
        }
        Error error;
        cleanup(database_closep) Database *reader = NULL;
        assert_ok(open_read(state, &error, &reader));
        assert_source(reader, "/srv/kept");
}

static void test_database_rollback__takes_it_back(void **state) {
        cleanup(database_closep) Database *database = open_write(state);
        Error error;
        set_source(database, "/srv/a");
        database_rollback(database); /* none is open: nothing happens */
        assert_ok(database_begin(database, &error));
        set_source(database, "/srv/b");
        database_rollback(database);
        assert_source(database, "/srv/a");
        assert_ok(database_begin(database, &error));
        assert_ok(database_commit(database, &error));
}

/* A COMMIT that SQLite refuses leaves the transaction open: the next one could not begin. */
static void test_database_commit__a_failure_takes_it_back(void **state) {
        cleanup(database_closep) Database *database = open_write(state);
        Error error;
        set_source(database, "/srv/a");
        assert_ok(database_begin(database, &error));
        set_source(database, "/srv/b");
        assert_int_equal(sqlite3_exec(database->handle,
                                         "PRAGMA defer_foreign_keys = ON;"
                                         "INSERT INTO pins (profile, number) VALUES (1, 9)",
                                         NULL, NULL, NULL),
                        SQLITE_OK);
        assert_error(database_commit(database, &error), -EINVAL);
        assert_ok(database_begin(database, &error));
        assert_ok(database_commit(database, &error));
        assert_source(database, "/srv/a");
}

static void test_database_close__puts_a_long_log_into_the_file(void **state) {
        Database *database = open_write(state);
        Error error;
        cleanup_free char *large = malloc(4 * 1024 * 1024);
        assert_non_null(large);
        memset(large, 'x', 4 * 1024 * 1024);
        large[4 * 1024 * 1024 - 1] = 0;
        assert_ok(database_begin(database, &error));
        set_source(database, large);
        assert_ok(database_commit(database, &error));
        database_close(database);
        struct stat status;
        assert_int_equal(stat(scratch_path(state, "lib/sysswitch/state.db"), &status), 0);
        assert_true(status.st_size > 4 * 1024 * 1024);
        assert_true(stat(scratch_path(state, "lib/sysswitch/state.db-wal"), &status) < 0 ||
                        status.st_size == 0);
}

/* Runs in a process of its own as a user who is nobody. */
static int as_nobody(void **state, int (*function)(void **state)) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
                        _exit(2);
                _exit(function(state));
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int read_is_refused(void **state) {
        Error error = { 0 };
        Database *database = NULL;
        return open_read(state, &error, &database) == -EACCES && strstr(error.message, "needs root")
                               ? 0
                               : 1;
}

static int write_is_refused(void **state) {
        Error error = { 0 };
        Database *database = NULL;
        int r = database_open(
                        scratch_path(state, "lib/sysswitch"), DATABASE_WRITE, &database, &error);
        return r == -EACCES && strstr(error.message, "lib/sysswitch") ? 0 : 1;
}

static void test_database_open__a_user_without_rights_is_told(void **state) {
        if (geteuid() != 0)
                skip();
        database_close(open_write(state));
        assert_int_equal(chmod(scratch_path(state, ""), 0755), 0);
        assert_int_equal(as_nobody(state, read_is_refused), 0);
        assert_int_equal(as_nobody(state, write_is_refused), 0);
        /* readable, as in an image that root made for all to see: but a reader writes beside it */
        assert_int_equal(chmod(scratch_path(state, "lib/sysswitch"), 0755), 0);
        assert_int_equal(chmod(scratch_path(state, "lib/sysswitch/state.db"), 0644), 0);
        assert_int_equal(as_nobody(state, read_is_refused), 0);
        assert_int_equal(as_nobody(state, write_is_refused), 0);
}

static int use_as_owner(void **state) {
        Error error;
        cleanup(database_closep) Database *database = open_write(state);
        set_source(database, "/srv/a");
        cleanup(database_closep) Database *reader = NULL;
        assert_ok(open_read(state, &error, &reader));
        assert_source(reader, "/srv/a");
        return 0;
}

static void test_database_open__an_image_needs_no_root(void **state) {
        if (geteuid() != 0)
                skip();
        assert_int_equal(chown(scratch_path(state, ""), 65534, 65534), 0);
        assert_int_equal(as_nobody(state, use_as_owner), 0);
}

static void test_database_open__a_read_only_file_system_is_told(void **state) {
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
                skip();
        database_close(open_write(state));
        (void) remove(scratch_path(state, "lib/sysswitch/state.db-shm")); /* may not be there */
        (void) remove(scratch_path(state, "lib/sysswitch/state.db-wal")); /* likewise */
        const char *path = scratch_path(state, "lib");
        assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        assert_int_equal(mount(path, path, NULL, MS_BIND, NULL), 0);
        assert_int_equal(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
        Error error;
        Database *database = NULL;
        assert_error(open_read(state, &error, &database), -EROFS);
        assert_contains(error.message, "read-only file system");
        assert_error(database_open(scratch_path(state, "lib/sysswitch"), DATABASE_WRITE, &database,
                                     &error),
                        -EROFS);
        assert_int_equal(umount(path), 0);
}

/* What lies in an image may lead to this host, or to nothing that ever answers. */
static void test_database_open__takes_regular_files_only(void **state) {
        cleanup(database_closep) Database *outside = open_write(state);
        set_source(outside, "/srv/a");
        static const DatabaseMode modes[] = { DATABASE_READ, DATABASE_WRITE };
        scratch_make_directory(state, "image");
        for (size_t i = 0; i < 2 * N_ELEMENTS(modes); i++) {
                Database *database = NULL;
                Error error;
                if (i < 2)
                        scratch_link(state, "image/state.db", "../lib/sysswitch/state.db");
                else
                        assert_int_equal(mkfifo(scratch_path(state, "image/state.db"), 0600), 0);
                assert_error(database_open(scratch_path(state, "image"), modes[i % 2], &database,
                                             &error),
                                -EPERM);
                assert_contains(error.message, "no regular file");
                scratch_remove(state, "image/state.db");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_database_open__makes_it_private),
                TEST(test_database_open__is_durable_and_strict),
                TEST(test_database_begin__unsynced_is_for_one_transaction),
                TEST(test_database_open__read_says_that_there_is_none),
                TEST(test_database_open__read_of_an_empty_file_is_none),
                TEST(test_database_open__reads_beside_a_writer),
                TEST(test_database_open__read_cannot_write),
                TEST(test_database_close__keeps_what_was_committed),
                TEST(test_database_rollback__takes_it_back),
                TEST(test_database_commit__a_failure_takes_it_back),
                TEST(test_database_close__puts_a_long_log_into_the_file),
                TEST(test_database_open__a_user_without_rights_is_told),
                TEST(test_database_open__an_image_needs_no_root),
                TEST(test_database_open__a_read_only_file_system_is_told),
                TEST(test_database_open__takes_regular_files_only),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
