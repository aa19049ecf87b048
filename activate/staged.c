/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/staged.h"

#include "activate/bytes.h"
#include "activate/scan.h"
#include "activate/xattrs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* What comes, be it an entry of a tree or a displaced one. */
typedef struct Shape {
        FoundKind kind;
        uint16_t mode;
        uint32_t uid, gid;
        Content *content;
        const char *target;
        const Found *give_back; /* with its times and extended attributes; NULL: an entry */
} Shape;

int staged_owner(const Entry *entry,
                const FitOptions *options,
                uint32_t *ret_uid,
                uint32_t *ret_gid,
                Error *reterr) {
        uint32_t uid, gid;
        int r = owners_resolve(options->owners, entry->owner, entry->group, ret_uid, ret_gid);
        if (r == -ESRCH && owners_resolve(options->owners, entry->owner, "0", &uid, &gid) < 0)
                return error_set(reterr, r, "there is no user %s; add it to sysusers.d",
                                entry->owner);
        if (r == -ESRCH)
                return error_set(reterr, r, "there is no group %s; add it to sysusers.d",
                                entry->group);
        return r < 0 ? error_set_errno(reterr, r, "owner %s:%s", entry->owner, entry->group) : 0;
}

static int shape_of(const FitOperation *operation,
                const FitOptions *options,
                Shape *ret_shape,
                Error *reterr) {
        const Found *found = operation->give_back;
        if (found) {
                *ret_shape = (Shape){
                        .kind = found->kind,
                        .mode = found->mode,
                        .uid = found->uid,
                        .gid = found->gid,
                        .content = found->content,
                        .target = found->target,
                        .give_back = found,
                };
                return 0;
        }
        const Entry *entry = operation->entry;
        Shape shape = { .mode = entry->mode, .content = entry->content, .target = entry->target };
        shape.kind = entry->kind == ENTRY_FILE   ? FOUND_FILE
                     : entry->kind == ENTRY_LINK ? FOUND_LINK
                                                 : FOUND_DIRECTORY;
        if (options->owners) {
                int r = staged_owner(entry, options, &shape.uid, &shape.gid, reterr);
                if (r < 0)
                        return r;
        }
        *ret_shape = shape;
        return 0;
}

