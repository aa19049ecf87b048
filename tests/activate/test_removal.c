/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/removal.h"
#include "base/cleanup.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

typedef struct World {
        char path[64]; /* absolute */
        char *root;    /* PATH/root, which is removed */
        int fd;        /* of PATH */
} World;

static int set_up(void **state) {
        World *world = calloc(1, sizeof(World));
        assert_non_null(world);
        (void) strcpy(world->path, "/tmp/removal-XXXXXX");
        assert_non_null(mkdtemp(world->path));
        assert_true(asprintf(&world->root, "%s/root", world->path) > 0);
        world->fd = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(world->fd >= 0);
        assert_int_equal(mkdirat(world->fd, "root", 0755), 0);
        assert_int_equal(mkdirat(world->fd, "kept", 0755), 0);
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        assert_int_equal(removal_run(world->path, NULL), 0);
        (void) close(world->fd);
        free(world->root);
        free(world);
        return 0;
}

static void make_file(const World *world, const char *path) {
        cleanup_fd int fd = openat(world->fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
}

static bool is_there(const World *world, const char *path) {
        return faccessat(world->fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_removal__all_that_is_in_it(void **state) {
        World *world = *state;
        Error error;
        assert_int_equal(mkdirat(world->fd, "root/a", 0755), 0);
        assert_int_equal(mkdirat(world->fd, "root/a/b", 0000), 0);
        make_file(world, "root/a/file");
        make_file(world, "root/file");
        assert_int_equal(mknodat(world->fd, "root/a/fifo", S_IFIFO | 0600, 0), 0);
        assert_int_equal(removal_run(world->root, &error), 0);
        assert_false(is_there(world, "root"));
        assert_int_equal(removal_run(world->root, &error), 0); /* as often as one likes */
}

static void test_removal__never_through_a_link(void **state) {
        World *world = *state;
        Error error;
        make_file(world, "kept/file");
        assert_int_equal(symlinkat("../kept", world->fd, "root/link"), 0);
        assert_int_equal(symlinkat("root", world->fd, "way"), 0);
        cleanup_free char *way = NULL, *below = NULL;
        assert_true(asprintf(&way, "%s/way", world->path) > 0);
        assert_true(asprintf(&below, "%s/way/link", world->path) > 0);
        assert_int_equal(removal_run(way, &error), -ELOOP);
        assert_int_equal(removal_run(below, &error), -ELOOP);
        assert_true(is_there(world, "root/link"));
        assert_int_equal(removal_run(world->root, &error), 0);
        assert_true(is_there(world, "kept/file"));
}

/* Deeper than there are descriptors, and than a path can be long. */
static void test_removal__however_deep(void **state) {
        World *world = *state;
        Error error;
        cleanup_fd int fd = openat(world->fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (int i = 0; i < 3000; i++) {
                assert_int_equal(mkdirat(fd, "deep", 0755), 0);
                int next = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(next >= 0);
                (void) close(fd);
                fd = next;
        }
        assert_int_equal(mkdirat(world->fd, "root/.sysswitch-deep-0", 0755), 0);
        assert_int_equal(removal_run(world->root, &error), 0);
        assert_false(is_there(world, "root"));
}

/* In namespaces of its own; 77: it may not have any. */
static int try_mounted(const World *world) {
        cleanup_free char *place = NULL, *kept = NULL;
        Error error;
        if (asprintf(&place, "%s/root/a b", world->path) < 0 ||
                        asprintf(&kept, "%s/kept", world->path) < 0)
                return 1;
        if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0 ||
                        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                        mount(kept, place, NULL, MS_BIND, NULL) < 0)
                return 77;
        if (removal_run(world->root, &error) != -EXDEV || !strstr(error.message, "root/a b"))
                return 1;
        return is_there(world, "kept/file") && is_there(world, "root/file") ? 0 : 1;
}

static void test_removal__nothing_where_something_is_mounted(void **state) {
        World *world = *state;
        int status = 0;
        make_file(world, "kept/file");
        make_file(world, "root/file");
        assert_int_equal(mkdirat(world->fd, "root/a b", 0755), 0);
        pid_t pid = fork();
        if (pid == 0)
                _exit(try_mounted(world));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                skip();
        assert_int_equal(WEXITSTATUS(status), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_removal__all_that_is_in_it),
                TEST(test_removal__never_through_a_link),
                TEST(test_removal__however_deep),
                TEST(test_removal__nothing_where_something_is_mounted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
