/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A flip that is undone, wherever it stopped, and whatever others did meanwhile. */

#include "activate/manifest.h"
#include "tests/activate/fit_world.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void test_fit_undo__leaves_no_trace(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, world_found);
        cleanup_free char *before = world_show(&world);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, world_profile);
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        assert_int_equal(fit_undo(&world.root, NULL, &error), 0);
        assert_int_equal(fit_commit(&world.root, &error), 0);

        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(manifest_is_there(&world.root, &error), 1);
        assert_int_equal(world_look(&world, ".sysswitch").mode, 0700);
        assert_int_equal(attempt_stage(&world, &attempt, &error), -EEXIST);
        assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
        expect_shown(&world, before);
        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), -ENOENT);

        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), 0);
        cleanup_strv Strv kept = { 0 };
        assert_int_equal(fit_undo(&world.root, &kept, &error), 1);
        assert_int_equal(kept.n_items, 0);
        expect_shown(&world, before);
        assert_int_equal(fit_undo(&world.root, &kept, &error), 0);
}

static void test_fit_undo__gives_owners_back(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        if (!world.owners) {
                print_message("left out: owners: not root\n");
                return;
        }
        world_make(&world, "d d; d e 0700");
        assert_int_equal(fchownat(world.root.fd, "d", 3, 4, 0), 0);
        cleanup_free char *before = world_show(&world);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, "D d 0755; D e 0711");
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), 0);
        assert_int_equal(world_look(&world, "d").uid, 0);
        assert_int_equal(world_look(&world, "e").mode, 0711);
        assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
        expect_shown(&world, before);
}

/* What comes and what goes differ in mode alone: undoing still knows which is which. */
static void test_fit_undo__tells_twins_apart(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a same 0600");
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, "f a same 0644");
        world_fit(&world, none, tree, 0);
        int64_t nsec = world.displaced[0].mtime_nsec;
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                { .tv_sec = nsec / 1000000000, .tv_nsec = nsec % 1000000000 } };
        assert_int_equal(utimensat(world.root.fd, "a", times, 0), 0);
        cleanup_free char *before = world_show(&world);
        Error error = { 0 };
        for (int flips = 0; flips < 2; flips++) {
                cleanup(attempt_donep) Attempt attempt;
                attempt_init(&world, tree, none, 0, &attempt);
                assert_int_equal(attempt.plan->operations[0].verb, FIT_EXCHANGE);
                assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
                if (flips)
                        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), 0);
                assert_int_equal(world_look(&world, "a").mode, flips ? 0600 : 0644);
                assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
                expect_shown(&world, before);
        }
}

/* They differ in extended attributes alone, which no time tells of. */
static void test_fit_undo__tells_twins_apart_by_their_attributes(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a same");
        if (!world_set_xattr(&world, "a", "user.mine", "kept", 4))
                return;
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, "f a same");
        world_fit(&world, none, tree, 0);
        assert_true(world_set_xattr(&world, "a", "user.mine", "other", 5));
        cleanup_free char *before = world_show(&world);
        Error error = { 0 };
        for (int flips = 0; flips < 2; flips++) {
                cleanup(attempt_donep) Attempt attempt;
                attempt_init(&world, tree, none, 0, &attempt);
                assert_int_equal(attempt.plan->operations[0].verb, FIT_EXCHANGE);
                assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
                if (flips)
                        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), 0);
                assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
                expect_shown(&world, before);
        }
}

