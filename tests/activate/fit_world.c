/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/activate/fit_world.h"

#include "activate/xattrs.h"
#include "tests/support/tree_words.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

void world_init(World *world, const char *parent) {
        *world = (World){ 0 };
        if (!parent)
                parent = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
        assert_true(asprintf(&world->path, "%s/sysswitch-fit-XXXXXX", parent) > 0);
        assert_non_null(mkdtemp(world->path));
        int fd = open(world->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        world->root = (Root){ .fd = fd, .path = world->path };
        world->contents = contents_new();
        assert_non_null(world->contents);
        if (geteuid() == 0)
                assert_int_equal(owners_new(-1, &world->owners), 0);
}

static void remove_below(int dir_fd) {
        DIR *directory = fdopendir(dir_fd);
        assert_non_null(directory);
        for (const struct dirent *child; (child = readdir(directory));) {
                const char *name = child->d_name;
                if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                        continue;
                if (unlinkat(dir_fd, name, 0) == 0)
                        continue;
                int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                assert_true(fd >= 0);
                remove_below(fd);
                assert_int_equal(unlinkat(dir_fd, name, AT_REMOVEDIR), 0);
        }
        assert_int_equal(closedir(directory), 0);
}

void world_done(World *world) {
        remove_below(world->root.fd);
        assert_int_equal(rmdir(world->path), 0);
        free(world->path);
        owners_free(world->owners);
        contents_free(world->contents);
        arena_done(&world->arena);
}

/* A time in the past, of its own for each path, with nanoseconds. */
static void age(World *world, const char *path) {
        unsigned long sum = 0;
        for (const char *byte = path; *byte; byte++)
                sum = sum * 31 + (unsigned char) *byte;
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                { .tv_sec = 1000000000 + (time_t) (sum % 100000), .tv_nsec = 123456789 } };
        assert_int_equal(utimensat(world->root.fd, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

void world_write(World *world, const char *path, const char *text) {
        int fd = openat(world->root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(close(fd), 0);
}

void world_make(World *world, const char *words) {
        TreeWords word;
        while ((words = tree_words_next(words, &word))) {
                mode_t mode = tree_words_mode(word.kind == 'f' ? word.second : word.first,
                                word.kind == 'f' ? 0644 : 0755);
                if (word.kind == 'f')
                        world_write(world, word.path, word.first);
                else if (word.kind == 'l')
                        assert_int_equal(symlinkat(word.first, world->root.fd, word.path), 0);
                else if (word.kind == 'p')
                        assert_int_equal(mkfifoat(world->root.fd, word.path, 0600), 0);
                else
                        assert_int_equal(mkdirat(world->root.fd, word.path, 0700), 0);
                if (word.kind == 'f' || word.kind == 'd' || word.kind == 'D')
                        assert_int_equal(fchmodat(world->root.fd, word.path, mode, 0), 0);
                age(world, word.path);
        }
}

bool world_set_xattr(World *world,
                const char *path,
                const char *name,
                const void *value,
                size_t size_bytes) {
        char whole[PATH_MAX];
        (void) snprintf(whole, sizeof(whole), "%s/%s", world->path, path);
        if (lsetxattr(whole, name, value, size_bytes, 0) == 0)
                return true;
        assert_true(errno == ENOTSUP || errno == EPERM);
        print_message("left out: %s on %s: %s\n", name, world->path, strerror(errno));
        return false;
}

static void show_xattrs(int dir_fd, const char *name, Text *text) {
        cleanup(arena_donep) Arena arena = { 0 };
        const void *xattrs = NULL;
        size_t size_bytes = 0;
        assert_int_equal(xattrs_read(dir_fd, name, &arena, &xattrs, &size_bytes), 0);
        for (size_t i = 0; i < size_bytes; i++)
                text_addf(text, "%s%02x", i == 0 ? " xattrs " : "",
                                ((const unsigned char *) xattrs)[i]);
}

static void show_bytes(int dir_fd, const char *name, const Found *found, Text *text) {
        char bytes[4096];
        ssize_t n = 0;
        if (found->kind == FOUND_LINK)
                n = readlinkat(dir_fd, name, bytes, sizeof(bytes));
        else if (found->kind == FOUND_FILE) {
                int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
                assert_true(fd >= 0);
                n = read(fd, bytes, sizeof(bytes));
                (void) close(fd); /* nothing was written */
        }
        assert_in_range(n, 0, sizeof(bytes) - 1);
        text_addf(text, " \"%.*s\"", (int) n, bytes);
}

static int is_child(const struct dirent *child) {
        return strcmp(child->d_name, ".") != 0 && strcmp(child->d_name, "..") != 0;
}

static void show_below(int dir_fd, const char *prefix, Text *text) {
        struct dirent **children = NULL;
        int n = scandirat(dir_fd, ".", &children, is_child, alphasort);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
                const char *name = children[i]->d_name;
                Found found = { 0 };
                assert_int_equal(scan_look(dir_fd, name, &found), 0);
                text_addf(text, "%s%s kind %d %04o %u:%u", prefix, name, found.kind, found.mode,
                                found.uid, found.gid);
                if (found.kind != FOUND_DIRECTORY)
                        text_addf(text, " %jd", (intmax_t) found.mtime_nsec);
                show_xattrs(dir_fd, name, text);
                show_bytes(dir_fd, name, &found, text);
                text_add(text, "\n");
                if (found.kind == FOUND_DIRECTORY) {
                        char *below = NULL;
                        assert_true(asprintf(&below, "%s%s/", prefix, name) > 0);
                        int fd = openat(dir_fd, name,
                                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        assert_true(fd >= 0);
                        show_below(fd, below, text);
                        (void) close(fd); /* nothing was written */
                        free(below);
                }
                free(children[i]);
        }
        free(children);
}

char *world_show(World *world) {
        Text text = { 0 };
        show_below(world->root.fd, "", &text);
        char *shown = NULL;
        assert_int_equal(text_take(&text, &shown), 0);
        return shown;
}

char *shown_without_times(const char *shown) {
        char *copy = strdup(shown);
        assert_non_null(copy);
        for (char *line = copy; line && *line;
                        line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
                char *ids = strchr(line, ':'), *bytes = ids ? strchr(ids, ' ') : NULL;
                while (bytes && *bytes != '"' && *bytes != 'x')
                        *bytes++ = ' ';
        }
        return copy;
}

void attempt_init(
                World *world, const Tree *old, const Tree *new, unsigned flags, Attempt *attempt) {
        *attempt = (Attempt){ .input = { .root = flags & ATTEMPT_LIB ? ROOT_LIB : ROOT_ETC,
                                              .old = old,
                                              .new = new,
                                              .displaced = world->displaced,
                                              .n_displaced = world->n_displaced,
                                              .force = flags &ATTEMPT_FORCE,
                                              .save_edited = flags &ATTEMPT_SAVE_EDITED,
                                              .keeps_others = flags &ATTEMPT_LIB,
                                              .check_owners = world->owners,
                                              .resolve = owners_resolve,
                                              .userdata = world->owners } };
        Error error = { 0 };
        FitInput *input = &attempt->input;
        assert_int_equal(fit_plan_seek(input, input->force, &attempt->sought, &input->n_found), 0);
        if (scan_new(&world->root, attempt->sought, input->n_found, world->contents, &attempt->scan,
                            &error) < 0)
                fail_msg("%s", error.message);
        input->found = attempt->scan->found;
        assert_int_equal(fit_plan_new(input, &attempt->plan, &error), 0);
}

void attempt_done(Attempt *attempt) {
        fit_plan_free(attempt->plan);
        scan_free(attempt->scan);
        free(attempt->sought);
}

int attempt_stage(World *world, const Attempt *attempt, Error *reterr) {
        const FitOptions options = {
                .contents = world->contents,
                .owners = world->owners,
                .switch_id = "1",
                .from = "0",
                .to = "1",
        };
        return fit_stage(&world->root, attempt->plan, &options, reterr);
}

static size_t find_displaced(const World *world, const char *path) {
        size_t i = 0;
        while (i < world->n_displaced && strcmp(world->displaced[i].path, path) < 0)
                i++;
        return i;
}

static void keep_displaced(World *world, const Found *found) {
        size_t i = find_displaced(world, found->path);
        assert_true(world->n_displaced < WORLD_MAX_DISPLACED);
        memmove(&world->displaced[i + 1], &world->displaced[i],
                        (world->n_displaced - i) * sizeof(Found));
        Found copy = *found;
        copy.path = arena_strdup(&world->arena, found->path);
        copy.target = found->target ? arena_strdup(&world->arena, found->target) : NULL;
        copy.xattrs = found->xattrs ? arena_memdup(&world->arena, found->xattrs,
                                                      found->xattrs_size_bytes)
                                    : NULL;
        copy.blocked_by = NULL;
        world->displaced[i] = copy;
        world->n_displaced++;
}

static void drop_displaced(World *world, const char *path) {
        size_t i = find_displaced(world, path);
        assert_true(i < world->n_displaced && strcmp(world->displaced[i].path, path) == 0);
        world->n_displaced--;
        memmove(&world->displaced[i], &world->displaced[i + 1],
                        (world->n_displaced - i) * sizeof(Found));
}

void attempt_remember(World *world, const Attempt *attempt) {
        for (size_t i = 0; i < attempt->plan->n_operations; i++) {
                const FitOperation *operation = &attempt->plan->operations[i];
                if (operation->keep_displaced)
                        keep_displaced(world, operation->found);
                if (operation->drop_displaced)
                        drop_displaced(world, operation->path);
        }
}

void attempt_carry_out(World *world, const Attempt *attempt) {
        Error error = { 0 };
        if (attempt->plan->n_conflicts > 0)
                fail_msg("%s %s", attempt->plan->conflicts[0].path,
                                attempt->plan->conflicts[0].what);
        if (attempt_stage(world, attempt, &error) < 0 ||
                        fit_flip(&world->root, attempt->plan, &error) < 0)
                fail_msg("%s", error.message);
        assert_int_equal(fit_commit(&world->root, &error), 1);
        attempt_remember(world, attempt);
}

/* Fits, and sees that nothing more is to do. */
void world_fit(World *world, const Tree *old, const Tree *new, unsigned flags) {
        cleanup(attempt_donep) Attempt attempt, again;
        attempt_init(world, old, new, flags, &attempt);
        attempt_carry_out(world, &attempt);
        attempt_init(world, new, new, 0, &again);
        assert_int_equal(again.plan->n_operations, 0);
        assert_int_equal(again.plan->n_conflicts, 0);
}

void expect_shown(World *world, const char *expected) {
        cleanup_free char *shown = world_show(world);
        assert_string_equal(shown, expected);
}

Found world_look(World *world, const char *path) {
        Found found = { 0 };
        if (scan_look(world->root.fd, path, &found) < 0)
                assert_int_equal(errno, ENOENT);
        return found;
}

void expect_text(World *world, const char *path, const char *text) {
        char got[256] = { 0 };
        cleanup_fd int fd = openat(world->root.fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_true(read(fd, got, sizeof(got) - 1) >= 0);
        assert_string_equal(got, text);
}

const char world_found[] =
                "d sub 0710; f sub/theirs one 0640; f file theirs 04755; l link to/it; d empty "
                "0700; "
                "f gone theirs 0600; f same same; d kept 0750; f kept/foreign one; d modes 0711";

const char world_profile[] = "d sub; f sub/theirs ours; f sub/new ours 0755; f file ours; l link "
                             "other; f empty ours; "
                             "- gone; f same same; d kept; d kept/more; f kept/more/x ours 0600; "
                             "D modes 0700; D own 0705";
