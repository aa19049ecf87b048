/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* schema.sql is the truth, the migrations are the way there, and the way can be walked from any
 * version. */
#include "state/generation.h"
#include "state/migrations.h"
#include "state/statement.h"
#include "tests/state/scratch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A second version of some later day, and one that goes wrong in the middle. */
static const char add_column[] = "ALTER TABLE profiles ADD COLUMN note TEXT;"
                                 "UPDATE profiles SET note = 'migrated';"
                                 "PRAGMA user_version = 2;";
static const char stumble[] = "UPDATE profiles SET source = 'half done';"
                              "INSERT INTO no_such_table VALUES (1);"
                              "PRAGMA user_version = 2;";
static const char without_version[] = "UPDATE profiles SET source = 'half done';";
static const char break_reference[] =
                "INSERT INTO debt (profile, uid, unit, verb, cause, invocation_id, since_usec) "
                "VALUES (99, 0, 'a.service', 'start', 'failed', '', 0);"
                "PRAGMA user_version = 2;";

static Database *open_as(void **state, DatabaseMode mode, const char *const *scripts) {
        Error error;
        Database *database = NULL;
        assert_ok(database_open_with(scratch_path(state, "d"), mode, scripts, &database, &error));
        return database;
}

static int try_open(void **state, DatabaseMode mode, const char *const *scripts, Error *error) {
        Database *database = NULL;
        int r = database_open_with(scratch_path(state, "d"), mode, scripts, &database, error);
        database_close(database);
        return r;
}

/* A first version with something in it. */
static void make_first(void **state) {
        Error error;
        const char *const first[] = { migrations[0], NULL };
        cleanup(database_closep) Database *database = open_as(state, DATABASE_WRITE, first);
        assert_int_equal(database_version(database), 1);
        assert_ok(profile_set_source(database, "system", "/srv/kept", &error));
}

static void assert_kept(Database *database) {
        Error error;
        cleanup(profile_donep) Profile profile = { 0 };
        assert_ok(profile_load(database, "system", &profile, &error));
        assert_string_equal(profile.source, "/srv/kept");
}

static char *query_text(sqlite3 *handle, const char *sql) {
        sqlite3_stmt *statement = NULL;
        assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        char *text = strdup((const char *) sqlite3_column_text(statement, 0));
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        return text;
}

/* ALTER TABLE writes a definition in its own way: only words count. */
static void normalize(char *text) {
        char *to = text;
        for (const char *from = text; *from; from++)
                if (!isspace((unsigned char) *from))
                        *to++ = *from;
        *to = 0;
}

static void test_schema__is_what_the_migrations_make(void **state) {
        static const char sql[] = "SELECT group_concat(type || ' ' || name || ' ' || coalesce(sql, "
                                  "''), char(10)) FROM "
                                  "(SELECT * FROM sqlite_schema ORDER BY type, name)";
        static const char sql_version[] = "SELECT application_id || ' ' || user_version FROM "
                                          "pragma_application_id, pragma_user_version";
        char path[4096], schema[64 * 1024];
        (void) snprintf(path, sizeof(path), "%s/state/schema.sql", getenv("SOURCE_DIR")); /* fits */
        cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = read(fd, schema, sizeof(schema) - 1);
        assert_in_range(size, 1, sizeof(schema) - 2);
        schema[size] = 0;
        sqlite3 *memory = NULL;
        assert_int_equal(sqlite3_open(":memory:", &memory), SQLITE_OK);
        assert_int_equal(sqlite3_exec(memory, schema, NULL, NULL, NULL), SQLITE_OK);
        cleanup(database_closep) Database *database = open_as(state, DATABASE_WRITE, migrations);
        cleanup_free char *wanted = query_text(memory, sql),
                          *have = query_text(database->handle, sql);
        cleanup_free char *wanted_version = query_text(memory, sql_version);
        cleanup_free char *have_version = query_text(database->handle, sql_version);
        normalize(wanted);
        normalize(have);
        assert_string_equal(have, wanted);
        assert_string_equal(have_version, wanted_version);
        assert_int_equal(database_version(database), N_MIGRATIONS);
        assert_int_equal(sqlite3_close(memory), SQLITE_OK);
}

