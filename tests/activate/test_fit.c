/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Real directories, there and back. */

#include "activate/manifest.h"
#include "tests/activate/fit_world.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* version 2; user::rw- user:1:r-x group::r-- mask::r-x other::r-- */
static const unsigned char acl[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 5, 0, 1, 0,
        0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 16, 0, 5, 0, 255, 255, 255, 255, 32, 0, 4, 0, 255,
        255, 255, 255 };

/* As many of them as the file system and our rights allow. */
static void set_xattrs(World *world) {
        /* cap_net_bind_service=ep */
        static const unsigned char capability[] = { 1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                0, 0, 0, 0 };
        (void) world_set_xattr(world, "file", "user.mine", "kept", 4); /* false is said there */
        (void) world_set_xattr(
                        world, "file", "security.capability", capability, sizeof(capability));
        (void) world_set_xattr(world, "sub/theirs", "system.posix_acl_access", acl, sizeof(acl));
        (void) world_set_xattr(world, "empty", "user.mine", "kept", 4);
        (void) world_set_xattr(world, "empty", "system.posix_acl_default", acl, sizeof(acl));
        (void) world_set_xattr(world, "link", "trusted.mine", "kept", 4);
}

static void test_fit__comes_and_goes_without_a_trace(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, world_found);
        set_xattrs(&world);
        if (world.owners) {
                assert_int_equal(fchownat(world.root.fd, "gone", 3, 4, 0), 0);
                assert_int_equal(fchownat(world.root.fd, "link", 5, 6, AT_SYMLINK_NOFOLLOW), 0);
                assert_int_equal(fchownat(world.root.fd, "modes", 7, 8, 0), 0);
                assert_int_equal(fchownat(world.root.fd, "empty", 9, 9, 0), 0);
        }
        cleanup_free char *before = world_show(&world);
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, world_profile);

        world_fit(&world, none, tree, 0);
        expect_text(&world, "sub/theirs", "ours");
        assert_int_equal(world_look(&world, "sub/theirs").mode, 0644);
        assert_int_equal(world_look(&world, "sub/new").mode, 0755);
        assert_int_equal(world_look(&world, "sub").mode, 0710);
        assert_int_equal(world_look(&world, "file").mode, 0644);
        assert_int_equal(world_look(&world, "empty").kind, FOUND_FILE);
        assert_int_equal(world_look(&world, "gone").kind, FOUND_NOTHING);
        assert_int_equal(world_look(&world, "kept/more").mode, 0755);
        assert_int_equal(world_look(&world, "modes").mode, 0700);
        assert_int_equal(world_look(&world, "modes").uid, geteuid());
        assert_int_equal(world_look(&world, "own").mode, 0705);
        assert_int_equal(world_look(&world, ".sysswitch").kind, FOUND_NOTHING);

        world_fit(&world, tree, none, 0);
        assert_int_equal(world.n_displaced, 0);
        expect_shown(&world, before);
}

static void test_fit__changes_types_both_ways(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        cleanup(tree_freep) Tree *one = tree_from_words(world.contents,
                        "d a; d a/b; f a/b/c one; l b t; f c one; d d; l d/l t; d "
                        "e; d e/f; d e/f/g; f e/f/g/h one; D x 0700");
        cleanup(tree_freep) Tree *two = tree_from_words(world.contents,
                        "l a t; d b; f b/x two; d c; d c/d; l c/d/e t; f d two; d "
                        "e; f e/f two; f x two");
        world_fit(&world, NULL, one, 0);
        cleanup_free char *shown = world_show(&world), *first = shown_without_times(shown);
        world_fit(&world, one, two, 0);
        assert_int_equal(world_look(&world, "a").kind, FOUND_LINK);
        expect_text(&world, "b/x", "two");
        assert_int_equal(world_look(&world, "c/d/e").kind, FOUND_LINK);
        expect_text(&world, "e/f", "two");
        world_fit(&world, two, one, 0);
        expect_text(&world, "a/b/c", "one");
        expect_text(&world, "e/f/g/h", "one");
        assert_int_equal(world_look(&world, "x").mode, 0700);
        cleanup_free char *again = world_show(&world), *second = shown_without_times(again);
        assert_string_equal(first, second);
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        world_fit(&world, one, none, 0);
        expect_shown(&world, "");
}

