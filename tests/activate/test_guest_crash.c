/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysswitch-guest dies at every step that changes the disk. Whatever is fitted next, that is what
 * /etc is then, and no file of ours is taken for an edited one. The linker's --wrap leads each such
 * call here. */

#include "activate/guest_fit.h"
#include "activate/removal.h"
#include "diff/bundle.h"
#include "tests/activate/step.h"
#include "tests/support/cmocka.h"
#include "tests/support/tree_words.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

STEP(renameat,
                (int from_fd, const char *from, int to_fd, const char *to),
                (from_fd, from, to_fd, to));
STEP(renameat2,
                (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
                (from_fd, from, to_fd, to, flags));
STEP(unlinkat, (int fd, const char *name, int flags), (fd, name, flags));
STEP(mkdirat, (int fd, const char *name, mode_t mode), (fd, name, mode));
STEP(symlinkat, (const char *target, int fd, const char *name), (target, fd, name));
STEP(fsync, (int fd), (fd));
STEP(syncfs, (int fd), (fd));

ssize_t __real_write(int fd, const void *data, size_t size_bytes);
ssize_t __wrap_write(int fd, const void *data, size_t size_bytes);
ssize_t __wrap_write(int fd, const void *data, size_t size_bytes) {
        if (n_steps_left == 0 && size_bytes > 1 && fd > 2)
                (void) __real_write(fd, data, size_bytes / 2); /* it died in the middle */
        return dies() ? -1 : __real_write(fd, data, size_bytes);
}

typedef struct World {
        char path[64], etc[80], state[80], bundle[80];
        char old[80], new[80]; /* names of trees */
} World;

static void write_at(const char *directory, const char *name, const char *data, size_t size) {
        char path[256];
        (void) snprintf(path, sizeof(path), "%s/%s", directory, name);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_int_equal(fwrite(data, 1, size, file), size);
        assert_int_equal(fclose(file), 0);
}

static void lay(const World *world, const char *words, char *ret_name, size_t size) {
        Contents *contents = contents_new();
        Tree *tree = tree_from_words(contents, words);
        cleanup_free char *text = NULL;
        char hex[DIGEST_HEX_SIZE], files[96];
        Digest digest;
        (void) snprintf(files, sizeof(files), "%s/files", world->bundle);
        for (size_t i = 0; i < tree->n_entries; i++) {
                const Content *content = tree->entries[i].content;
                if (content)
                        write_at(files, digest_to_hex(&content->digest, hex), content->data,
                                        content->size_bytes);
        }
        assert_int_equal(bundle_format(tree, &text), 0);
        assert_int_equal(digest_of(text, strlen(text), &digest), 0);
        (void) snprintf(ret_name, size, "tree-%s", digest_to_hex(&digest, hex));
        write_at(world->bundle, ret_name, text, strlen(text));
        tree_free(tree);
        contents_free(contents);
}

static int set_up(void **state) {
        World *world = calloc(1, sizeof(World));
        char files[96];
        assert_non_null(world);
        (void) snprintf(world->path, sizeof(world->path), "%s/guest-XXXXXX",
                        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        assert_non_null(mkdtemp(world->path));
        (void) snprintf(world->etc, sizeof(world->etc), "%s/etc", world->path);
        (void) snprintf(world->state, sizeof(world->state), "%s/state", world->path);
        (void) snprintf(world->bundle, sizeof(world->bundle), "%s/bundle", world->path);
        (void) snprintf(files, sizeof(files), "%s/files", world->bundle);
        assert_int_equal(mkdir(world->etc, 0755), 0);
        assert_int_equal(mkdir(world->bundle, 0755), 0);
        assert_int_equal(mkdir(files, 0755), 0);
        lay(world, "f both old; f gone old; f same same; l link old; d dir; f dir/x old",
                        world->old, sizeof(world->old));
        lay(world, "f both new; f come new; f same same; l link new; f dir new", world->new,
                        sizeof(world->new));
        *state = world;
        return 0;
}

static int tear_down(void **state) {
        World *world = *state;
        Error error;
        assert_int_equal(removal_run(world->path, &error), 0);
        free(world);
        return 0;
}

static void tell_nobody(const char *line) {
        (void) line; /* what dies has much to tell */
}

static void tell(const char *line) {
        fail_msg("%s", line);
}

static int fit(const World *world, const char *tree, bool dies_in_it) {
        Error error;
        const GuestFit guest = { .etc = world->etc,
                .state = world->state,
                .bundle = world->bundle,
                .root = "/",
                .tree = tree,
                .tell = dies_in_it ? tell_nobody : tell };
        int r = guest_fit(&guest, &error);
        if (r < 0 && !dies_in_it)
                fail_msg("%s", error.message);
        return r;
}

static void expect_empty(const World *world, const char *name) {
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/%s", world->state, name);
        DIR *directory = opendir(path);
        assert_non_null(directory);
        for (const struct dirent *child; (child = readdir(directory));)
                assert_true(*child->d_name == '.');
        assert_int_equal(closedir(directory), 0);
}

static void expect_text(const World *world, const char *name, const char *text) {
        char path[128], found[32] = "";
        (void) snprintf(path, sizeof(path), "%s/%s", world->etc, name);
        FILE *file = fopen(path, "re");
        if (!file && errno == ENOENT && !text)
                return;
        if (!file || !text)
                fail_msg("%s is %s", name, file ? "there" : "not there");
        (void) !fgets(found, sizeof(found), file); /* then it is "" */
        assert_int_equal(fclose(file), 0);
        assert_string_equal(found, text);
}

static void expect(const World *world, bool is_new) {
        char path[128], target[16] = "";
        expect_text(world, "both", is_new ? "new" : "old");
        expect_text(world, "gone", is_new ? NULL : "old");
        expect_text(world, "come", is_new ? "new" : NULL);
        expect_text(world, "same", "same");
        expect_text(world, is_new ? "dir" : "dir/x", is_new ? "new" : "old");
        (void) snprintf(path, sizeof(path), "%s/link", world->etc);
        assert_int_equal(readlink(path, target, sizeof(target)), 3);
        assert_string_equal(target, is_new ? "new" : "old");
        expect_empty(world, "saved");
        expect_empty(world, "displaced");
}

/* Each time from the old one to the new one; then to one of them. The first is from nothing. */
static void die_everywhere(const World *world, bool goes_on, bool is_first) {
        for (size_t n = 0;; n++) {
                assert_true(n < 1000);
                if (!is_first)
                        fit(world, world->old, false);
                n_steps_left = n;
                int r = fit(world, world->new, true);
                bool ended = n_steps_left > 0;
                n_steps_left = SIZE_MAX;
                assert_true(r >= 0 || !ended);
                fit(world, goes_on ? world->new : world->old, false);
                expect(world, goes_on);
                if (ended)
                        return;
                if (is_first) { /* what was never there is nobody's */
                        Error error;
                        assert_int_equal(removal_run(world->state, &error), 0);
                        assert_int_equal(removal_run(world->etc, &error), 0);
                        assert_int_equal(mkdir(world->etc, 0755), 0);
                }
        }
}

/* How many copies of edited files there are, of which each is whole; then there are none. */
static size_t take_saved(const World *world) {
        char path[128], file[512];
        size_t n = 0;
        (void) snprintf(path, sizeof(path), "%s/saved", world->state);
        DIR *directory = opendir(path);
        assert_non_null(directory);
        for (const struct dirent *child; (child = readdir(directory));) {
                struct stat status;
                (void) snprintf(file, sizeof(file), "%s/%s", path, child->d_name);
                if (strcmp(child->d_name, ".") == 0 || strcmp(child->d_name, "..") == 0)
                        continue;
                assert_int_equal(stat(file, &status), 0);
                assert_int_equal(status.st_size, strlen("edited"));
                assert_int_not_equal(*child->d_name, '.');
                assert_int_equal(unlink(file), 0);
                n++;
        }
        assert_int_equal(closedir(directory), 0);
        return n;
}

static bool gave_way(const World *world) {
        char path[128], found[8] = "";
        (void) snprintf(path, sizeof(path), "%s/both", world->etc);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        (void) !fgets(found, sizeof(found), file); /* then it is "" */
        assert_int_equal(fclose(file), 0);
        return strcmp(found, "edited") != 0;
}

/* What gives way is saved, and attempts that come to nothing leave no copies. */
static void test_guest__dies_and_leaves_no_copies(void **state) {
        const World *world = *state;
        bool ended = false;
        for (size_t n = 0; !ended; n++) {
                assert_true(n < 1000);
                fit(world, world->old, false);
                (void) take_saved(world);
                write_at(world->etc, "both", "edited", strlen("edited"));
                n_steps_left = n;
                int r = fit(world, world->new, true);
                ended = n_steps_left > 0;
                n_steps_left = SIZE_MAX;
                assert_true(r >= 0 || !ended);
                bool is_needed = gave_way(world);
                fit(world, world->old, false);
                size_t n_saved = take_saved(world);
                assert_true(n_saved == 1 || (n_saved == 0 && !is_needed));
        }
}

static void test_guest__dies_and_goes_on(void **state) {
        die_everywhere(*state, true, false);
}

static void test_guest__dies_and_goes_back(void **state) {
        die_everywhere(*state, false, false);
}

static void test_guest__dies_in_its_first_fit(void **state) {
        die_everywhere(*state, true, true);
        die_everywhere(*state, false, true);
}

static void test_guest__what_is_fitted_already_is_not_written(void **state) {
        const World *world = *state;
        fit(world, world->old, false);
        n_steps_left = 3; /* its directories, which are there */
        int r = fit(world, world->old, true);
        n_steps_left = SIZE_MAX;
        assert_int_equal(r, 0);
        expect(world, false);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                                test_guest__dies_and_leaves_no_copies, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_guest__dies_and_goes_on, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_guest__dies_and_goes_back, set_up, tear_down),
                cmocka_unit_test_setup_teardown(
                                test_guest__dies_in_its_first_fit, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_guest__what_is_fitted_already_is_not_written,
                                set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
