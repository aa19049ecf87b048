/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/distribution.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

/* An image in a directory. */
typedef struct World {
        char path[32];
        int root_fd;
        Contents *contents;
        DistributionUnits *units;
} World;

static void make_parents(int root_fd, const char *path) {
        char part[256];
        for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                (void) snprintf(part, sizeof(part), "%.*s", (int) (slash - path), path); /* fits */
                assert_true(mkdirat(root_fd, part, 0755) == 0 || errno == EEXIST);
        }
}

static void put_file(World *world, const char *path, const char *text, mode_t mode) {
        make_parents(world->root_fd, path);
        int fd = openat(world->root_fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(close(fd), 0);
}

static void put_link(World *world, const char *path, const char *target) {
        make_parents(world->root_fd, path);
        assert_int_equal(symlinkat(target, world->root_fd, path), 0);
}

static void world_init(World *world) {
        *world = (World){ .path = "/tmp/distribution-XXXXXX" };
        assert_non_null(mkdtemp(world->path));
        world->root_fd = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(world->root_fd >= 0);
        world->contents = contents_new();
        assert_non_null(world->contents);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;
        return remove(path);
}

static void world_done(World *world) {
        distribution_free(world->units);
        contents_free(world->contents);
        assert_int_equal(close(world->root_fd), 0);
        assert_int_equal(nftw(world->path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int ask(World *world, const char *unit, const char **ret_path, Content **ret_content) {
        Error error;
        if (!world->units)
                assert_int_equal(distribution_new(world->root_fd, world->contents, &world->units,
                                                 &error),
                                0);
        Distribution distribution = distribution_of(world->units);
        return distribution.read_unit(distribution.userdata, unit, ret_path, ret_content, &error);
}

static void assert_unit(World *world, const char *unit, const char *path, const char *text) {
        const char *found = NULL;
        Content *content = NULL;
        assert_int_equal(ask(world, unit, &found, &content), DISTRIBUTION_UNIT);
        assert_string_equal(found, path);
        assert_string_equal(content->data, text);
}

static void assert_answer(World *world, const char *unit, DistributionAnswer answer) {
        const char *found = NULL;
        Content *content = NULL;
        assert_int_equal(ask(world, unit, &found, &content), answer);
        assert_null(found);
        assert_null(content);
}

static void test_distribution__the_nearer_directory_wins(void **state) {
        (void) state;
        World world;
        world_init(&world);
        put_file(&world, "usr/local/lib/systemd/system/a.service", "local", 0644);
        put_file(&world, "usr/lib/systemd/system/a.service", "usr", 0644);
        put_file(&world, "usr/lib/systemd/system/b.service", "b", 0644);
        put_file(&world, "lib/systemd/system/b.service", "of lib", 0644);
        put_file(&world, "lib/systemd/system/c@.service", "c", 0644);
        put_file(&world, "etc/systemd/system/d.service", "d", 0644);
        put_file(&world, "run/systemd/system/d.service", "d", 0644);
        assert_unit(&world, "a.service", "/usr/local/lib/systemd/system/a.service", "local");
        assert_unit(&world, "b.service", "/lib/systemd/system/b.service", "of lib");
        assert_unit(&world, "c@.service", "/lib/systemd/system/c@.service", "c");
        assert_answer(&world, "d.service", DISTRIBUTION_NO_UNIT);
        assert_answer(&world, "e.service", DISTRIBUTION_NO_UNIT);
        assert_answer(&world, "c@x.service", DISTRIBUTION_NO_UNIT);
        assert_answer(&world, "../a.service", DISTRIBUTION_NO_UNIT);
        world_done(&world);
}

/* One directory by two names: by the one that systemd was built with, as its links have it. */
static void test_distribution__merged_usr(void **state) {
        (void) state;
        for (int is_split = 0; is_split < 2; is_split++) {
                World world;
                world_init(&world);
                put_file(&world, "usr/lib/systemd/system/a.service", "a", 0644);
                put_link(&world, "lib", "usr/lib");
                put_file(&world, "usr/share/pkgconfig/systemd.pc",
                                is_split ? "prefix=/usr\nrootprefix=\nsystemdutildir=x\n"
                                         : "prefix=/usr\nrootprefix=/usr\nsystemdutildir=x\n",
                                0644);
                assert_unit(&world, "a.service",
                                is_split ? "/lib/systemd/system/a.service"
                                         : "/usr/lib/systemd/system/a.service",
                                "a");
                world_done(&world);
        }
}

static void test_distribution__aliases_are_answered_with_the_real_file(void **state) {
        (void) state;
        World world;
        world_init(&world);
        put_file(&world, "usr/lib/systemd/system/ssh.service", "ssh", 0644);
        put_link(&world, "usr/lib/systemd/system/sshd.service", "ssh.service");
        put_link(&world, "usr/lib/systemd/system/third.service",
                        "/usr/lib/systemd/system/sshd.service");
        put_file(&world, "usr/lib/systemd/system/getty@.service", "getty", 0644);
        put_link(&world, "usr/lib/systemd/system/autovt@.service", "getty@.service");
        put_link(&world, "usr/lib/systemd/system/loop.service", "pool.service");
        put_link(&world, "usr/lib/systemd/system/pool.service", "loop.service");
        put_link(&world, "usr/lib/systemd/system/gone.service", "nothing.service");
        assert_unit(&world, "sshd.service", "/usr/lib/systemd/system/ssh.service", "ssh");
        assert_unit(&world, "third.service", "/usr/lib/systemd/system/ssh.service", "ssh");
        assert_unit(&world, "autovt@.service", "/usr/lib/systemd/system/getty@.service", "getty");
        assert_answer(&world, "loop.service", DISTRIBUTION_NO_UNIT);
        assert_answer(&world, "gone.service", DISTRIBUTION_NO_UNIT);
        world_done(&world);
}

/* A link to a file that is no unit of its own is that unit, by the link's name. */
static void test_distribution__linked_from_elsewhere(void **state) {
        (void) state;
        World world;
        world_init(&world);
        put_file(&world, "opt/x/files/x.service", "x", 0644);
        put_link(&world, "usr/lib/systemd/system/x.service", "/opt/x/files/x.service");
        put_link(&world, "usr/lib/systemd/system/y.service", "../../../../opt/x/files/x.service");
        put_link(&world, "usr/lib/systemd/system/host.service", "/proc/self/status");
        assert_unit(&world, "x.service", "/usr/lib/systemd/system/x.service", "x");
        assert_unit(&world, "y.service", "/usr/lib/systemd/system/y.service", "x");
        assert_answer(&world, "host.service", DISTRIBUTION_NO_UNIT); /* not this host's */
        world_done(&world);
}

static void test_distribution__masks_and_empty_files_are_no_units(void **state) {
        (void) state;
        World world;
        world_init(&world);
        put_link(&world, "usr/lib/systemd/system/a.service", "/dev/null");
        put_file(&world, "usr/lib/systemd/system/b.service", "", 0644);
        put_file(&world, "usr/lib/systemd/system/c.service/file", "", 0644);
        put_file(&world, "etc/init.d/a", "#!/bin/sh\n", 0755);
        assert_answer(&world, "a.service", DISTRIBUTION_NO_UNIT);
        assert_answer(&world, "b.service", DISTRIBUTION_NO_UNIT);
        assert_answer(&world, "c.service", DISTRIBUTION_NO_UNIT);
        world_done(&world);
}

static void test_distribution__sysv_only(void **state) {
        (void) state;
        World world;
        world_init(&world);
        put_file(&world, "etc/init.d/old", "#!/bin/sh\n", 0755);
        put_file(&world, "etc/init.d/README", "text", 0644);
        put_file(&world, "etc/init.d/ssh", "#!/bin/sh\n", 0755);
        put_file(&world, "usr/lib/systemd/system/ssh.service", "ssh", 0644);
        assert_answer(&world, "old.service", DISTRIBUTION_SYSV_ONLY);
        assert_answer(&world, "old.socket", DISTRIBUTION_NO_UNIT);
        assert_answer(&world, "README.service", DISTRIBUTION_NO_UNIT);
        assert_unit(&world, "ssh.service", "/usr/lib/systemd/system/ssh.service", "ssh");
        world_done(&world);
}

static void test_distribution__a_huge_file_is_refused(void **state) {
        (void) state;
        World world;
        world_init(&world);
        put_file(&world, "usr/lib/systemd/system/a.service", "x", 0644);
        int fd = openat(world.root_fd, "usr/lib/systemd/system/a.service", O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, 16 << 20), 0);
        assert_int_equal(close(fd), 0);
        const char *path = NULL;
        Content *content = NULL;
        assert_int_equal(ask(&world, "a.service", &path, &content), -EFBIG);
        world_done(&world);
}

static void test_distribution__follows_no_link_that_is_made_inside(void **state) {
        (void) state;
        World world;
        Error error;
        const Distribution *inside = NULL;
        world_init(&world);
        put_file(&world, "usr/lib/systemd/systemd", "", 0755);
        put_file(&world, "c/whole/usr/lib/systemd/systemd", "", 0755);
        put_link(&world, "c/link", "/");
        put_link(&world, "c/up", "whole");
        assert_int_equal(distribution_new(world.root_fd, world.contents, &world.units, &error), 0);
        const Distribution units = distribution_of(world.units);
        assert_true(units.has_own_usr(units.userdata, "/c", "/whole"));
        assert_true(units.has_own_usr(units.userdata, "/c/whole", ""));
        assert_true(units.has_own_usr(units.userdata, "/c/up", "")); /* the host's own link */
        assert_false(units.has_own_usr(units.userdata, "/c", "/link"));
        assert_false(units.has_own_usr(units.userdata, "/c", "/up"));
        assert_int_equal(units.of_root(units.userdata, "/c", "/link", &inside, &error), -ELOOP);
        assert_int_equal(units.of_root(units.userdata, "/c", "/whole", &inside, &error), 0);
        assert_true(units.can_map_owners(units.userdata, world.path, "/c/link") ==
                        units.can_map_owners(units.userdata, world.path, ""));
        world_done(&world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_distribution__the_nearer_directory_wins),
                cmocka_unit_test(test_distribution__merged_usr),
                cmocka_unit_test(test_distribution__aliases_are_answered_with_the_real_file),
                cmocka_unit_test(test_distribution__linked_from_elsewhere),
                cmocka_unit_test(test_distribution__masks_and_empty_files_are_no_units),
                cmocka_unit_test(test_distribution__sysv_only),
                cmocka_unit_test(test_distribution__follows_no_link_that_is_made_inside),
                cmocka_unit_test(test_distribution__a_huge_file_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