static void test_fit__sets_owners_by_name(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        if (!world.owners) {
                print_message("left out: owners: not root\n");
                return;
        }
        cleanup(tree_freep) Tree *tree = tree_new();
        assert_non_null(tree);
        Entry entry = {
                .kind = ENTRY_FILE, .path = "a", .mode = 06750, .owner = "daemon", .group = "2"
        };
        assert_int_equal(contents_add(world.contents, "x", 1, &entry.content, NULL), 0);
        assert_int_equal(tree_add(tree, &entry), 0);
        entry = (Entry){ .kind = ENTRY_DIRECTORY,
                .path = "d",
                .mode = 02750,
                .owner = "root",
                .group = "daemon" };
        assert_int_equal(tree_add(tree, &entry), 0);
        assert_int_equal(tree_seal(tree, NULL), 0);
        world_fit(&world, NULL, tree, 0);
        assert_int_equal(world_look(&world, "a").uid, 1);
        assert_int_equal(world_look(&world, "a").gid, 2);
        assert_int_equal(world_look(&world, "a").mode, 06750);
        assert_int_equal(world_look(&world, "d").gid, 1);
        assert_int_equal(world_look(&world, "d").mode, 02750);

        cleanup(tree_freep) Tree *wrong = tree_new();
        assert_non_null(wrong);
        entry.path = "e";
        entry.owner = "no-such-user-here";
        assert_int_equal(tree_add(wrong, &entry), 0);
        assert_int_equal(tree_seal(wrong, NULL), 0);
        cleanup_free char *before = world_show(&world);
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, wrong, 0, &attempt);
        assert_int_equal(attempt_stage(&world, &attempt, &error), -ESRCH);
        assert_non_null(strstr(error.message, "/e: there is no user no-such-user-here"));
        expect_shown(&world, before);
}

/* A mode is what was declared, whatever the directory would hand down. */
static void test_fit__inherits_no_access_list(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        if (!world_set_xattr(&world, ".", "system.posix_acl_default", acl, sizeof(acl)))
                return;
        cleanup(tree_freep) Tree *tree =
                        tree_from_words(world.contents, "f a one 0640; D d 0750; f d/x one");
        world_fit(&world, NULL, tree, 0);
        cleanup_free char *shown = world_show(&world);
        assert_null(strstr(shown, "xattrs"));
        assert_int_equal(world_look(&world, "a").mode, 0640);
        assert_int_equal(world_look(&world, "d").mode, 0750);
}

static void test_fit__edits(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        cleanup(tree_freep) Tree *one = tree_from_words(
                        world.contents, "f a one; f b one; f c one; d d; f d/x one");
        cleanup(tree_freep) Tree *two = tree_from_words(
                        world.contents, "f a two; f b one; f c one; d d; f d/x one");
        world_fit(&world, NULL, one, 0);
        world_write(&world, "a", "mine");
        world_write(&world, "b", "mine");
        assert_int_equal(unlinkat(world.root.fd, "c", 0), 0);
        assert_int_equal(unlinkat(world.root.fd, "d/x", 0), 0);
        assert_int_equal(unlinkat(world.root.fd, "d", AT_REMOVEDIR), 0);

        cleanup(attempt_donep) Attempt refused, rolled_back, forced, forced_more;
        attempt_init(&world, one, two, 0, &refused);
        assert_int_equal(refused.plan->n_conflicts, 1);
        assert_string_equal(refused.plan->conflicts[0].path, "a");
        attempt_init(&world, one, two, ATTEMPT_SAVE_EDITED, &rolled_back);
        attempt_carry_out(&world, &rolled_back);
        expect_text(&world, "a", "two");
        expect_text(&world, "b", "mine");
        expect_text(&world, "c", "one");
        expect_text(&world, "d/x", "one");
        attempt_init(&world, two, two, ATTEMPT_FORCE, &forced);
        assert_int_equal(forced.plan->n_operations, 1);
        assert_true(forced.plan->operations[0].keep_saved);
        assert_string_equal(forced.plan->operations[0].found->content->data, "mine");
        attempt_carry_out(&world, &forced);
        expect_text(&world, "b", "one");
        attempt_init(&world, two, two, ATTEMPT_FORCE, &forced_more);
        assert_int_equal(forced_more.plan->n_operations, 0);
}

