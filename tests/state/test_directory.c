/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/directory.h"
#include "state/stat_cache.h"
#include "state/statement.h"
#include "state/stored_content.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int read_source(void **state, Contents *contents, Source **ret_source, Error *error) {
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        return directory_read(scratch_path(state, "src"), NULL, contents, NULL, &cache, ret_source,
                        error);
}

/* Reads it and expects an error that has these words, and the path below the source. */
static void assert_refused(void **state, int code, const char *path, const char *words) {
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        Source *source = NULL;
        assert_error(read_source(state, contents, &source, &error), code);
        assert_null(source);
        assert_contains(error.message, scratch_path(state, path));
        assert_contains(error.message, words);
}

static void test_directory_read__takes_everything_as_it_is(void **state) {
        scratch_write(state, "src/profile.conf", "[Profile]\n");
        scratch_write(state, "src/units/a.service", "[Service]\n");
        scratch_write(state, "src/etc/a-b", "");
        scratch_write(state, "src/etc/a/b", "x");
        scratch_write(state, "src/hooks/10-x", "#!/bin/sh\n");
        scratch_write(state, "src/etc/ünit €𝄞", "x");
        scratch_make_directory(state, "src/etc/empty");
        scratch_link(state, "src/etc/link", "/nowhere/at all");
        assert_int_equal(chmod(scratch_path(state, "src/hooks/10-x"), 0700), 0);

        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_ok(read_source(state, contents, &source, &error));
        static const char *const wanted[] = { "etc", "etc/a", "etc/a-b", "etc/a/b", "etc/empty",
                "etc/link", "etc/ünit €𝄞", "hooks", "hooks/10-x", "profile.conf", "units",
                "units/a.service" };
        assert_int_equal(source->n_entries, N_ELEMENTS(wanted));
        for (size_t i = 0; i < N_ELEMENTS(wanted); i++)
                assert_string_equal(source->entries[i].path, wanted[i]);
        assert_int_equal(source_find(source, "etc/empty")->kind, SOURCE_DIRECTORY);
        assert_int_equal(source_find(source, "etc/link")->kind, SOURCE_LINK);
        assert_string_equal(source_find(source, "etc/link")->target, "/nowhere/at all");
        assert_true(source_find(source, "hooks/10-x")->executable);
        const SourceEntry *unit = source_find(source, "units/a.service");
        assert_false(unit->executable);
        assert_string_equal(unit->content->data, "[Service]\n");
        assert_int_equal(source_find(source, "etc/a-b")->content->size_bytes, 0);
        /* equal bytes are one content */
        assert_ptr_equal(source_find(source, "etc/a/b")->content,
                        source_find(source, "etc/ünit €𝄞")->content);
}

static void test_directory_read__leaves_out_what_is_no_source(void **state) {
        scratch_write(state, "src/.git/config", "x");
        scratch_write(state, "src/.gitignore", "x");
        scratch_write(state, "src/README.md", "x");
        scratch_write(state, "src/etc/.git", "gitdir: elsewhere");
        scratch_write(state, "src/etc/README", "x");
        assert_int_equal(mkfifo(scratch_path(state, "src/.git/fifo"), 0600), 0);
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_ok(read_source(state, contents, &source, &error));
        assert_int_equal(source->n_entries, 2);
        assert_non_null(source_find(source, "etc/README"));
}

static void test_directory_read__the_source_is_a_directory(void **state) {
        assert_refused(state, -ENOENT, "src", ": No such directory");
        scratch_write(state, "src", "x");
        assert_refused(state, -ENOTDIR, "src", ": Not a directory");
        scratch_remove(state, "src");
        scratch_write(state, "real/etc/motd", "x");
        scratch_link(state, "src", "real");
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_ok(read_source(state, contents, &source, &error)); /* the user named it */
        assert_non_null(source_find(source, "etc/motd"));
}

static void test_directory_read__follows_no_link(void **state) {
        scratch_write(state, "outside/secret", "x");
        scratch_link(state, "src/etc", "../outside");
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_ok(read_source(state, contents, &source, &error));
        assert_int_equal(source->n_entries, 1);
        assert_int_equal(source->entries[0].kind, SOURCE_LINK);
}

