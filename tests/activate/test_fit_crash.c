/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The process dies at every step that changes the disk, in the switch and in undoing it; and others
 * change a path at the very moment of its rename. The linker's --wrap leads each such call here. */

#include "activate/manifest.h"
#include "tests/activate/fit_world.h"
#include "tests/activate/step.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static size_t n_renames_to_race = SIZE_MAX;
static bool has_raced;

STEP(renameat,
                (int from_fd, const char *from, int to_fd, const char *to),
                (from_fd, from, to_fd, to));
STEP(unlinkat, (int fd, const char *name, int flags), (fd, name, flags));
STEP(mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode));
STEP(symlinkat, (const char *target, int fd, const char *name), (target, fd, name));
STEP(fchmod, (int fd, mode_t mode), (fd, mode));
STEP(fchmodat, (int fd, const char *name, mode_t mode, int flags), (fd, name, mode, flags));
STEP(fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid));
STEP(fchownat,
                (int fd, const char *name, uid_t uid, gid_t gid, int flags),
                (fd, name, uid, gid, flags));
STEP(utimensat,
                (int fd, const char *name, const struct timespec *times, int flags),
                (fd, name, times, flags));

/* Syncing is left out: what it is for is shown by cutting the power (tests/lab), not here. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
        (void) fd;
        return dies() ? -1 : 0;
}
int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd) {
        (void) fd;
        return dies() ? -1 : 0;
}

ssize_t __real_write(int fd, const void *data, size_t size_bytes);
ssize_t __wrap_write(int fd, const void *data, size_t size_bytes);
ssize_t __wrap_write(int fd, const void *data, size_t size_bytes) {
        if (n_steps_left == 0 && size_bytes > 1 && fd > 2)
                (void) __real_write(fd, data, size_bytes / 2); /* it died in the middle */
        return dies() ? -1 : __real_write(fd, data, size_bytes);
}

int __real_openat64(int fd, const char *name, int flags, ...);
int __wrap_openat64(int fd, const char *name, int flags, ...);
int __wrap_openat64(int fd, const char *name, int flags, ...) {
        if ((flags & O_CREAT) && dies())
                return -1;
        return __real_openat64(fd, name, flags,
                        0600); /* all that is created here is 0600 first, or a test's */
}

/* One look fails, and no other. */
static size_t n_looks_left = SIZE_MAX;

int __real_statx(int fd, const char *name, int flags, unsigned mask, struct statx *status);
int __wrap_statx(int fd, const char *name, int flags, unsigned mask, struct statx *status);
int __wrap_statx(int fd, const char *name, int flags, unsigned mask, struct statx *status) {
        if (n_looks_left != SIZE_MAX && n_looks_left-- == 0) {
                errno = EIO;
                return -1;
        }
        return __real_statx(fd, name, flags, mask, status);
}

static bool is_slots(int fd) {
        char link[64], path[4096];
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof(path) - 1);
        assert_true(length > 0);
        path[length] = 0;
        return strstr(path, "/.sysswitch") != NULL;
}

/* Somebody else is faster: a file grows, a link points elsewhere, a directory gets a file, a free
 * path is taken. */
