/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/state/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

void scratch_assert_result(int r, int code, const Error *error, const char *file, int line) {
        if (code == 0 ? r >= 0 : r == code && error->code == code)
                return;
        print_error("%s:%d: %d instead of %d: %s\n", file, line, r, code,
                        r < 0 ? error->message : "-");
        _fail(file, line);
}

void scratch_assert_contains(const char *text, const char *part, const char *file, int line) {
        if (strstr(text, part))
                return;
        print_error("%s:%d: \"%s\" is not in: %s\n", file, line, part, text);
        _fail(file, line);
}

int scratch_setup(void **state) {
        const char *parent = getenv("TMPDIR");
        char *path = NULL;
        if (asprintf(&path, "%s/sysswitch-state-XXXXXX", parent ? parent : "/tmp") < 0 ||
                        !mkdtemp(path))
                return -1;
        *state = path;
        return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
        (void) status;
        (void) kind;
        (void) walk;
        return remove(path);
}

int scratch_teardown(void **state) {
        int r = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(*state);
        return r;
}

int scratch_database_setup(void **state) {
        ScratchDatabase *scratch = calloc(1, sizeof(*scratch));
        Error error;
        if (!scratch || scratch_setup(&scratch->directory) < 0)
                return -1;
        assert_ok(database_open(scratch_path(&scratch->directory, "d"), DATABASE_WRITE,
                        &scratch->database, &error));
        *state = scratch;
        return 0;
}

int scratch_database_teardown(void **state) {
        ScratchDatabase *scratch = *state;
        database_close(scratch->database);
        arena_done(&scratch->arena);
        int r = scratch_teardown(&scratch->directory);
        free(scratch);
        return r;
}

const char *scratch_path(void **state, const char *path) {
        static char paths[8][2 * PATH_MAX];
        static size_t next;
        char *full = paths[next++ % N_ELEMENTS(paths)];
        int length = snprintf(full, sizeof(paths[0]), "%s/%s", (const char *) *state, path);
        assert_in_range(length, 1, sizeof(paths[0]) - 1);
        return full;
}

static void make_parents(const char *path) {
        char copy[2 * PATH_MAX];
        (void) snprintf(copy, sizeof(copy), "%s", path); /* fits: it is one of the paths above */
        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                assert_true(mkdir(copy, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
}

void scratch_write_bytes(void **state, const char *path, const void *data, size_t size_bytes) {
        const char *full = scratch_path(state, path);
        make_parents(full);
        cleanup_fd int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, size_bytes), size_bytes);
        assert_int_equal(fchmod(fd, 0644), 0);
}

void scratch_write(void **state, const char *path, const char *text) {
        scratch_write_bytes(state, path, text, strlen(text));
}

void scratch_make_directory(void **state, const char *path) {
        const char *full = scratch_path(state, path);
        make_parents(full);
        assert_int_equal(mkdir(full, 0755), 0);
}

void scratch_link(void **state, const char *path, const char *target) {
        const char *full = scratch_path(state, path);
        make_parents(full);
        assert_int_equal(symlink(target, full), 0);
}

void scratch_remove(void **state, const char *path) {
        assert_int_equal(remove(scratch_path(state, path)), 0);
}

bool scratch_exists(void **state, const char *path) {
        return access(scratch_path(state, path), F_OK) == 0;
}

void scratch_let_age(void) {
        const struct timespec grain = { .tv_nsec = 40 * 1000 * 1000 };
        assert_int_equal(clock_nanosleep(CLOCK_MONOTONIC, 0, &grain, NULL), 0);
}

Content *scratch_content(Contents *contents, const char *text) {
        Error error;
        Content *content = NULL;
        assert_ok(contents_add(contents, text, strlen(text), &content, &error));
        return content;
}

void scratch_add_file(Tree *tree, Contents *contents, const char *path, const char *text) {
        const Entry entry = {
                .root = ROOT_ETC,
                .kind = ENTRY_FILE,
                .path = path,
                .mode = 0644,
                .owner = "root",
                .group = "root",
                .content = scratch_content(contents, text),
        };
        assert_int_equal(tree_add(tree, &entry), 0);
}

void scratch_add_link(Tree *tree, const char *path, const char *target) {
        const Entry entry = {
                .root = ROOT_ETC,
                .kind = ENTRY_LINK,
                .path = path,
                .owner = "root",
                .group = "root",
                .target = target,
        };
        assert_int_equal(tree_add(tree, &entry), 0);
}

Tree *scratch_seal(Tree *tree) {
        Error error;
        assert_ok(tree_seal(tree, &error));
        return tree;
}