static void make_socket(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s",
                        path); /* fits: it is bound */
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
}

static void test_directory_read__refuses_special_files(void **state) {
        scratch_make_directory(state, "src/etc");
        assert_int_equal(mkfifo(scratch_path(state, "src/etc/pipe"), 0600), 0);
        assert_refused(state, -EBADMSG, "src/etc/pipe", "socket, pipe or device: remove it");
        scratch_remove(state, "src/etc/pipe");
        make_socket(scratch_path(state, "src/etc/socket"));
        assert_refused(state, -EBADMSG, "src/etc/socket", "socket, pipe or device: remove it");
}

static void test_directory_read__refuses_bad_names(void **state) {
        static const char *const names[] = { "new\nline", "tab\there", "del\x7f", "\xff", "cut\xc3",
                "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "c1\xc2\x85",
                "\xf8\x88\x80\x80\x80" };
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                char path[128];
                (void) snprintf(path, sizeof(path), "src/etc/%s", names[i]); /* fits */
                scratch_write(state, path, "x");
                assert_refused(state, -EBADMSG, "src/etc/", "not UTF-8: rename it");
                scratch_remove(state, path);
        }
        scratch_link(state, "src/etc/link", "a\nb");
        assert_refused(state, -EBADMSG, "src/etc/link", "target");
}

static void test_directory_read__has_limits(void **state) {
        char path[SOURCE_MAX_PATH_BYTES + 64] = "src";
        for (int i = 0; i <= SOURCE_MAX_DEPTH; i++)
                (void) strcat(path, "/d"); /* fits: two bytes for each of 65 */
        scratch_make_directory(state, path);
        assert_refused(state, -EBADMSG, path, "deeper than 64 directories: flatten it");
        scratch_remove(state, path);
        path[strlen(path) - 2] = 0;
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_ok(read_source(state, contents, &source, &error));
        assert_int_equal(source->n_entries, SOURCE_MAX_DEPTH);
}

static void test_directory_read__refuses_long_paths(void **state) {
        char path[SOURCE_MAX_PATH_BYTES + 64] = "src", name[201];
        memset(name, 'n', 200);
        name[200] = 0;
        for (int i = 0; i < 5; i++) {
                (void) strcat(path, "/");  /* fits: 1005 bytes */
                (void) strcat(path, name); /* likewise */
        }
        (void) strcat(path, "/123456789012345678"); /* fits: 1024 below the source, the most */
        scratch_write(state, path, "x");
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_ok(read_source(state, contents, &source, &error));
        assert_int_equal(strlen(source->entries[source->n_entries - 1].path),
                        SOURCE_MAX_PATH_BYTES - 1);
        scratch_write(state, strcat(path, "9a"), "x");
        Source *too_long = NULL;
        assert_error(read_source(state, contents, &too_long, &error), -EBADMSG);
}

static void test_directory_read__refuses_large_files(void **state) {
        scratch_write(state, "src/etc/large", "x");
        assert_int_equal(truncate(scratch_path(state, "src/etc/large"), SOURCE_MAX_FILE_BYTES + 1),
                        0);
        assert_refused(state, -EBADMSG, "src/etc/large", "larger than 64 MiB: keep it elsewhere");
}

/* A hundred thousand files take long to make: one directory is there as often as needed instead. */
static void test_directory_read__refuses_too_many(void **state) {
        enum { N_FILES = 1000, N_MOUNTS = SOURCE_MAX_ENTRIES / N_FILES };
        if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
                skip();
        assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        char path[64];
        for (int i = 0; i < N_FILES; i++) {
                (void) snprintf(path, sizeof(path), "src/etc/0/%d", i); /* fits */
                scratch_write(state, path, "x");
        }
        for (int i = 1; i < N_MOUNTS; i++) {
                (void) snprintf(path, sizeof(path), "src/etc/%d", i); /* fits */
                scratch_make_directory(state, path);
                assert_int_equal(mount(scratch_path(state, "src/etc/0"), scratch_path(state, path),
                                                 NULL, MS_BIND, NULL),
                                0);
        }
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        Source *source = NULL;
        int r = read_source(state, contents, &source, &error);
        for (int i = 1; i < N_MOUNTS; i++) {
                (void) snprintf(path, sizeof(path), "src/etc/%d", i); /* fits */
                assert_int_equal(umount(scratch_path(state, path)), 0);
        }
        assert_error(r, -EBADMSG);
        assert_contains(error.message, "more than 100000 files and directories: split it");
}

