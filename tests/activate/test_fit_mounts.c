/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File systems of their own kind: a full one, an overlay. They are mounted where we are allowed to.
 */

#include "tests/activate/fit_world.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void test_fit_mounts__a_full_disk_changes_nothing(void **state) {
        (void) state;
        cleanup_free char *mount_point = NULL;
        assert_true(asprintf(&mount_point, "%s/sysswitch-full-XXXXXX",
                                    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp") > 0);
        assert_non_null(mkdtemp(mount_point));
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                        mount("none", mount_point, "tmpfs", 0, "size=64k") < 0) {
                print_message("left out: a full disk: %s\n", strerror(errno));
                assert_int_equal(rmdir(mount_point), 0);
                return;
        }
        {
                cleanup(world_donep) World world;
                world_init(&world, mount_point);
                world_make(&world, "f a theirs; d d; f d/x theirs");
                cleanup_free char *before = world_show(&world);
                cleanup(tree_freep) Tree *tree =
                                tree_from_words(world.contents, "f a ours; d d; f d/x ours");
                cleanup(tree_freep) Tree *large = tree_new();
                assert_non_null(large);
                Entry entry = { .kind = ENTRY_FILE, .path = "large", .mode = 0644 };
                cleanup_free char *data = calloc(1, 128 * 1024);
                assert_non_null(data);
                assert_int_equal(contents_add(world.contents, data, 128 * 1024, &entry.content,
                                                 NULL),
                                0);
                assert_int_equal(tree_add(large, &entry), 0);
                assert_int_equal(tree_seal(large, NULL), 0);
                cleanup(tree_freep) Tree *both = NULL;
                assert_int_equal(tree_overlay(tree, large, &both, NULL), 0);
                cleanup(attempt_donep) Attempt attempt, small;
                Error error = { 0 };
                attempt_init(&world, NULL, both, 0, &attempt);
                assert_int_equal(attempt_stage(&world, &attempt, &error), -ENOSPC);
                assert_non_null(strstr(error.message, "/large"));
                expect_shown(&world, before);

                /* and undoing needs no room at all */
                attempt_init(&world, NULL, tree, 0, &small);
                assert_int_equal(attempt_stage(&world, &small, &error), 0);
                assert_int_equal(fit_flip(&world.root, small.plan, &error), 0);
                cleanup_fd int fd =
                                openat(world.root.fd, "fill", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                while (write(fd, data, 4096) > 0)
                        ;
                assert_int_equal(errno, ENOSPC);
                assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
                assert_int_equal(unlinkat(world.root.fd, "fill", 0), 0);
                expect_shown(&world, before);
        }
        assert_int_equal(umount(mount_point), 0);
        assert_int_equal(rmdir(mount_point), 0);
}

/* Mounts an overlay over lower/: that below, a tmpfs above. Works in the directory. */
static bool mount_overlay(void) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                        mount("none", "layers", "tmpfs", 0, NULL) < 0)
                return false;
        assert_int_equal(mkdir("layers/upper", 0755), 0);
        assert_int_equal(mkdir("layers/work", 0755), 0);
        if (mount("overlay", "lower", "overlay", 0,
                            "lowerdir=lower,upperdir=layers/upper,workdir=layers/work") == 0)
                return true;
        assert_int_equal(umount("layers"), 0);
        return false;
}

static void fit_overlay(World *world) {
        cleanup_free char *before = world_show(world);
        cleanup(tree_freep) Tree *none = tree_from_words(world->contents, NULL);
        cleanup(tree_freep) Tree *tree = tree_from_words(
                        world->contents, "f file ours; l link other; d sub; - sub/x; f sub/y ours");
        world_fit(world, none, tree, 0);
        expect_text(world, "file", "ours");
        world_fit(world, tree, none, 0);
        expect_shown(world, before);

        cleanup(tree_freep) Tree *directory =
                        tree_from_words(world->contents, "f empty ours; f file ours");
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(world, none, directory, 0, &attempt);
        assert_int_equal(attempt_stage(world, &attempt, &error), 0);
        assert_int_equal(fit_flip(&world->root, attempt.plan, &error), -EXDEV);
        assert_non_null(strstr(
                        error.message, "/empty: it is a directory of a lower layer of an overlay"));
        assert_int_equal(fit_undo(&world->root, NULL, &error), 1);
        expect_shown(world, before);
}

static void test_fit_mounts__on_an_overlay(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d layers; d lower; f lower/file theirs 0640; l lower/link to; d "
                           "lower/sub; "
                           "f lower/sub/x theirs; d lower/empty");
        /* a file of several names becomes another inode when it is renamed, as it leaves the lower
         * layer alone */
        assert_int_equal(linkat(world.root.fd, "lower/file", world.root.fd, "lower/twin", 0), 0);
        assert_int_equal(chdir(world.path), 0);
        if (mount_overlay()) {
                int below_fd = world.root.fd;
                world.root.fd = open("lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(world.root.fd >= 0);
                fit_overlay(&world);
                (void) close(world.root.fd); /* nothing was written */
                world.root.fd = below_fd;
                assert_int_equal(umount("lower"), 0);
                assert_int_equal(umount("layers"), 0);
        } else
                print_message("left out: an overlay: %s\n", strerror(errno));
        assert_int_equal(chdir("/"), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit_mounts__a_full_disk_changes_nothing),
                cmocka_unit_test(test_fit_mounts__on_an_overlay),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
