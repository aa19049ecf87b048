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

/* Fits, and sees that nothing more is to do. */
static void fit(World *world, const Tree *old, const Tree *new, unsigned flags) {
        cleanup(attempt_donep) Attempt attempt, again;
        attempt_init(world, old, new, flags, &attempt);
        attempt_carry_out(world, &attempt);
        attempt_init(world, new, new, 0, &again);
        assert_int_equal(again.plan->n_operations, 0);
        assert_int_equal(again.plan->n_conflicts, 0);
}

static void expect_shown(World *world, const char *expected) {
        cleanup_free char *shown = world_show(world);
        assert_string_equal(shown, expected);
}

static Found look(World *world, const char *path) {
        Found found = { 0 };
        if (scan_look(world->root.fd, path, &found) < 0)
                assert_int_equal(errno, ENOENT);
        return found;
}

static void expect_text(World *world, const char *path, const char *text) {
        char got[256] = { 0 };
        cleanup_fd int fd = openat(world->root.fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_true(read(fd, got, sizeof(got) - 1) >= 0);
        assert_string_equal(got, text);
}

static const char host[] =
                "d sub 0710; f sub/theirs one 0640; f file theirs 04755; l link to/it; d empty "
                "0700; "
                "f gone theirs 0600; f same same; d kept 0750; f kept/foreign one; d modes 0711";

static const char profile[] = "d sub; f sub/theirs ours; f sub/new ours 0755; f file ours; l link "
                              "other; f empty ours; "
                              "- gone; f same same; d kept; d kept/more; f kept/more/x ours 0600; "
                              "D modes 0700; D own 0705";

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
        world_make(&world, host);
        set_xattrs(&world);
        if (world.owners) {
                assert_int_equal(fchownat(world.root.fd, "gone", 3, 4, 0), 0);
                assert_int_equal(fchownat(world.root.fd, "link", 5, 6, AT_SYMLINK_NOFOLLOW), 0);
                assert_int_equal(fchownat(world.root.fd, "modes", 7, 8, 0), 0);
                assert_int_equal(fchownat(world.root.fd, "empty", 9, 9, 0), 0);
        }
        cleanup_free char *before = world_show(&world);
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, profile);

        fit(&world, none, tree, 0);
        expect_text(&world, "sub/theirs", "ours");
        assert_int_equal(look(&world, "sub/theirs").mode, 0644);
        assert_int_equal(look(&world, "sub/new").mode, 0755);
        assert_int_equal(look(&world, "sub").mode, 0710);
        assert_int_equal(look(&world, "file").mode, 0644);
        assert_int_equal(look(&world, "empty").kind, FOUND_FILE);
        assert_int_equal(look(&world, "gone").kind, FOUND_NOTHING);
        assert_int_equal(look(&world, "kept/more").mode, 0755);
        assert_int_equal(look(&world, "modes").mode, 0700);
        assert_int_equal(look(&world, "modes").uid, geteuid());
        assert_int_equal(look(&world, "own").mode, 0705);
        assert_int_equal(look(&world, ".sysswitch").kind, FOUND_NOTHING);

        fit(&world, tree, none, 0);
        assert_int_equal(world.n_displaced, 0);
        expect_shown(&world, before);
}

static void test_fit__undo_leaves_no_trace(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, host);
        cleanup_free char *before = world_show(&world);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, profile);
        cleanup(attempt_donep) Attempt attempt;
        Error error = { 0 };
        attempt_init(&world, NULL, tree, 0, &attempt);
        assert_int_equal(fit_undo(&world.root, NULL, &error), 0);
        assert_int_equal(fit_commit(&world.root, &error), 0);

        assert_int_equal(attempt_stage(&world, &attempt, &error), 0);
        assert_int_equal(manifest_is_there(&world.root, &error), 1);
        assert_int_equal(look(&world, ".sysswitch").mode, 0700);
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
        fit(&world, NULL, one, 0);
        cleanup_free char *shown = world_show(&world), *first = shown_without_times(shown);
        fit(&world, one, two, 0);
        assert_int_equal(look(&world, "a").kind, FOUND_LINK);
        expect_text(&world, "b/x", "two");
        assert_int_equal(look(&world, "c/d/e").kind, FOUND_LINK);
        expect_text(&world, "e/f", "two");
        fit(&world, two, one, 0);
        expect_text(&world, "a/b/c", "one");
        expect_text(&world, "e/f/g/h", "one");
        assert_int_equal(look(&world, "x").mode, 0700);
        cleanup_free char *again = world_show(&world), *second = shown_without_times(again);
        assert_string_equal(first, second);
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        fit(&world, one, none, 0);
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
        fit(&world, NULL, tree, 0);
        assert_int_equal(look(&world, "a").uid, 1);
        assert_int_equal(look(&world, "a").gid, 2);
        assert_int_equal(look(&world, "a").mode, 06750);
        assert_int_equal(look(&world, "d").gid, 1);
        assert_int_equal(look(&world, "d").mode, 02750);

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