static void set_mode(void **state, const char *path, mode_t mode) {
        assert_int_equal(chmod(scratch_path(state, path), mode), 0);
}

static void test_directory_read__refuses_what_others_may_write(void **state) {
        scratch_write(state, "src/etc/motd", "x");
        set_mode(state, "src/etc/motd", 0666);
        assert_refused(state, -EPERM, "src/etc/motd", "everybody may write it: chmod o-w it");
        set_mode(state, "src/etc/motd", 0644);
        set_mode(state, "src/etc", 01777);
        assert_refused(state, -EPERM, "src/etc", "everybody may write it");
        set_mode(state, "src/etc", 0755);
        set_mode(state, "src", 0777);
        assert_refused(state, -EPERM, "src", "everybody may write it");
        set_mode(state, "src", 0755);
        set_mode(state, "", 0777);                   /* what lies above does not count */
        scratch_link(state, "src/etc/link", "motd"); /* mode 0777, as all links */
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_ok(read_source(state, contents, &source, &error));
}

static void set_owner(void **state, const char *path, uid_t uid, gid_t gid) {
        assert_int_equal(lchown(scratch_path(state, path), uid, gid), 0);
}

static void test_directory_read__refuses_other_owners(void **state) {
        if (geteuid() != 0)
                skip();
        static const char other[] = "belongs to another user than root and you: chown it";
        assert_int_equal(unsetenv("SUDO_UID"), 0);
        scratch_write(state, "src/etc/motd", "x");
        set_owner(state, "src/etc/motd", 65534, 0);
        assert_refused(state, -EPERM, "src/etc/motd", other);
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        assert_int_equal(setenv("SUDO_UID", "65534", 1), 0);
        assert_ok(read_source(state, contents, &source, &error));
        static const char *const no_uids[] = { "", "65533", "-1", "65534x", " 65534",
                "99999999999999999999" };
        for (size_t i = 0; i < N_ELEMENTS(no_uids); i++) {
                assert_int_equal(setenv("SUDO_UID", no_uids[i], 1), 0);
                assert_refused(state, -EPERM, "src/etc/motd", other);
        }
        assert_int_equal(unsetenv("SUDO_UID"), 0);
        set_owner(state, "src/etc/motd", 0, 0);
        scratch_link(state, "src/etc/link", "motd");
        set_owner(state, "src/etc/link", 65534, 0);
        assert_refused(state, -EPERM, "src/etc/link", other);
}

static void test_directory_read__a_group_of_the_trusted_may_write(void **state) {
        if (geteuid() != 0)
                skip();
        scratch_write(state, "src/etc/motd", "x");
        set_mode(state, "src/etc/motd", 0664);
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        set_owner(state, "src/etc/motd", 0, 0); /* root's own group */
        assert_ok(read_source(state, contents, &source, &error));
        static const char by_group[] = "others may write it by its group: chmod g-w it";
        set_owner(state, "src/etc/motd", 0, 65534); /* somebody's primary group */
        assert_refused(state, -EPERM, "src/etc/motd", by_group);
        set_owner(state, "src/etc/motd", 0, 54321); /* that nobody is known to be in */
        assert_refused(state, -EPERM, "src/etc/motd", by_group);
}

/* The stat cache. */

static Database *open_database(void **state) {
        Error error;
        Database *database = NULL;
        assert_ok(database_open(scratch_path(state, "d"), DATABASE_WRITE, &database, &error));
        return database;
}

static void store_contents(Database *database, Contents *contents, const Source *source) {
        Error error;
        for (size_t i = 0; i < source->n_entries; i++) {
                int64_t id = 0;
                if (source->entries[i].content)
                        assert_ok(database_store_content(database, contents,
                                        source->entries[i].content, &id, &error));
        }
}