static void test_migrate__an_old_file_is_brought_up(void **state) {
        make_first(state);
        const char *const two[] = { migrations[0], add_column, NULL };
        cleanup(database_closep) Database *database = open_as(state, DATABASE_WRITE, two);
        assert_int_equal(database_version(database), 2);
        assert_kept(database);
        cleanup_free char *note = query_text(database->handle, "SELECT note FROM profiles");
        assert_string_equal(note, "migrated");
}

static void test_migrate__from_nothing_takes_every_step(void **state) {
        const char *const two[] = { migrations[0], add_column, NULL };
        cleanup(database_closep) Database *database = open_as(state, DATABASE_WRITE, two);
        assert_int_equal(database_version(database), 2);
}

static void test_migrate__reading_an_old_file_leaves_it(void **state) {
        make_first(state);
        const char *const two[] = { migrations[0], add_column, NULL };
        cleanup(database_closep) Database *database = open_as(state, DATABASE_READ, two);
        assert_int_equal(database_version(database), 1);
        assert_kept(database);
}

static void test_migrate__a_newer_file_is_refused(void **state) {
        const char *const two[] = { migrations[0], add_column, NULL };
        database_close(open_as(state, DATABASE_WRITE, two));
        const char *const first[] = { migrations[0], NULL };
        Error error;
        assert_error(try_open(state, DATABASE_READ, first, &error), -EOVERFLOW);
        assert_contains(error.message, "newer sysswitch");
        assert_error(try_open(state, DATABASE_WRITE, first, &error), -EOVERFLOW);
}

static void test_migrate__one_that_stumbles_changes_nothing(void **state) {
        make_first(state);
        const char *const bad[] = { stumble, without_version, break_reference };
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                const char *const two[] = { migrations[0], bad[i], NULL };
                Error error;
                assert_true(try_open(state, DATABASE_WRITE, two, &error) < 0);
                const char *const first[] = { migrations[0], NULL };
                cleanup(database_closep) Database *database = open_as(state, DATABASE_WRITE, first);
                assert_int_equal(database_version(database), 1);
                assert_kept(database);
        }
}

static int run_sql(Database *database, const char *sql) {
        return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) & 0xff;
}

static const char *const good_rows[] = {
        "INSERT INTO profiles (id, name) VALUES (1, 'system')",
        "INSERT INTO contents (id, digest, size_bytes, data) VALUES (1, zeroblob(32), 1, "
        "x'61')",
        "INSERT INTO entries (profile, last, root, path, first, attributes, content) "
        "VALUES (1, 2147483647, 0, 'motd', 1, 420, 1)",
        "INSERT INTO switches (id, profile, state, verb, from_number, to_number, is_dirty, "
        "started_usec, "
        "n_actions, n_failed) VALUES (1, 1, 'intent', 'switch', 0, 1, 0, 0, 0, 0)",
        "INSERT INTO switch_actions (switch, sequence, unit, uid, verb) "
        "VALUES (1, 0, 'a.service', 4294967295, 'stop')",
};
/* Each alone is against what a constraint says. */
static const char *const bad_rows[] = {
        "INSERT INTO profiles (name) VALUES ('')",
        "INSERT INTO profiles (name) VALUES ('system')",
        "INSERT INTO profiles (name, newest) VALUES ('b', 'three')",
        "UPDATE profiles SET active = 1", /* never given */
        "INSERT INTO contents (digest, size_bytes, data) VALUES (zeroblob(31), 1, x'62')",
        "INSERT INTO contents (digest, size_bytes, data) VALUES (zeroblob(32), 1, x'61')",
        "INSERT INTO contents (digest, size_bytes, data) VALUES (randomblob(32), 2, x'61')",
        /* a file without content, with one that is not there; a link without target, with a
           content */
        "INSERT INTO entries (profile, last, root, path, first, attributes) VALUES (1, 9, "
        "0, 'a', 1, 420)",
        "INSERT INTO entries (profile, last, root, path, first, attributes, content) "
        "VALUES (1, 9, 0, 'a', 1, 420, 77)",
        "INSERT INTO entries (profile, last, root, path, first, attributes) VALUES (1, 9, "
        "0, 'a', 1, 4096)",
        "INSERT INTO entries (profile, last, root, path, first, attributes, target, "
        "content) "
        "VALUES (1, 9, 0, 'a', 1, 4096, 'b', 1)",
        /* no path, no generation, ends before it begins, no such profile, too many bits */
        "INSERT INTO entries (profile, last, root, path, first, attributes) VALUES (1, 9, "
        "0, '', 1, 8192)",
        "INSERT INTO entries (profile, last, root, path, first, attributes) VALUES (1, 9, "
        "0, 'a', 0, 8192)",
        "INSERT INTO entries (profile, last, root, path, first, attributes) VALUES (1, 3, "
        "0, 'a', 4, 8192)",
        "INSERT INTO entries (profile, last, root, path, first, attributes) VALUES (7, 9, "
        "0, 'a', 1, 8192)",
        "INSERT INTO entries (profile, last, root, path, first, attributes) VALUES (1, 9, "
        "0, 'a', 1, 65536)",
        "INSERT INTO entries (profile, last, root, path, first, attributes) "
        "VALUES (1, 2147483647, 0, 'motd', 1, 8192)",
        "UPDATE switches SET state = 'pending'",
        "INSERT INTO switch_actions (switch, sequence, unit, uid, verb) VALUES (1, 1, 'a', "
        "0, 'poke')",
        "INSERT INTO switch_actions (switch, sequence, unit, uid, verb) VALUES (9, 1, 'a', "
        "0, 'stop')",
        "INSERT INTO switch_actions (switch, sequence, unit, uid, verb) VALUES (1, 1, 'a', "
        "-1, 'stop')",
        "INSERT INTO debt (profile, uid, unit, verb, cause, invocation_id, since_usec) "
        "VALUES (1, 0, 'a', 'stop', 'bored', '', 0)",
        "INSERT INTO displaced (profile, root, path, switch, kind, mode, uid, gid, "
        "mtime_nsec) "
        "VALUES (1, 0, 'a', 1, 'socket', 420, 0, 0, 0)",
        "INSERT INTO displaced (profile, root, path, switch, kind, mode, uid, gid, "
        "mtime_nsec) "
        "VALUES (1, 0, 'a', 1, 'file', 420, 0, 0, 0)",
        "DELETE FROM contents", /* still referred to */
        /* a package's, and nothing is displaced there; of a file that is not saved */
        "INSERT INTO packaged (profile, root, path) VALUES (1, 0, 'a')",
        "INSERT INTO renewals (saved) VALUES (77)",
};