static void race(int dir_fd, const char *name) {
        Found found = { 0 };
        int r = scan_look(dir_fd, name, &found);
        has_raced = true;
        if (found.kind == FOUND_LINK) {
                assert_int_equal(__real_unlinkat(dir_fd, name, 0), 0);
                assert_int_equal(__real_symlinkat("raced", dir_fd, name), 0);
                return;
        }
        char path[512];
        (void) snprintf(path, sizeof(path), "%s%s", name,
                        r >= 0 && found.kind == FOUND_DIRECTORY ? "/raced" : "");
        int fd = __real_openat64(dir_fd, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(__real_write(fd, "raced", 5), 5);
        assert_int_equal(close(fd), 0);
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
        if (dies())
                return -1;
        if (n_renames_to_race != SIZE_MAX && n_renames_to_race-- == 0) {
                if (is_slots(from_fd))
                        race(to_fd, to);
                else
                        race(from_fd, from);
        }
        return __real_renameat2(from_fd, from, to_fd, to, flags);
}

/* What the disk has, what the profile was, and what it shall be; the same of a second root. */
typedef struct Case {
        const char *name, *host, *old, *new;
        const char *lib_host, *lib_old, *lib_new; /* lib_new NULL: it is not touched */
} Case;

static const Case cases[] = {
        { .name = "first switch",
                        .host = "d sub 0710; f sub/theirs one 0640; f file theirs 04755; l link "
                                "to; d empty 0700; f gone theirs; "
                                "d modes 0711; f same same",
                        .new = "d sub; f sub/theirs ours; f sub/new ours; f file ours; l link "
                               "other; f empty ours; - gone; "
                               "D modes 0700; f same same; d dir; d dir/dir; f dir/dir/x ours" },
        { .name = "given back",
                        .host = "d sub 0710; f sub/theirs one 0640; f file theirs; l link to; d "
                                "empty 0700; f gone theirs; "
                                "d modes 0711",
                        .old = "d sub; f sub/theirs ours; f file ours; l link other; f empty ours; "
                               "- gone; D modes 0700; d dir; "
                               "f dir/x ours" },
        { .name = "type changes",
                        .old = "f a one; l b t; d c; d c/d; f c/d/x one; d e; l e/f t; f g one; D "
                               "h 0700",
                        .new = "d a; d a/b; f a/b/x two; d b; f b/x two; f c two; l e t; f g two; "
                               "d h; l h/x t" },
        { .name = "two roots",
                        .host = "f file theirs",
                        .old = "f a one; f gone ours",
                        .new = "f a two; f file ours; d dir; f dir/x ours",
                        .lib_host = "d m 0711; f m/own theirs; f fw theirs",
                        .lib_old = "d m; d m/u; f m/u/a one; f m/u/gone one; d o; f o/x one",
                        .lib_new = "d m; d m/u; f m/u/a two; d m/u/n; f m/u/n/b two; l m/u/l b" },
};

/* A world in which the old profile is, and the attempt to come to the new one. */
typedef struct Setup {
        World world;
        Tree *old, *new;
        Attempt attempt;
        World lib;
        Tree *lib_old, *lib_new;
        Attempt lib_attempt;
        char *before;
} Setup;

static char *show(Setup *setup) {
        cleanup_free char *etc = world_show(&setup->world), *lib = world_show(&setup->lib);
        char *both = NULL;
        assert_true(asprintf(&both, "%s%s", etc, lib) >= 0);
        return both;
}

static Tree *lib_tree(World *world, const char *words) {
        Tree *tree = tree_from_words(world->contents, words);
        for (size_t i = 0; i < tree->n_entries; i++)
                tree->entries[i].root = ROOT_LIB;
        return tree;
}

static void add_lib(
                Setup *setup, const Tree *old, const Tree *new, Attempt *lib, Attempt *attempt) {
        attempt_init(&setup->lib, old, new, ATTEMPT_LIB, lib);
        assert_int_equal(fit_plan_join(attempt->plan, lib->plan), 0);
}

static void setup_init(const Case *which, Setup *setup) {
        World *world = &setup->world;
        world_init(world, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
        if (which->host)
                world_make(world, which->host);
        setup->old = tree_from_words(world->contents, which->old);
        setup->new = tree_from_words(world->contents, which->new);
        world_init(&setup->lib, NULL);
        world->root.lib = &setup->lib.root;
        if (which->lib_host)
                world_make(&setup->lib, which->lib_host);
        setup->lib_old = lib_tree(world, which->lib_old);
        setup->lib_new = lib_tree(world, which->lib_new);
        Attempt first, lib_first;
        attempt_init(world, NULL, setup->old, 0, &first);
        add_lib(setup, NULL, setup->lib_old, &lib_first, &first);
        attempt_carry_out(world, &first);
        attempt_done(&first);
        attempt_done(&lib_first);
        attempt_init(world, setup->old, setup->new, 0, &setup->attempt);
        add_lib(setup, setup->lib_old, setup->lib_new, &setup->lib_attempt, &setup->attempt);
        assert_int_equal(setup->attempt.plan->n_conflicts, 0);
        setup->before = show(setup);
}

static void setup_done(Setup *setup) {
        free(setup->before);
        attempt_done(&setup->attempt);
        attempt_done(&setup->lib_attempt);
        tree_free(setup->old);
        tree_free(setup->new);
        tree_free(setup->lib_old);
        tree_free(setup->lib_new);
        world_done(&setup->lib);
        world_done(&setup->world);
}

static void expect_same(const Case *which, size_t n, const char *got, const char *expected) {
        if (strcmp(got, expected) != 0)
                fail_msg("%s, died at step %zu:\n%s\nexpected:\n%s", which->name, n, got, expected);
}

/* Returns true when the switch came to its end within n steps. */
static bool die_in_switch(const Case *which, size_t n, const char *after) {
        Setup setup;
        setup_init(which, &setup);
        Error error = { 0 };
        n_steps_left = n;
        bool flipped = attempt_stage(&setup.world, &setup.attempt, &error) >= 0 &&
                       fit_flip(&setup.world.root, setup.attempt.plan, &error) >= 0;
        bool ended = flipped && fit_commit(&setup.world.root, &error) >= 0 && n_steps_left > 0;
        n_steps_left = SIZE_MAX;

        /* another process finds it so, and dies in undoing it as often as it can */
        bool is_open = manifest_is_there(&setup.world.root, &error) > 0;
        for (size_t m = 0;; m++) {
                n_steps_left = m;
                int r = fit_undo(&setup.world.root, NULL, &error);
                bool died = n_steps_left == 0;
                n_steps_left = SIZE_MAX;
                if (r >= 0 && !died)
                        break;
        }
        cleanup_free char *shown = show(&setup);
        if (flipped && !is_open) {
                cleanup_free char *plain = shown_without_times(shown);
                expect_same(which, n, plain, after);
        } else
                expect_same(which, n, shown, setup.before);
        setup_done(&setup);
        return ended;
}

static char *show_after(const Case *which) {
        Setup setup;
        setup_init(which, &setup);
        attempt_carry_out(&setup.world, &setup.attempt);
        cleanup_free char *shown = show(&setup);
        char *plain = shown_without_times(shown);
        setup_done(&setup);
        return plain;
}

static void test_fit_crash__old_or_new_at_every_step(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                cleanup_free char *after = show_after(&cases[i]);
                size_t n = 0;
                while (!die_in_switch(&cases[i], n, after))
                        n++;
                print_message("%s: %zu steps\n", cases[i].name, n);
                assert_true(n > 30);
        }
}

/* Counts *left down from n while undoing a whole flip, and then calls it again. Returns whether it
 * was counted to the end. */
static bool undo_with(size_t *left, const Case *which, size_t n) {
        Setup setup;
        setup_init(which, &setup);
        Error error = { 0 };
        assert_int_equal(attempt_stage(&setup.world, &setup.attempt, &error), 0);
        assert_int_equal(fit_flip(&setup.world.root, setup.attempt.plan, &error), 0);
        *left = n;
        int r = fit_undo(&setup.world.root, NULL, &error);
        bool was_reached = r < 0 || *left == 0 || *left == SIZE_MAX;
        *left = SIZE_MAX;
        assert_true(fit_undo(&setup.world.root, NULL, &error) >= 0);
        cleanup_free char *shown = show(&setup);
        expect_same(which, n, shown, setup.before);
        setup_done(&setup);
        return was_reached;
}

/* Dies once while undoing a whole flip, at every step, and is called again. */
static void test_fit_crash__undo_dies_at_every_step(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++)
                for (size_t m = 0; undo_with(&n_steps_left, &cases[i], m);)
                        m++;
}