/* Reads the source as a run does, and stores contents and cache. Returns how many files had to be
 * read. */
static size_t run(void **state, bool with_contents) {
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(database_closep) Database *database = open_database(state);
        cleanup(source_freep) Source *source = NULL;
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        assert_ok(directory_read(scratch_path(state, "src"), database, contents, NULL, &cache,
                        &source, &error));
        size_t n_read = 0;
        for (size_t i = 0; i < source->n_entries; i++)
                n_read += source->entries[i].content && source->entries[i].content->data;
        assert_ok(database_begin(database, &error));
        if (with_contents)
                store_contents(database, contents, source);
        assert_ok(directory_remember(database, cache, &error));
        assert_ok(database_commit(database, &error));
        return n_read;
}

static void write_files(void **state, int n_files, const char *text) {
        for (int i = 0; i < n_files; i++) {
                char path[64], unique[64];
                (void) snprintf(path, sizeof(path), "src/etc/%d", i);        /* fits */
                (void) snprintf(unique, sizeof(unique), "%s %d\n", text, i); /* fits */
                scratch_write(state, path, unique);
        }
}

static void test_stat_cache__unchanged_files_are_not_read_again(void **state) {
        write_files(state, 50, "one");
        scratch_let_age();
        assert_int_equal(run(state, true), 50);
        assert_int_equal(run(state, true), 0);
        /* same size, another text */
        write_files(state, 3, "two");
        scratch_let_age();
        assert_int_equal(run(state, true), 3);
        /* the mode is no content */
        set_mode(state, "src/etc/9", 0755);
        assert_int_equal(run(state, true), 4);
        /* so many new ones are worth to store it again */
        write_files(state, 40, "six");
        scratch_let_age();
        assert_int_equal(run(state, true), 40);
        assert_int_equal(run(state, true), 0);
}

static void test_stat_cache__files_that_went_are_forgotten(void **state) {
        write_files(state, 60, "one");
        scratch_let_age();
        (void) run(state, true); /* all 60 */
        scratch_remove(state, "src/etc/59");
        write_files(state, 40, "two");
        scratch_let_age();
        (void) run(state, true); /* the 40 */
        Error error;
        cleanup(database_closep) Database *database = open_database(state);
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        assert_ok(stat_cache_load(database, scratch_path(state, "src"), &cache, &error));
        assert_int_equal(cache->n_known, 59);
}

static void test_stat_cache__a_hit_has_the_right_content(void **state) {
        write_files(state, 40, "one");
        scratch_let_age();
        assert_int_equal(run(state, true), 40);
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(database_closep) Database *database = open_database(state);
        cleanup(source_freep) Source *source = NULL;
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        contents_set_loader(contents, database_content_loader, database);
        assert_ok(directory_read(scratch_path(state, "src"), database, contents, NULL, &cache,
                        &source, &error));
        for (int i = 0; i < 40; i++) {
                char path[64], unique[64];
                (void) snprintf(path, sizeof(path), "etc/%d", i);       /* fits */
                (void) snprintf(unique, sizeof(unique), "one %d\n", i); /* fits */
                Content *content = source_find(source, path)->content;
                assert_null(content->data);
                assert_ok(content_load(contents, content, &error));
                assert_string_equal(content->data, unique);
        }
}

