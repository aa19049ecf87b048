/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/guest_state.h"

#include "activate/bytes.h"
#include "activate/scan.h"
#include "activate/staged.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int open_directory(int dir_fd, const char *path, int *ret_fd, Error *reterr) {
        if (mkdirat(dir_fd, path, 0700) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, "Cannot make %s", path);
        int fd = openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_set_errno(reterr, -errno, "Cannot open %s", path);
        *ret_fd = fd;
        return 0;
}

int guest_state_open(GuestState *state, const char *path, Error *reterr) {
        *state = (GuestState){ .fd = -1, .displaced_fd = -1, .saved_fd = -1, .path = path };
        int r = open_directory(AT_FDCWD, path, &state->fd, reterr);
        if (r >= 0)
                r = open_directory(state->fd, "displaced", &state->displaced_fd, reterr);
        if (r >= 0)
                r = open_directory(state->fd, "saved", &state->saved_fd, reterr);
        return r;
}

void guest_state_done(GuestState *state) {
        const int fds[] = { state->fd, state->displaced_fd, state->saved_fd };
        for (size_t i = 0; i < N_ELEMENTS(fds); i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]); /* directories: nothing is written by them */
}

/* The name of what was displaced at a path: paths are longer than names can be. */
static int name_of(const char *path, char *name) {
        Digest digest;
        int r = digest_of(path, strlen(path), &digest);
        if (r >= 0)
                (void) digest_to_hex(&digest, name);
        return r;
}

typedef struct Asked {
        const char *path, *name;
} Asked;

static int by_name(const void *left, const void *right) {
        return strcmp(((const Asked *) left)->name, ((const Asked *) right)->name);
}

static int by_path(const void *left, const void *right) {
        return strcmp(((const Found *) left)->path, ((const Found *) right)->path);
}

/* Paths that leave, and directories that are no longer ours alone. */
static int find_asked(const FitInput *input, Arena *arena, Asked **ret_asked, size_t *ret_n) {
        size_t n_most = (input->old ? input->old->n_entries : 0) + input->new->n_entries, n = 0;
        Asked *asked = arena_new(arena, Asked, n_most + 1);
        if (!asked)
                return -ENOMEM;
        for (size_t i = 0; input->old && i < input->old->n_entries; i++) {
                const Entry *entry = &input->old->entries[i];
                if (entry->root == ROOT_ETC && !tree_find(input->new, ROOT_ETC, entry->path))
                        asked[n++].path = entry->path;
        }
        for (size_t i = 0; i < input->new->n_entries; i++)
                if (input->new->entries[i].root == ROOT_ETC && input->new->entries[i].implied)
                        asked[n++].path = input->new->entries[i].path;
        for (size_t i = 0; i < n; i++) {
                char *name = arena_alloc(arena, DIGEST_HEX_SIZE);
                if (!name || name_of(asked[i].path, name) < 0)
                        return -ENOMEM;
                asked[i].name = name;
        }
        if (n > 1)
                qsort(asked, n, sizeof(Asked), by_name);
        *ret_asked = asked;
        *ret_n = n;
        return 0;
}

int guest_state_displaced(const GuestState *state,
                const FitInput *input,
                Contents *contents,
                Arena *arena,
                Found **ret_found,
                size_t *ret_n_found,
                Error *reterr) {
        Asked *asked = NULL;
        size_t n_asked = 0, n_found = 0;
        if (find_asked(input, arena, &asked, &n_asked) < 0)
                return error_oom(reterr);
        Found *found = arena_new(arena, Found, n_asked + 1);
        if (!found)
                return error_oom(reterr);
        const Root root = { .fd = state->displaced_fd, .path = "displaced" };
        for (size_t i = 0; i < n_asked; i++) {
                const Sought sought = { .path = asked[i].name, .whole = true };
                cleanup(scan_freep) Scan *scan = NULL;
                int r = scan_new(&root, &sought, 1, contents, &scan, reterr);
                if (r < 0)
                        return r;
                if (scan->found[0].kind == FOUND_NOTHING)
                        continue;
                Found *one = &found[n_found++];
                *one = scan->found[0];
                one->path = asked[i].path;
                if ((one->target && !(one->target = arena_strdup(arena, one->target))) ||
                                (one->xattrs && !(one->xattrs = arena_memdup(arena, one->xattrs,
                                                                  one->xattrs_size_bytes))))
                        return error_oom(reterr);
        }
        if (n_found > 1)
                qsort(found, n_found, sizeof(Found), by_path);
        *ret_found = found;
        *ret_n_found = n_found;
        return 0;
}