/* What cannot be looked at is not taken for gone. */
static void test_fit_crash__undo_does_not_guess(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                size_t m = 0;
                while (undo_with(&n_looks_left, &cases[i], m))
                        m++;
                assert_true(m > 5);
        }
}

/* The lines that are not in the other text, one after another. NULL: no more. */
static const char *next_missing(const char **lines, const char *other) {
        while (**lines) {
                const char *line = *lines;
                size_t length = strcspn(line, "\n") + 1;
                cleanup_free char *copy = strndup(line, length);
                assert_non_null(copy);
                *lines += length;
                if (!strstr(other, copy))
                        return line;
        }
        return NULL;
}

/* All is as before but for what the others did: a changed path, or a new one in a directory of
 * ours, which stays. */
static bool is_as_raced(const char *shown, const char *before) {
        size_t n_raced = 0, n_other = 0, n_lost = 0;
        for (const char *line, *rest = shown; (line = next_missing(&rest, before));) {
                cleanup_free char *copy = strndup(line, strcspn(line, "\n"));
                assert_non_null(copy);
                if (strstr(copy, "raced"))
                        n_raced++;
                else
                        n_other += !strstr(copy, " kind 3 ");
        }
        for (const char *rest = before; next_missing(&rest, shown);)
                n_lost++;
        return n_raced == 1 && n_other == 0 && n_lost <= 1;
}

static const char *line_of(const char *text, const char *position) {
        while (position > text && position[-1] != '\n')
                position--;
        return position;
}

/* Others change the path of the kth rename at the last moment. Returns false when there is no kth.
 */
static bool race_at(const Case *which, size_t k) {
        Setup setup;
        setup_init(which, &setup);
        Error error = { 0 };
        assert_int_equal(attempt_stage(&setup.world, &setup.attempt, &error), 0);
        n_renames_to_race = k;
        has_raced = false;
        int r = fit_flip(&setup.world.root, setup.attempt.plan, &error);
        n_renames_to_race = SIZE_MAX;
        if (has_raced) {
                if (r != -ESTALE)
                        fail_msg("%s, rename %zu: %d %s", which->name, k, r, error.message);
                cleanup_free char *left = show(&setup);
                const char *raced = strstr(left, "raced");
                while (raced && strncmp(line_of(left, raced), ".sysswitch/", 11) == 0)
                        raced = strstr(raced + 1, "raced");
                assert_non_null(raced); /* put back at once, not only by undoing */
                assert_int_equal(fit_undo(&setup.world.root, NULL, &error), 1);
                cleanup_free char *shown = show(&setup);
                if (!is_as_raced(shown, setup.before))
                        fail_msg("%s, rename %zu:\n%s\nbefore:\n%s", which->name, k, shown,
                                        setup.before);
        } else
                assert_int_equal(r, 0);
        setup_done(&setup);
        return has_raced;
}

static void test_fit_crash__a_race_is_lost_by_us(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                size_t k = 0;
                while (race_at(&cases[i], k))
                        k++;
                assert_true(k > 5);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit_crash__old_or_new_at_every_step),
                cmocka_unit_test(test_fit_crash__undo_dies_at_every_step),
                cmocka_unit_test(test_fit_crash__undo_does_not_guess),
                cmocka_unit_test(test_fit_crash__a_race_is_lost_by_us),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