static void test_stat_cache__young_stamps_are_not_kept(void **state) {
        static const int64_t msec = 1000 * 1000, sec = 1000 * msec;
        static const struct {
                int64_t mtime_age_nsec, ctime_age_nsec, now_nsec;
                bool kept;
        } rows[] = {
                { 100 * msec, 100 * msec, 10 * sec + 1, true },
                { 100 * msec, 5 * msec, 10 * sec + 1, false },
                { 5 * msec, 100 * msec, 10 * sec + 1, false },
                { -5 * sec, 100 * msec, 10 * sec + 1, false }, /* of the future: touch -d */
                { 1 * sec, 1 * sec, 10 * sec,
                                false }, /* a file system that only knows whole seconds */
                { 3 * sec, 3 * sec, 10 * sec, true },
        };
        Error error;
        scratch_make_directory(state, "src");
        cleanup(database_closep) Database *database = open_database(state);
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                cleanup(stat_cache_freep) StatCache *cache = NULL;
                assert_ok(stat_cache_load(database, scratch_path(state, "src"), &cache, &error));
                cache->now_nsec = rows[i].now_nsec;
                const FileStamp stamp = {
                        .inode = 1,
                        .mtime_nsec = rows[i].now_nsec - rows[i].mtime_age_nsec,
                        .ctime_nsec = rows[i].now_nsec - rows[i].ctime_age_nsec,
                };
                assert_int_equal(stat_cache_note(cache, &stamp, &(Digest){ 0 }), 0);
                assert_int_equal(cache->n_fresh, rows[i].kept);
        }
}

static void test_stat_cache__a_content_that_is_not_stored_is_not_known(void **state) {
        write_files(state, 40, "one");
        scratch_let_age();
        assert_int_equal(run(state, false), 40);
        assert_int_equal(run(state, true), 40);
        assert_int_equal(run(state, true), 0);
}

static void test_stat_cache__a_spoiled_one_is_none(void **state) {
        static const char *const spoilt[] = {
                "UPDATE stat_cache SET data = x''",
                "UPDATE stat_cache SET data = x'0011'",
                "UPDATE stat_cache SET data = zeroblob(length(data))",
                "UPDATE stat_cache SET data = substr(data, 1, length(data) - 1)",
                "UPDATE stat_cache SET data = substr(data, 1, length(data) - 72)",
                "UPDATE stat_cache SET data = CAST(substr(data, 1, 16) || zeroblob(length(data) - "
                "16) AS BLOB)",
                "DELETE FROM stat_cache",
        };
        write_files(state, 40, "one");
        scratch_let_age();
        for (size_t i = 0; i < N_ELEMENTS(spoilt); i++) {
                (void) run(state, true); /* 0 in the last round, 40 in the others */
                assert_int_equal(run(state, true), 0);
                Database *database = open_database(state);
                assert_int_equal(sqlite3_exec(database->handle, spoilt[i], NULL, NULL, NULL),
                                SQLITE_OK);
                database_close(database);
                assert_int_equal(run(state, true), 40);
        }
}

/* The first run of a host reads before there is a database, and opens it for writing later. */
static void test_directory_remember__into_another_database(void **state) {
        write_files(state, 40, "one");
        scratch_let_age();
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(source_freep) Source *source = NULL;
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        assert_ok(directory_read(
                        scratch_path(state, "src"), NULL, contents, NULL, &cache, &source, &error));
        Database *database = open_database(state);
        assert_ok(database_begin(database, &error));
        store_contents(database, contents, source);
        assert_ok(directory_remember(database, cache, &error));
        assert_ok(database_commit(database, &error));
        database_close(database);
        assert_int_equal(run(state, true), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_directory_read__takes_everything_as_it_is),
                TEST(test_directory_read__leaves_out_what_is_no_source),
                TEST(test_directory_read__the_source_is_a_directory),
                TEST(test_directory_read__follows_no_link),
                TEST(test_directory_read__refuses_special_files),
                TEST(test_directory_read__refuses_bad_names),
                TEST(test_directory_read__has_limits),
                TEST(test_directory_read__refuses_long_paths),
                TEST(test_directory_read__refuses_large_files),
                TEST(test_directory_read__refuses_too_many),
                TEST(test_directory_read__refuses_what_others_may_write),
                TEST(test_directory_read__refuses_other_owners),
                TEST(test_directory_read__a_group_of_the_trusted_may_write),
                TEST(test_stat_cache__unchanged_files_are_not_read_again),
                TEST(test_stat_cache__files_that_went_are_forgotten),
                TEST(test_stat_cache__a_hit_has_the_right_content),
                TEST(test_stat_cache__young_stamps_are_not_kept),
                TEST(test_stat_cache__a_content_that_is_not_stored_is_not_known),
                TEST(test_stat_cache__a_spoiled_one_is_none),
                TEST(test_directory_remember__into_another_database),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
