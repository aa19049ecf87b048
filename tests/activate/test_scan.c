/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/activate/fit_world.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Others write to the file while it is read, this often. The linker's --wrap leads read() here. */
static unsigned n_writes;
static int written_fd = -1;

ssize_t __real_read(int fd, void *data, size_t size_bytes);
ssize_t __wrap_read(int fd, void *data, size_t size_bytes);
ssize_t __wrap_read(int fd, void *data, size_t size_bytes) {
        ssize_t n = __real_read(fd, data, size_bytes);
        if (written_fd >= 0 && n > 0 && n_writes > 0) {
                n_writes--;
                assert_int_equal(pwrite(written_fd, "X", 1, 0), 1); /* the size stays */
        }
        return n;
}

static Scan *scan(World *world, const Sought *sought, size_t n_sought) {
        Scan *scan = NULL;
        Error error = { 0 };
        if (scan_new(&world->root, sought, n_sought, world->contents, &scan, &error) < 0)
                fail_msg("%s", error.message);
        assert_int_equal(scan->n_found, n_sought);
        for (size_t i = 0; i < n_sought; i++)
                assert_ptr_equal(scan->found[i].path, sought[i].path);
        return scan;
}

static void test_scan__tells_what_is_there(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d a 0750; f a/b one 04755; l a/l no/where; d a/c; f a/c/d two; p pipe; "
                           "f z empty");
        world_write(&world, "z", "");
        static const Sought sought[] = {
                { "a", true },
                { "a/b", true },
                { "a/c/d", false },
                { "a/l", true },
                { "a/none", true },
                { "pipe", true },
                { "z", true },
        };
        cleanup(scan_freep) Scan *got = scan(&world, sought, N_ELEMENTS(sought));
        const Found *found = got->found;
        assert_int_equal(found[0].kind, FOUND_DIRECTORY);
        assert_int_equal(found[0].mode, 0750);
        assert_int_equal(found[0].n_children, 3);
        assert_int_equal(found[1].kind, FOUND_FILE);
        assert_int_equal(found[1].mode, 04755);
        assert_int_equal(found[1].size_bytes, 3);
        assert_int_equal(found[1].mtime_nsec % 1000000000, 123456789);
        assert_int_equal(found[1].uid, geteuid());
        assert_string_equal(found[1].content->data, "one");
        assert_null(found[1].xattrs);
        assert_int_equal(found[2].kind, FOUND_FILE);
        assert_int_equal(found[2].size_bytes, 3);
        assert_null(found[2].content);
        assert_int_equal(found[3].kind, FOUND_LINK);
        assert_string_equal(found[3].target, "no/where");
        assert_int_equal(found[4].kind, FOUND_NOTHING);
        assert_null(found[4].blocked_by);
        assert_int_equal(found[5].kind, FOUND_OTHER);
        assert_int_equal(found[6].content->size_bytes, 0);
}

static void test_scan__never_follows_a_link(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d a; d a/real; f a/real/x one; l a/link real; f a/file one");
        static const Sought sought[] = {
                { "a/file/x", true },
                { "a/file/x/y", true },
                { "a/link", true },
                { "a/link/x", true },
                { "a/none/x/y", true },
                { "a/real/x", true },
                { "b/c/d", true },
        };
        cleanup(scan_freep) Scan *got = scan(&world, sought, N_ELEMENTS(sought));
        const Found *found = got->found;
        assert_int_equal(found[0].kind, FOUND_BLOCKED);
        assert_string_equal(found[0].blocked_by, "a/file");
        assert_int_equal(found[1].kind, FOUND_BLOCKED);
        assert_string_equal(found[1].blocked_by, "a/file");
        assert_int_equal(found[2].kind, FOUND_LINK);
        assert_int_equal(found[3].kind, FOUND_BLOCKED);
        assert_string_equal(found[3].blocked_by, "a/link");
        assert_int_equal(found[4].kind, FOUND_NOTHING);
        assert_string_equal(found[4].blocked_by, "a/none");
        assert_int_equal(found[5].kind, FOUND_FILE);
        assert_int_equal(found[6].kind, FOUND_NOTHING);
        assert_string_equal(found[6].blocked_by, "b");
}

