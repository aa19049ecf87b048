/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/apply.h"
#include "base/clock.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#define SECOND UINT64_C(1000000)

typedef struct World {
        char path[32];
        Contents *contents;
        Strv lines, environment;
} World;

static void world_init(World *world) {
        *world = (World){ .path = "/tmp/apply-XXXXXX" };
        assert_non_null(mkdtemp(world->path));
        world->contents = contents_new();
        assert_non_null(world->contents);
        assert_int_equal(strv_add(&world->environment, "PATH=/usr/bin:/bin"), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;
        return remove(path);
}

static void world_done(World *world) {
        strv_done(&world->lines);
        strv_done(&world->environment);
        contents_free(world->contents);
        assert_int_equal(nftw(world->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static Content *content_of(World *world, const char *text) {
        Content *content = NULL;
        Error error;
        assert_int_equal(contents_add(world->contents, text, strlen(text), &content, &error), 0);
        return content;
}

static void keep(void *userdata, const char *line) {
        World *world = userdata;
        assert_int_equal(strv_add(&world->lines, line), 0);
}

static int run_hook(World *world, const char *text, uint64_t timeout_usec, Error *reterr) {
        Entry hook = { .root = ROOT_HOOKS,
                .kind = ENTRY_FILE,
                .path = "10-test",
                .mode = 0755,
                .content = content_of(world, text) };
        return apply_hook(&hook, &world->environment, timeout_usec, keep, world, reterr);
}

static void test_apply__a_hook_is_heard_line_by_line(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        assert_int_equal(strv_add(&world.environment, "SAID=hello"), 0);
        int r = run_hook(&world,
                        "#!/bin/sh\necho $SAID\necho error >&2\npwd\nprintf 'no end'\nexit 7\n",
                        10 * SECOND, &error);
        assert_int_equal(r, 7);
        assert_int_equal(world.lines.n_items, 4);
        assert_string_equal(world.lines.items[0], "hello");
        assert_string_equal(world.lines.items[1], "error");
        assert_string_equal(world.lines.items[2], "/");
        assert_string_equal(world.lines.items[3], "no end");
        world_done(&world);
}

/* No descriptor of ours, and nothing to read. */
static void test_apply__a_hook_inherits_nothing(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        int fd = open("/dev/zero", O_RDONLY); /* NOLINT: it shall be inheritable */
        assert_true(fd >= 0);
        int r = run_hook(&world,
                        "#!/bin/sh\nread x && exit 1\n[ -z \"${HOME-}\" ] || exit 2\n"
                        "for f in /proc/$$/fd/*; do readlink $f; done\nexit 0\n",
                        10 * SECOND, &error);
        assert_int_equal(close(fd), 0);
        assert_int_equal(r, 0);
        size_t n_pipes = 0;
        for (size_t i = 0; i < world.lines.n_items; i++) {
                assert_string_not_equal(world.lines.items[i], "/dev/zero");
                n_pipes += strncmp(world.lines.items[i], "pipe:", strlen("pipe:")) == 0;
        }
        assert_string_equal(world.lines.items[0], "/dev/null");
        assert_int_equal(n_pipes, 2); /* standard output and error */
        world_done(&world);
}

static void test_apply__a_signal_is_128_and_more(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        assert_int_equal(run_hook(&world, "#!/bin/sh\nkill -KILL $$\n", 10 * SECOND, &error),
                        128 + SIGKILL);
        world_done(&world);
}

static void test_apply__what_cannot_be_executed_is_an_error(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        assert_int_equal(run_hook(&world, "echo no interpreter\n", 10 * SECOND, &error), -ENOEXEC);
        assert_string_equal(error.message, "10-test: Exec format error");
        assert_int_equal(run_hook(&world, "#!/nonexistent/sh\n", 10 * SECOND, &error), -ENOENT);
        world_done(&world);
}

/* The shell does not hear SIGTERM, and its child is of its group: both are gone in the end. */
static void test_apply__the_deadline_ends_the_whole_group(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        uint64_t begin = now_usec();
        int r = run_hook(&world,
                        "#!/bin/bash\ntrap 'echo TERM' TERM\nsleep 1000 &\necho $!\n"
                        "while :; do wait; sleep 1000 & done\n",
                        SECOND / 5, &error);
        assert_int_equal(r, -ETIMEDOUT);
        assert_string_equal(error.message, "10-test: killed at its deadline");
        assert_true(now_usec() - begin < 20 * SECOND);
        assert_true(world.lines.n_items >= 2);
        assert_string_equal(world.lines.items[1], "TERM");
        char path[64], status[512] = "";
        (void) snprintf(path, sizeof(path), "/proc/%s/stat", world.lines.items[0]); /* fits */
        FILE *file = fopen(path, "re");
        if (file) { /* not reaped yet, perhaps, but no longer alive */
                assert_non_null(fgets(status, sizeof(status), file));
                assert_int_equal(fclose(file), 0);
                assert_non_null(strstr(status, ") Z"));
        }
        world_done(&world);
}

/* A child that goes on, with our pipe, does not hold us up. */
static void test_apply__what_a_hook_leaves_behind_is_not_waited_for(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        int r = run_hook(&world, "#!/bin/sh\nsleep 30 &\necho $!\n", 20 * SECOND, &error);
        assert_int_equal(r, 0);
        assert_int_equal(world.lines.n_items, 1);
        assert_int_equal(kill((pid_t) strtol(world.lines.items[0], NULL, 10), SIGKILL),
                        0); /* it is there */
        world_done(&world);
}

static void test_apply__a_long_line_is_cut(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        int r = run_hook(&world, "#!/bin/bash\nprintf '%100000s\\nnext\\n' x\n", 20 * SECOND,
                        &error);
        assert_int_equal(r, 0);
        assert_int_equal(world.lines.n_items, 2);
        assert_int_equal(strlen(world.lines.items[0]), 4095);
        assert_string_equal(world.lines.items[1], "next");
        world_done(&world);
}

static void read_file(const World *world, const char *name, char *text, size_t size) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", world->path, name); /* fits */
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        size_t n = fread(text, 1, size - 1, file);
        text[n] = 0;
        assert_int_equal(fclose(file), 0);
}

static void make_directory(const World *world, const char *name) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", world->path, name); /* fits */
        assert_int_equal(mkdir(path, 0755), 0);
}

/* Two files that are not in place yet, the first of which needs the other's group. */
static void test_apply__sysusers_of_files_as_they_will_be(void **state) {
        (void) state;
        if (geteuid() != 0)
                skip(); /* chown */
        World world;
        Error error;
        char text[4096];
        world_init(&world);
        make_directory(&world, "etc");
        const SysusersFile files[] = {
                { "/etc/sysusers.d/a.conf", content_of(&world, "u web 700:shared \"Web\"\n") },
                { "/etc/sysusers.d/b.conf", content_of(&world, "g shared 701\n") },
        };
        int r = apply_sysusers(world.path, files, N_ELEMENTS(files), 20 * SECOND, &error);
        if (r < 0)
                fail_msg("%s", error.message);
        read_file(&world, "etc/passwd", text, sizeof(text));
        assert_non_null(strstr(text, "web:x:700:701:Web:"));
        read_file(&world, "etc/group", text, sizeof(text));
        assert_non_null(strstr(text, "shared:x:701:"));
        world_done(&world);
}

static void test_apply__sysusers_says_what_is_wrong(void **state) {
        (void) state;
        World world;
        Error error;
        world_init(&world);
        make_directory(&world, "etc");
        const SysusersFile file = { "/etc/sysusers.d/a.conf",
                content_of(&world, "u web not-a-number\n") };
        assert_int_equal(apply_sysusers(world.path, &file, 1, 20 * SECOND, &error), -EIO);
        assert_non_null(strstr(error.message, "systemd-sysusers ended with status 1: "));
        assert_non_null(strstr(error.message, "not-a-number"));
        world_done(&world);
}

static void put_file(const World *world, const char *name, const char *text) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", world->path, name); /* fits */
        FILE *file = fopen(path, "wxe");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static bool is_there(const World *world, const char *name) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", world->path, name); /* fits */
        return access(path, F_OK) == 0;
}

static void test_apply__tmpfiles_of_the_named_files_only(void **state) {
        (void) state;
        if (geteuid() != 0)
                skip(); /* chown */
        World world;
        Error error;
        cleanup_strv Strv paths = { 0 };
        world_init(&world);
        make_directory(&world, "etc");
        make_directory(&world, "etc/tmpfiles.d");
        put_file(&world, "etc/tmpfiles.d/a.conf", "d /made 0750 root root\nd! /at-boot\n");
        put_file(&world, "etc/tmpfiles.d/other.conf", "d /of-another\n");
        put_file(&world, "etc/tmpfiles.d/README", "nonsense\n");
        assert_int_equal(strv_add(&paths, "/etc/tmpfiles.d/README"), 0);
        assert_int_equal(apply_tmpfiles(world.path, &paths, 20 * SECOND, &error), 0);
        assert_false(is_there(&world, "of-another"));
        assert_int_equal(strv_add(&paths, "/etc/tmpfiles.d/a.conf"), 0);
        int r = apply_tmpfiles(world.path, &paths, 20 * SECOND, &error);
        if (r < 0)
                fail_msg("%s", error.message);
        assert_true(is_there(&world, "made"));
        assert_false(is_there(&world, "at-boot"));
        assert_false(is_there(&world, "of-another"));
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_apply__a_hook_is_heard_line_by_line),
                cmocka_unit_test(test_apply__a_hook_inherits_nothing),
                cmocka_unit_test(test_apply__a_signal_is_128_and_more),
                cmocka_unit_test(test_apply__what_cannot_be_executed_is_an_error),
                cmocka_unit_test(test_apply__the_deadline_ends_the_whole_group),
                cmocka_unit_test(test_apply__what_a_hook_leaves_behind_is_not_waited_for),
                cmocka_unit_test(test_apply__a_long_line_is_cut),
                cmocka_unit_test(test_apply__sysusers_of_files_as_they_will_be),
                cmocka_unit_test(test_apply__sysusers_says_what_is_wrong),
                cmocka_unit_test(test_apply__tmpfiles_of_the_named_files_only),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
