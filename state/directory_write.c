/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/directory_write.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

typedef struct Writing {
        const char *name; /* of the directory, for messages */
        int fd;           /* of the temporary directory */
        const Unrendered *unrendered;
        Contents *contents;
} Writing;

static int fail(const Writing *writing, const char *path, Error *reterr) {
        return error_set_errno(reterr, -errno, "%s/%s", writing->name, path);
}

static int compare_strings(const void *left, const void *right) {
        return strcmp(*(const char *const *) left, *(const char *const *) right);
}

static mode_t mode_of(const Writing *writing, const SourceEntry *entry) {
        const Unrendered *unrendered = writing->unrendered;
        bool is_secret = unrendered->n_secrets > 0 &&
                         bsearch(&entry->path, unrendered->secrets, unrendered->n_secrets,
                                         sizeof(char *), compare_strings);
        mode_t mode = entry->executable ? 0755 : 0644;
        return is_secret ? mode & 0700 : mode;
}

static int write_bytes(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

static int write_file(const Writing *writing, const SourceEntry *entry, Error *reterr) {
        int r = content_load(writing->contents, entry->content, reterr);
        if (r < 0)
                return r;
        cleanup_fd int fd = openat(writing->fd, entry->path,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || write_bytes(fd, entry->content->data, entry->content->size_bytes) < 0 ||
                        fchmod(fd, mode_of(writing, entry)) < 0)
                return fail(writing, entry->path, reterr);
        return 0;
}

static int make_directory(const Writing *writing, const char *path, Error *reterr) {
        if (mkdirat(writing->fd, path, 0755) == 0)
                return fchmodat(writing->fd, path, 0755, 0) < 0 ? fail(writing, path, reterr) : 0;
        return errno == EEXIST ? 0 : fail(writing, path, reterr);
}

static int make_parents(const Writing *writing, const char *path, Error *reterr) {
        char parent[PATH_MAX];
        int r = 0;
        if (strlen(path) >= sizeof(parent))
                return error_set_errno(reterr, -ENAMETOOLONG, "%s/%s", writing->name, path);
        (void) stpcpy(parent, path);
        for (char *slash = strchr(parent, '/'); r >= 0 && slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                r = make_directory(writing, parent, reterr);
                *slash = '/';
        }
        return r;
}

static int write_entry(const Writing *writing, const SourceEntry *entry, Error *reterr) {
        int r = make_parents(writing, entry->path, reterr);
        if (r < 0)
                return r;
        switch (entry->kind) {
        case SOURCE_FILE:
                return write_file(writing, entry, reterr);
        case SOURCE_DIRECTORY:
                return make_directory(writing, entry->path, reterr);
        case SOURCE_LINK:
                break;
        }
        return symlinkat(entry->target, writing->fd, entry->path) < 0
                               ? fail(writing, entry->path, reterr)
                               : 0;
}

/* Private until it is whole. */
static int write_all(Writing *writing, const char *temporary, Error *reterr) {
        const Source *source = writing->unrendered->source;
        writing->fd = open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (writing->fd < 0)
                return error_set_errno(reterr, -errno, "%s", writing->name);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < source->n_entries; i++)
                r = write_entry(writing, &source->entries[i], reterr);
        if (r >= 0 && (fchmod(writing->fd, 0755) < 0 || syncfs(writing->fd) < 0))
                r = error_set_errno(reterr, -errno, "%s", writing->name);
        (void) close(writing->fd); /* synced */
        return r;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
        (void) status;
        (void) kind;
        (void) walk;
        return remove(path);
}

static int write_and_rename(
                Writing *writing, const char *path, const char *temporary, Error *reterr) {
        if (mkdir(temporary, 0700) < 0)
                return errno == EEXIST ? error_set(reterr, -EEXIST,
                                                         "%s: is there, as of an export that was "
                                                         "interrupted: remove it",
                                                         temporary)
                                       : error_set_errno(reterr, -errno, "%s", path);
        int r = write_all(writing, temporary, reterr);
        if (r >= 0 && rename(temporary, path) < 0)
                r = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR
                                    ? error_set(reterr, -EEXIST,
                                                      "%s: is there already: name a directory that "
                                                      "is not there, or is empty",
                                                      path)
                                    : error_set_errno(reterr, -errno, "%s", path);
        if (r >= 0) {
                r = path_sync_parent(path);
                return r < 0 ? error_set_errno(reterr, r, "%s", path) : 0;
        }
        (void) nftw(temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* the error above is told */
        return r;
}

int directory_write(
                const char *path, const Unrendered *unrendered, Contents *contents, Error *reterr) {
        cleanup_free char *temporary = NULL;
        cleanup_free char *plain = strdup(path);
        if (!plain)
                return error_oom(reterr);
        for (size_t n = strlen(plain); n > 1 && plain[n - 1] == '/'; n--)
                plain[n - 1] = 0;
        if (asprintf(&temporary, "%s.tmp", plain) < 0) {
                temporary = NULL;
                return error_oom(reterr);
        }
        Writing writing = { .name = plain, .unrendered = unrendered, .contents = contents };
        return write_and_rename(&writing, plain, temporary, reterr);
}