static void test_fit__undo_gives_owners_back(void **state) {
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
        assert_int_equal(look(&world, "d").uid, 0);
        assert_int_equal(look(&world, "e").mode, 0711);
        assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
        expect_shown(&world, before);
}

/* What comes and what goes differ in mode alone: undoing still knows which is which. */
static void test_fit__undo_tells_twins_apart(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "f a same 0600");
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, "f a same 0644");
        fit(&world, none, tree, 0);
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
                assert_int_equal(look(&world, "a").mode, flips ? 0600 : 0644);
                assert_int_equal(fit_undo(&world.root, NULL, &error), 1);
                expect_shown(&world, before);
        }
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
        fit(&world, NULL, tree, 0);
        cleanup_free char *shown = world_show(&world);
        assert_null(strstr(shown, "xattrs"));
        assert_int_equal(look(&world, "a").mode, 0640);
        assert_int_equal(look(&world, "d").mode, 0750);
}

static void test_fit__edits(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        cleanup(tree_freep) Tree *one = tree_from_words(
                        world.contents, "f a one; f b one; f c one; d d; f d/x one");
        cleanup(tree_freep) Tree *two = tree_from_words(
                        world.contents, "f a two; f b one; f c one; d d; f d/x one");
        fit(&world, NULL, one, 0);
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
        world_make(&world, host);
        cleanup(tree_freep) Tree *tree = tree_from_words(world.contents, profile);
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
        int64_t nsec = look(world, "file").mtime_nsec;
        world_write(world, "file", "theirz");
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                { .tv_sec = nsec / 1000000000, .tv_nsec = nsec % 1000000000 } };
        assert_int_equal(utimensat(world->root.fd, "file", times, 0), 0);
        assert_int_equal(look(world, "file").mtime_nsec, nsec);
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

/* After the flip others use what came. Undoing keeps what they did, beside what comes back. */
static void test_fit__undo_loses_no_work(void **state) {
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
        static const char *const expected[] = { "exchanged.sysswitch-saved.1",
                "file.sysswitch-saved", "linked.sysswitch-saved", "placed.sysswitch-saved",
                "removed.sysswitch-saved" };
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
                assert_int_equal(look(&world, gone[i]).kind, FOUND_NOTHING);
}

/* Undoing goes on with the rest when one path cannot be put back, tells it, and can be done again.
 */
static void test_fit__undo_names_what_it_cannot(void **state) {
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
static void test_fit__a_torn_manifest_never_began(void **state) {
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
        off_t length = (off_t) look(&world, ".sysswitch/" MANIFEST_NAME).size_bytes;
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

static void test_fit__a_full_disk_changes_nothing(void **state) {
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
        fit(world, none, tree, 0);
        expect_text(world, "file", "ours");
        fit(world, tree, none, 0);
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

static void test_fit__on_an_overlay(void **state) {
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
        assert_int_equal(look(&world, ".sysswitch").kind, FOUND_NOTHING);

        world_make(&world, "d .sysswitch; d .sysswitch/0; f .sysswitch/0/x mine");
        assert_int_equal(attempt_stage(&world, &attempt, &error), -ENOTEMPTY);
        assert_non_null(strstr(error.message, ".sysswitch/0 "));
        expect_text(&world, ".sysswitch/0/x", "mine");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit__comes_and_goes_without_a_trace),
                cmocka_unit_test(test_fit__undo_leaves_no_trace),
                cmocka_unit_test(test_fit__changes_types_both_ways),
                cmocka_unit_test(test_fit__sets_owners_by_name),
                cmocka_unit_test(test_fit__undo_gives_owners_back),
                cmocka_unit_test(test_fit__undo_tells_twins_apart),
                cmocka_unit_test(test_fit__inherits_no_access_list),
                cmocka_unit_test(test_fit__edits),
                cmocka_unit_test(test_fit__surprises),
                cmocka_unit_test(test_fit__undo_loses_no_work),
                cmocka_unit_test(test_fit__undo_names_what_it_cannot),
                cmocka_unit_test(test_fit__a_torn_manifest_never_began),
                cmocka_unit_test(test_fit__a_full_disk_changes_nothing),
                cmocka_unit_test(test_fit__on_an_overlay),
                cmocka_unit_test(test_fit__leftovers),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