static void test_schema__refuses_what_has_no_meaning(void **state) {
        cleanup(database_closep) Database *database = open_as(state, DATABASE_WRITE, migrations);
        for (size_t i = 0; i < N_ELEMENTS(good_rows); i++)
                assert_int_equal(run_sql(database, good_rows[i]), SQLITE_OK);
        for (size_t i = 0; i < N_ELEMENTS(bad_rows); i++)
                if (run_sql(database, bad_rows[i]) != SQLITE_CONSTRAINT)
                        fail_msg("not refused by a constraint: %s: %s", bad_rows[i],
                                        sqlite3_errmsg(database->handle));
}

static void test_schema__attributes_read_as_columns(void **state) {
        cleanup(database_closep) Database *database = open_as(state, DATABASE_WRITE, migrations);
        assert_int_equal(run_sql(database, "INSERT INTO profiles (id, name) VALUES (1, 'system')"),
                        SQLITE_OK);
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = tree_new();
        const Entry entry = {
                .root = ROOT_HOOKS,
                .kind = ENTRY_FILE,
                .path = "10-x",
                .mode = 04751,
                .secret = true,
                .owner = "root",
                .group = "adm",
                .content = scratch_content(contents, "x"),
        };
        const TreeChange change = { .after = &entry };
        int64_t number = 0;
        assert_ok(generation_store(
                        database, "system", &(Generation){ 0 }, &change, 1, &number, &error));
        cleanup_free char *columns = query_text(database->handle,
                        "SELECT printf('%d %s %o %d %d %d %s %s', root, path, mode, kind, implied, "
                        "secret, owner, "
                        "owner_group) FROM entries");
        assert_string_equal(columns, "1 10-x 4751 0 0 1  adm");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_schema__is_what_the_migrations_make),
                TEST(test_migrate__an_old_file_is_brought_up),
                TEST(test_migrate__from_nothing_takes_every_step),
                TEST(test_migrate__reading_an_old_file_leaves_it),
                TEST(test_migrate__a_newer_file_is_refused),
                TEST(test_migrate__one_that_stumbles_changes_nothing),
                TEST(test_schema__refuses_what_has_no_meaning),
                TEST(test_schema__attributes_read_as_columns),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