static void test_scan__refuses_paths_that_lead_out(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d a");
        static const char *const paths[] = { "..", "../x", "a/../../x", "/etc", "a//b", "a/.", "",
                "a/" };
        for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
                const Sought sought = { paths[i], true };
                cleanup(scan_freep) Scan *got = NULL;
                Error error = { 0 };
                assert_int_equal(scan_new(&world.root, &sought, 1, world.contents, &got, &error),
                                -EINVAL);
                assert_non_null(strstr(error.message, paths[i]));
        }
}

static void test_scan__reads_extended_attributes(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a one; d d; l l t");
        if (!world_set_xattr(&world, "a", "user.b", "two", 3) ||
                        !world_set_xattr(&world, "a", "user.a", "", 0))
                return;
        size_t expected = strlen("user.a") + 1 + 4 + strlen("user.b") + 1 + 4 + 3;
        bool has_trusted = world_set_xattr(&world, "l", "trusted.x", "y", 1);
        static const Sought sought[] = { { "a", true }, { "d", true }, { "l", true } };
        cleanup(scan_freep) Scan *got = scan(&world, sought, N_ELEMENTS(sought));
        const Found *found = got->found;
        assert_int_equal(found[0].xattrs_size_bytes, expected);
        assert_memory_equal(found[0].xattrs, "user.a\0\0\0\0\0user.b\0\3\0\0\0two", expected);
        assert_null(found[1].xattrs);
        assert_int_equal(found[2].xattrs != NULL, has_trusted);
}

static void test_scan__knows_mount_points(void **state) {
        (void) state;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                print_message("left out: mount points: %s\n", strerror(errno));
                return;
        }
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d a; d a/m; f f one");
        cleanup_free char *directory = NULL, *file = NULL;
        assert_true(asprintf(&directory, "%s/a/m", world.path) > 0 &&
                        asprintf(&file, "%s/f", world.path) > 0);
        assert_int_equal(mount("none", directory, "tmpfs", 0, NULL), 0);
        assert_int_equal(mount("/proc/self/status", file, NULL, MS_BIND, NULL), 0);
        static const Sought sought[] = { { "a/m", true }, { "a/m/x", true }, { "f", true } };
        cleanup(scan_freep) Scan *got = scan(&world, sought, N_ELEMENTS(sought));
        assert_int_equal(umount(directory), 0);
        assert_int_equal(umount(file), 0);
        assert_int_equal(got->found[0].kind, FOUND_MOUNT_POINT);
        assert_int_equal(got->found[1].kind, FOUND_BLOCKED);
        assert_string_equal(got->found[1].blocked_by, "a/m");
        assert_int_equal(got->found[2].kind, FOUND_MOUNT_POINT);
}

static void test_scan__does_not_read_a_huge_file(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a one");
        cleanup_fd int fd = openat(world.root.fd, "a", O_WRONLY | O_CLOEXEC);
        assert_int_equal(ftruncate(fd, (off_t) FOUND_MAX_FILE_BYTES + 1), 0);
        const Sought sought = { "a", true };
        cleanup(scan_freep) Scan *got = scan(&world, &sought, 1);
        assert_int_equal(got->found[0].kind, FOUND_FILE);
        assert_null(got->found[0].content);
}

static void test_scan__reads_no_more_than_the_limit(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        cleanup(scan_freep) Scan *got = NULL;
        Error error = { 0 };
        world_init(&world, NULL);
        world_make(&world, "f a one; f b 1234; f c 123456; f d 12; f e two");
        cleanup(tree_freep) Tree *tree = tree_from_words(
                        world.contents, "f a aaa; f b aaa; f c aaa; f d aaa; f e aaa");
        const Sought sought[] = { { "a", true }, { "b", true }, { "c", true }, { "d", true },
                { "e", true } };
        const ScanLimit limit = { tree, ROOT_ETC, 6 }, none = { tree, ROOT_ETC, 0 };
        assert_int_equal(scan_new_limited(&world.root, sought, N_ELEMENTS(sought), &limit,
                                         world.contents, &got, &error),
                        0);
        assert_non_null(got->found[0].content); /* as large as it is declared: costs nothing */
        assert_non_null(got->found[1].content);
        assert_null(got->found[2].content);
        assert_int_equal(got->found[2].size_bytes, 6);
        assert_non_null(got->found[3].content); /* there is still room for it */
        assert_non_null(got->found[4].content);
        got = scan_free(got);
        assert_int_equal(scan_new_limited(&world.root, sought, N_ELEMENTS(sought), &none,
                                         world.contents, &got, &error),
                        0);
        assert_non_null(got->found[0].content);
        assert_null(got->found[1].content);
}