/* After the flip others use what came. Undoing keeps what they did, beside what comes back. */
static void test_fit_undo__loses_no_work(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f exchanged theirs; f removed theirs; f touched theirs; f linked "
                           "theirs; f file theirs");
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents,
                        "f exchanged ours; - removed; f placed ours; f touched ours; f linked "
                        "ours; d dir; f dir/x ours; "
                        "d empty; d file; f file/y ours; f taken ours");
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        /* a file becomes a directory only where it is managed */
        assert_int_equal(attempt.plan->n_conflicts, 1);
        attempt_done(&attempt);
        cleanup(tree_freep) Tree *old = tree_from_words(world.contents, "f file theirs");
        attempt_init(&world, old, tree, 0, &attempt);
        assert_int_equal(attempt.plan->n_conflicts, 0);
        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), 0);

        world_write(&world, "exchanged", "mine");
        world_write(&world, "removed", "mine");
        world_write(&world, "placed", "mine");
        world_write(&world, "touched", "ours"); /* another time, the same text */
        assert_int_equal(fchmodat(world.root.fd, "touched", 0600, 0), 0);
        assert_int_equal(unlinkat(world.root.fd, "linked", 0), 0);
        assert_int_equal(symlinkat("mine", world.root.fd, "linked"), 0);
        world_write(&world, "dir/mine", "mine");
        world_write(&world, "file/mine", "mine");
        assert_int_equal(unlinkat(world.root.fd, "taken", 0), 0);
        world_write(&world, "exchanged.sysswitch-saved", "older");

        cleanup_strv Strv kept = { 0 };
        assert_int_equal(fit_undo(&world.root, &kept, &error), 1);
        strv_sort(&kept);
        static const char *const expected[] = { "/etc/exchanged.sysswitch-saved.1",
                "/etc/file.sysswitch-saved", "/etc/linked.sysswitch-saved",
                "/etc/placed.sysswitch-saved", "/etc/removed.sysswitch-saved" };
        assert_int_equal(kept.n_items, N_ELEMENTS(expected));
        for (size_t i = 0; i < N_ELEMENTS(expected); i++)
                assert_string_equal(kept.items[i], expected[i]);
        static const char *const texts[][2] = { { "exchanged", "theirs" },
                { "exchanged.sysswitch-saved", "older" }, { "exchanged.sysswitch-saved.1", "mine" },
                { "removed", "theirs" }, { "removed.sysswitch-saved", "mine" },
                { "placed.sysswitch-saved", "mine" }, { "touched", "theirs" },
                { "linked", "theirs" }, { "dir/mine", "mine" }, { "file", "theirs" },
                { "file.sysswitch-saved/mine", "mine" } };
        for (size_t i = 0; i < N_ELEMENTS(texts); i++)
                expect_text(&world, texts[i][0], texts[i][1]);
        static const char *const gone[] = { "placed", "dir/x", "empty", "file.sysswitch-saved/y",
                ".sysswitch", "taken" };
        for (size_t i = 0; i < N_ELEMENTS(gone); i++)
                assert_int_equal(world_look(&world, gone[i]).kind, FOUND_NOTHING);
}

/* Undoing goes on with the rest when one path cannot be put back, tells it, and can be done again.
 */
static void test_fit_undo__names_what_it_cannot(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a theirs; d d; f d/x theirs; f z theirs");
        cleanup_free char *before = world_show(&world);
        cleanup(tree_freep) Tree *tree =
                        tree_from_words(world.contents, "f a ours; d d; - d/x; f z ours");
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), 0);
        assert_int_equal(unlinkat(world.root.fd, "d", AT_REMOVEDIR), 0);
        assert_int_equal(fit_undo(&world.root, NULL, &error), -ENOENT);
        assert_non_null(strstr(error.message, "/d/x back"));
        expect_text(&world, "a", "theirs");
        expect_text(&world, "z", "theirs");
        world_make(&world, "d d");
        assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
        expect_shown(&world, before);
}

static int cut_manifest(World *world, off_t length) {
        cleanup_fd int fd =
                        openat(world->root.fd, ".sysswitch/" MANIFEST_NAME, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, length), 0);
        Error error = { 0 };
        return manifest_is_there(&world->root, &error);
}

/* A manifest that was cut short anywhere: the flip never began, and what is there is cleared away.
 */
static void test_fit_undo__a_torn_manifest_never_began(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a theirs");
        cleanup_free char *before = world_show(&world);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, "f a ours; f b ours");
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        off_t length = (off_t) world_look(&world, ".sysswitch/" MANIFEST_NAME).size_bytes;
        assert_int_equal(cut_manifest(&world, length), 1);
        while (length > 0)
                assert_int_equal(cut_manifest(&world, --length), 0);
        assert_int_equal(fit_undo(&world.root, NULL, &error), 0);
        expect_shown(&world, before);

        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(cut_manifest(&world, 40), 0);
        assert_int_equal(fit_commit(&world.root, &error), 0);
        expect_shown(&world, before);

        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(cut_manifest(&world, 40), 0);
        assert_int_equal(fit_flip(&world.root, attempt.plan, &error), -ENOENT);
        attempt_carry_out(&world, &attempt);
        expect_text(&world, "b", "ours");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit_undo__leaves_no_trace),
                cmocka_unit_test(test_fit_undo__gives_owners_back),
                cmocka_unit_test(test_fit_undo__tells_twins_apart),
                cmocka_unit_test(test_fit_undo__tells_twins_apart_by_their_attributes),
                cmocka_unit_test(test_fit_undo__loses_no_work),
                cmocka_unit_test(test_fit_undo__names_what_it_cannot),
                cmocka_unit_test(test_fit_undo__a_torn_manifest_never_began),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