static int make_file(int dir_fd, const char *name, const Content *content) {
        cleanup_fd int fd = openat(
                        dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = write_bytes(fd, content->data, content->size_bytes);
        if (r < 0)
                return r;
        return close(TAKE_FD(fd)) < 0 ? -errno
                                      : 0; /* some file systems tell of a full disk only now */
}

static int make(const Place *place, const Shape *shape) {
        int dir_fd = place->dir_fd;
        const char *name = place->name;
        if (shape->kind == FOUND_FILE)
                return make_file(dir_fd, name, shape->content);
        int r = shape->kind == FOUND_LINK ? symlinkat(shape->target, dir_fd, name)
                                          : mkdirat(dir_fd, name, 0700);
        return r < 0 ? -errno : 0;
}

/* In this order: a change of owner clears capabilities and setuid, the mode's group bits are those
 * of an access list's mask, and all of it before the time. */
static int set_attributes(const Place *place, const Shape *shape, bool set_owner) {
        int dir_fd = place->dir_fd;
        const char *name = place->name;
        if (set_owner && fchownat(dir_fd, name, shape->uid, shape->gid, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        const Found *give_back = shape->give_back;
        if (give_back && give_back->xattrs) {
                int r = xattrs_write(dir_fd, name, give_back->xattrs, give_back->xattrs_size_bytes,
                                set_owner);
                if (r < 0)
                        return r;
        }
        if (shape->kind != FOUND_LINK && fchmodat(dir_fd, name, shape->mode, 0) < 0)
                return -errno;
        if (give_back) {
                int64_t nsec = give_back->mtime_nsec % 1000000000,
                        sec = give_back->mtime_nsec / 1000000000;
                if (nsec < 0) { /* before 1970 */
                        nsec += 1000000000;
                        sec--;
                }
                const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
                        { .tv_sec = sec, .tv_nsec = nsec } };
                if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
                        return -errno;
        }
        return 0;
}

static int digest_xattrs(int dir_fd, const char *name, Digest *ret_digest) {
        cleanup(arena_donep) Arena arena = { 0 };
        const void *xattrs = NULL;
        size_t size_bytes = 0;
        int r = xattrs_read(dir_fd, name, &arena, &xattrs, &size_bytes);
        return r < 0 ? r : digest_of(xattrs ? xattrs : "", size_bytes, ret_digest);
}

static bool is_twin(const Found *found, const Staged *staged) {
        return found && found->kind == staged->kind && found->kind != FOUND_DIRECTORY &&
               found->mode == staged->mode && found->uid == staged->uid &&
               found->gid == staged->gid && found->size_bytes == staged->size_bytes &&
               found->mtime_nsec == staged->mtime_nsec;
}

/* replaced: NULL when nothing is. */
static int describe(
                const Place *place, const Shape *shape, const Found *replaced, Staged *ret_staged) {
        Found found = { 0 };
        int r = scan_look(place->dir_fd, place->name, &found);
        if (r < 0)
                return r;
        Staged staged = {
                .kind = found.kind, .mode = found.mode, .uid = found.uid, .gid = found.gid
        };
        if (found.kind != FOUND_DIRECTORY) {
                staged.size_bytes = found.size_bytes;
                staged.mtime_nsec = found.mtime_nsec;
        }
        if (found.kind == FOUND_FILE)
                staged.digest = shape->content->digest;
        else if (found.kind == FOUND_LINK)
                r = digest_of(shape->target, strlen(shape->target), &staged.digest);
        staged.has_twin = is_twin(replaced, &staged);
        if (r >= 0 && staged.has_twin)
                r = digest_xattrs(place->dir_fd, place->name, &staged.xattrs);
        *ret_staged = staged;
        return r;
}

/* What the database had is not written unseen: a damaged page must not become a file of /etc. */
static int check_content(const Content *content, Error *reterr) {
        Digest digest;
        int r = digest_of(content->data, content->size_bytes, &digest);
        if (r < 0)
                return error_set_errno(reterr, r, "hashing its content");
        return digest_equal(&digest, &content->digest)
                               ? 0
                               : error_set(reterr, -EBADMSG,
                                                 "its content is damaged in the database");
}

int staged_make(const FitOperation *operation,
                const FitOptions *options,
                const Place *place,
                Staged *ret_staged,
                Error *reterr) {
        Shape shape;
        int r = shape_of(operation, options, &shape, reterr);
        if (r >= 0 && shape.kind == FOUND_FILE)
                r = content_load(options->contents, shape.content, reterr);
        if (r >= 0 && shape.content)
                r = check_content(shape.content, reterr);
        if (r < 0)
                return r;
        r = make(place, &shape);
        if (r < 0)
                return error_set_errno(reterr, r, "making it");
        r = set_attributes(place, &shape, options->owners);
        if (r < 0)
                return error_set_errno(reterr, r, "setting its owner, mode, times and attributes");
        r = describe(place, &shape, operation->verb == FIT_EXCHANGE ? operation->found : NULL,
                        ret_staged);
        return r < 0 ? error_set_errno(reterr, r, "looking at it") : 0;
}

static int digest_file(int dir_fd, const char *name, size_t size_bytes, Digest *ret_digest) {
        cleanup_fd int fd = openat(
                        dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        cleanup_free char *data = malloc(size_bytes + 1);
        if (!data)
                return -ENOMEM;
        ssize_t n = read_bytes(fd, data, size_bytes); /* shorter than it was: the digest tells */
        return n < 0 ? (int) n : digest_of(data, (size_t) n, ret_digest);
}

static int digest_link(int dir_fd, const char *name, Digest *ret_digest) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(dir_fd, name, target, sizeof(target));
        return length < 0 ? -errno : digest_of(target, (size_t) length, ret_digest);
}

int staged_is_at(const Staged *staged, int dir_fd, const char *name, bool exactly) {
        Found found = { 0 };
        int r = scan_look(dir_fd, name, &found);
        if (r < 0)
                return r;
        if (found.kind != staged->kind)
                return 0;
        if (exactly && (found.mode != staged->mode || found.uid != staged->uid ||
                                       found.gid != staged->gid))
                return 0;
        if (found.kind == FOUND_DIRECTORY)
                return 1;
        if (found.size_bytes != staged->size_bytes ||
                        (exactly && found.mtime_nsec != staged->mtime_nsec))
                return 0;
        Digest digest;
        r = found.kind == FOUND_LINK ? digest_link(dir_fd, name, &digest)
                                     : digest_file(dir_fd, name, found.size_bytes, &digest);
        if (r < 0 || !digest_equal(&digest, &staged->digest))
                return r;
        if (!exactly || !staged->has_twin)
                return 1;
        r = digest_xattrs(dir_fd, name, &digest);
        return r < 0 ? r : digest_equal(&digest, &staged->xattrs);
}