/* More directories than stay open, in an order that goes up and down. */
static void test_scan__walks_up_and_down(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d a; d a/b; d a/b.d; f a/b.d/x one; f a/b/x two; d a/bc; d a/bc/x; f "
                           "a/bc/x/y three; f b four");
        static const Sought sought[] = {
                { "a/b.d/x", true },
                { "a/b/x", true },
                { "a/bc/x/y", true },
                { "a/bc/x/z", true },
                { "b", true },
        };
        cleanup(scan_freep) Scan *got = scan(&world, sought, N_ELEMENTS(sought));
        static const char *const expected[] = { "one", "two", "three", NULL, "four" };
        for (size_t i = 0; i < N_ELEMENTS(sought); i++)
                if (expected[i])
                        assert_string_equal(got->found[i].content->data, expected[i]);
                else
                        assert_int_equal(got->found[i].kind, FOUND_NOTHING);
}

/* Many paths of one directory, as of units: what is read of the directory at once is as if each
 * were looked at. */
static void test_scan__lists_a_large_directory(void **state) {
        (void) state;
        enum { N = 200 };
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d u");
        static const FoundKind expected[] = { FOUND_FILE, FOUND_LINK, FOUND_DIRECTORY, FOUND_OTHER,
                FOUND_NOTHING };
        cleanup(arena_donep) Arena arena = { 0 };
        Sought sought[2 * N];
        size_t n = 0;
        for (int i = 0; i < N; i++) {
                if (i % 5 < 4) {
                        char words[64];
                        (void) snprintf(words, sizeof(words), "%c u/%03d%s", "fldp"[i % 5], i,
                                        i % 5 < 2 ? " t" : ""); /* fits */
                        world_make(&world, words);
                }
                sought[n++] = (Sought){ arena_printf(&arena, "u/%03d", i), i % 7 == 0 };
                if (i % 10 == 2) /* below a directory, in between */
                        sought[n++] = (Sought){ arena_printf(&arena, "u/%03d/x", i), false };
                if (i % 10 == 1) /* below a link */
                        sought[n++] = (Sought){ arena_printf(&arena, "u/%03d/x", i), false };
        }
        cleanup(scan_freep) Scan *got = scan(&world, sought, n);
        for (size_t i = 0; i < n; i++) {
                int number = atoi(sought[i].path + 2);
                const Found *found = &got->found[i];
                if (strlen(sought[i].path) > strlen("u/000")) {
                        assert_int_equal(found->kind,
                                        number % 5 == 1 ? FOUND_BLOCKED : FOUND_NOTHING);
                        continue;
                }
                assert_int_equal(found->kind, expected[number % 5]);
                assert_int_equal(found->content != NULL, sought[i].whole && number % 5 == 0);
                assert_int_equal(found->target != NULL, sought[i].whole && number % 5 == 1);
        }
}

static void test_scan__reads_again_what_changed(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a one");
        const Sought sought = { "a", true };
        cleanup_fd int fd = openat(world.root.fd, "a", O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        written_fd = fd;
        n_writes = 1;
        cleanup(scan_freep) Scan *got = scan(&world, &sought, 1), *never = NULL;
        assert_string_equal(got->found[0].content->data, "Xne");
        n_writes = 100;
        Error error = { 0 };
        assert_int_equal(scan_new(&world.root, &sought, 1, world.contents, &never, &error), -EBUSY);
        assert_non_null(strstr(error.message, "/a does not stop changing"));
        written_fd = -1;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scan__tells_what_is_there),
                cmocka_unit_test(test_scan__never_follows_a_link),
                cmocka_unit_test(test_scan__refuses_paths_that_lead_out),
                cmocka_unit_test(test_scan__reads_extended_attributes),
                cmocka_unit_test(test_scan__knows_mount_points),
                cmocka_unit_test(test_scan__does_not_read_a_huge_file),
                cmocka_unit_test(test_scan__reads_no_more_than_the_limit),
                cmocka_unit_test(test_scan__walks_up_and_down),
                cmocka_unit_test(test_scan__lists_a_large_directory),
                cmocka_unit_test(test_scan__reads_again_what_changed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