static void remove_at(int dir_fd, const char *name) {
        if (unlinkat(dir_fd, name, 0) < 0 && errno == EISDIR)
                (void) unlinkat(dir_fd, name, AT_REMOVEDIR); /* what is left is replaced later */
}

/* Whole, or not there. */
static int copy_to(const Found *found,
                const FitOptions *options,
                int dir_fd,
                const char *name,
                Error *reterr) {
        static const char temporary[] = ".new";
        const FitOperation operation = {
                .verb = FIT_PLACE, .root = ROOT_ETC, .path = found->path, .give_back = found
        };
        Staged staged;
        remove_at(dir_fd, temporary);
        int r = staged_make(&operation, options, &(Place){ dir_fd, temporary }, &staged, reterr);
        if (r < 0)
                return error_prefix(reterr, "Cannot keep /etc/%s", found->path);
        remove_at(dir_fd, name);
        if (renameat(dir_fd, temporary, dir_fd, name) < 0)
                return error_set_errno(reterr, -errno, "Cannot keep /etc/%s", found->path);
        return 0;
}

/* Of a copy whose file has not given way yet. */
static void name_unsaved(size_t nth, char ret_name[32]) {
        (void) snprintf(ret_name, 32, ".%zu", nth); /* fits */
}

void guest_state_forget(const GuestState *state) {
        cleanup_fd int fd = dup(state->saved_fd);
        cleanup_dir DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        if (!directory)
                return;
        (void) TAKE_FD(fd);
        rewinddir(directory);
        for (const struct dirent *child; (child = readdir(directory));)
                if (*child->d_name == '.' && strcmp(child->d_name, ".") != 0 &&
                                strcmp(child->d_name, "..") != 0)
                        remove_at(state->saved_fd, child->d_name);
}

static int save(const GuestState *state, const Found *found, size_t nth, Error *reterr) {
        char unsaved[32], name[256], line[1600];
        const char *slash = strrchr(found->path, '/');
        name_unsaved(nth, unsaved);
        (void) snprintf(name, sizeof(name), "%llu-%.200s", (unsigned long long) now_realtime_usec(),
                        slash ? slash + 1 : found->path);
        if (renameat(state->saved_fd, unsaved, state->saved_fd, name) < 0)
                return error_set_errno(reterr, -errno, "Cannot keep /etc/%s", found->path);
        (void) snprintf(line, sizeof(line), "/etc/%s was edited by hand: saved as %s/saved/%s",
                        found->path, state->path, name); /* cut where it is too long */
        state->tell(line);
        return 0;
}

int guest_state_save(const GuestState *state, const FitPlan *plan, Error *reterr) {
        for (size_t i = 0; i < plan->n_operations; i++) {
                int r = plan->operations[i].keep_saved
                                        ? save(state, plan->operations[i].found, i, reterr)
                                        : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

int guest_state_keep(const GuestState *state,
                const FitPlan *plan,
                const FitOptions *options,
                Error *reterr) {
        char name[DIGEST_HEX_SIZE], unsaved[32];
        for (size_t i = 0; i < plan->n_operations; i++) {
                const FitOperation *operation = &plan->operations[i];
                int r = 0;
                name_unsaved(i, unsaved);
                if (operation->keep_displaced && name_of(operation->path, name) >= 0)
                        r = copy_to(operation->found, options, state->displaced_fd, name, reterr);
                if (r >= 0 && operation->keep_saved)
                        r = copy_to(operation->found, options, state->saved_fd, unsaved, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

void guest_state_drop(const GuestState *state, const FitPlan *plan) {
        char name[DIGEST_HEX_SIZE];
        for (size_t i = 0; i < plan->n_operations; i++)
                if (plan->operations[i].drop_displaced &&
                                name_of(plan->operations[i].path, name) >= 0)
                        remove_at(state->displaced_fd, name);
}

int guest_write_text(int dir_fd, const char *name, const char *text, Error *reterr) {
        cleanup_fd int fd = openat(
                        dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : write_bytes(fd, text, strlen(text));
        return r < 0 ? error_set_errno(reterr, r, "Cannot write %s", name) : 0;
}