/* Whatever somebody does between the scan and the flip: the flip fails, and the undo leaves what
 * somebody did. */
static void surprise(const char *name, void (*happens)(World *world)) {
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, world_found);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, world_profile);
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        happens(&world);
        cleanup_free char *before = world_show(&world);
        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        int r = fit_flip(&world.root, attempt.plan, &error);
        if (r != -ESTALE)
                fail_msg("%s: %d %s", name, r, error.message);
        assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
        expect_shown(&world, before);
}

static void rewrite(World *world) {
        world_write(world, "file", "edited");
}
static void rewrite_alike(World *world) { /* same size and time: only the change time tells */
        int64_t nsec = world_look(world, "file").mtime_nsec;
        world_write(world, "file", "theirz");
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                { .tv_sec = nsec / 1000000000, .tv_nsec = nsec % 1000000000 } };
        assert_int_equal(utimensat(world->root.fd, "file", times, 0), 0);
        assert_int_equal(world_look(world, "file").mtime_nsec, nsec);
}
static void chmod_it(World *world) {
        assert_int_equal(fchmodat(world->root.fd, "gone", 0604, 0), 0);
}
static void replace(World *world) {
        assert_int_equal(unlinkat(world->root.fd, "link", 0), 0);
        assert_int_equal(symlinkat("to/it", world->root.fd, "link"), 0);
}
static void take_away(World *world) {
        assert_int_equal(unlinkat(world->root.fd, "file", 0), 0);
}
static void fill_directory(World *world) {
        world_write(world, "empty/x", "mine");
}
static void appear(World *world) {
        world_write(world, "sub/new", "mine");
}
static void move_parent(World *world) {
        assert_int_equal(renameat(world->root.fd, "sub", world->root.fd, "elsewhere"), 0);
        assert_int_equal(symlinkat("elsewhere", world->root.fd, "sub"), 0);
}
static void chmod_directory(World *world) {
        assert_int_equal(fchmodat(world->root.fd, "modes", 0711 | 01000, 0), 0);
}

static void test_fit__surprises(void **state) {
        (void) state;
        surprise("rewritten", rewrite);
        surprise("rewritten alike", rewrite_alike);
        surprise("other mode", chmod_it);
        surprise("replaced by an equal one", replace);
        surprise("taken away", take_away);
        surprise("something in the directory", fill_directory);
        surprise("something where nothing was", appear);
        surprise("parent moved", move_parent);
        surprise("directory of another mode", chmod_directory);
}

/* What others leave in a directory of ours that waits in its slot is not deleted, and not stumbled
 * over in silence. */
static void test_fit__leftovers(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d .sysswitch; f .sysswitch/0 junk; d .sysswitch/1; l .sysswitch/2 t");
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, "f a ours");
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        attempt_carry_out(&world, &attempt);
        expect_text(&world, "a", "ours");
        assert_int_equal(world_look(&world, ".sysswitch").kind, FOUND_NOTHING);

        world_make(&world, "d .sysswitch; d .sysswitch/0; f .sysswitch/0/x mine");
        assert_int_equal(attempt_stage(&world, &attempt, &error), -ENOTEMPTY);
        assert_non_null(strstr(error.message, ".sysswitch/0 "));
        expect_text(&world, ".sysswitch/0/x", "mine");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit__comes_and_goes_without_a_trace),
                cmocka_unit_test(test_fit__changes_types_both_ways),
                cmocka_unit_test(test_fit__sets_owners_by_name),
                cmocka_unit_test(test_fit__inherits_no_access_list),
                cmocka_unit_test(test_fit__edits),
                cmocka_unit_test(test_fit__surprises),
                cmocka_unit_test(test_fit__leftovers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
