/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/scan.h"

#include "activate/bytes.h"
#include "activate/listing.h"
#include "activate/xattrs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { N_ATTEMPTS = 3 };

int scan_look(int dir_fd, const char *name, Found *ret_found) {
        struct statx st;
        if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) < 0)
                return -errno;
        if (st.stx_attributes & STATX_ATTR_MOUNT_ROOT)
                ret_found->kind = FOUND_MOUNT_POINT;
        else if (S_ISREG(st.stx_mode))
                ret_found->kind = FOUND_FILE;
        else if (S_ISLNK(st.stx_mode))
                ret_found->kind = FOUND_LINK;
        else if (S_ISDIR(st.stx_mode))
                ret_found->kind = FOUND_DIRECTORY;
        else
                ret_found->kind = FOUND_OTHER;
        ret_found->mode = st.stx_mode & 07777;
        ret_found->uid = st.stx_uid;
        ret_found->gid = st.stx_gid;
        ret_found->size_bytes = st.stx_size;
        ret_found->device = makedev(st.stx_dev_major, st.stx_dev_minor);
        ret_found->inode = st.stx_ino;
        ret_found->mtime_nsec = st.stx_mtime.tv_sec * 1000000000 + st.stx_mtime.tv_nsec;
        ret_found->ctime_nsec = st.stx_ctime.tv_sec * 1000000000 + st.stx_ctime.tv_nsec;
        return 0;
}

/* What all paths of a scan share, and where the one at hand is. */
typedef struct Run {
        RootWalk walk;
        Listings listings;
        Contents *contents;
        Arena *arena;           /* the scan's */
        const ScanLimit *limit; /* NULL: none */
        uint64_t others_bytes;  /* that were read */
        int dir_fd;
        const char *name;
} Run;

/* A file that changes while it is read counts each time. */
static bool is_to_read(Run *run, const Found *found) {
        const ScanLimit *limit = run->limit;
        if (found->size_bytes > FOUND_MAX_FILE_BYTES)
                return false;
        const Entry *declared = limit ? tree_find(limit->declared, limit->root, found->path) : NULL;
        if (!limit || (declared && declared->kind == ENTRY_FILE &&
                                      declared->content->size_bytes == found->size_bytes))
                return true;
        if (found->size_bytes > limit->others_max_bytes - run->others_bytes)
                return false;
        run->others_bytes += found->size_bytes;
        return true;
}

static int read_content(Run *run, Found *found, Error *reterr) {
        if (!is_to_read(run, found))
                return 0;
        cleanup_fd int fd = openat(run->dir_fd, run->name,
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        cleanup_free char *data = malloc(found->size_bytes + 1);
        if (!data)
                return error_oom(reterr);
        ssize_t n = read_bytes(fd, data, found->size_bytes + 1); /* one more: a file that grew */
        if (n < 0)
                return (int) n;
        if ((size_t) n != found->size_bytes)
                return -ESTALE;
        return contents_add(run->contents, data, (size_t) n, &found->content, reterr);
}

static int read_target(const Run *run, Found *found) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(run->dir_fd, run->name, target, sizeof(target));
        if (length < 0)
                return errno == EINVAL ? -ESTALE : -errno;
        found->target = arena_strndup(run->arena, target, (size_t) length);
        return found->target ? 0 : -ENOMEM;
}

int scan_count_children(int dir_fd, const char *name, uint32_t *ret_n_children) {
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        DIR *directory = fdopendir(fd);
        if (!directory) {
                int r = -errno;
                (void) close(fd); /* nothing was written */
                return r;
        }
        uint32_t n = 0;
        errno = 0;
        for (const struct dirent *child; (child = readdir(directory));)
                if (strcmp(child->d_name, ".") != 0 && strcmp(child->d_name, "..") != 0)
                        n++;
        int r = -errno;
        (void) closedir(directory); /* nothing was written */
        *ret_n_children = n;
        return r;
}

static int read_whole(Run *run, Found *found, Error *reterr) {
        int r = 0;
        if (found->kind == FOUND_FILE)
                r = read_content(run, found, reterr);
        else if (found->kind == FOUND_LINK)
                r = read_target(run, found);
        else if (found->kind == FOUND_DIRECTORY)
                r = scan_count_children(run->dir_fd, run->name, &found->n_children);
        else
                return 0;
        if (r < 0)
                return r;
        return xattrs_read(run->dir_fd, run->name, run->arena, &found->xattrs,
                        &found->xattrs_size_bytes);
}

/* Did what was read belong to what was looked at before? The change time changes with everything.
 */
static int verify(const Run *run, const Found *before) {
        Found after = { 0 };
        int r = scan_look(run->dir_fd, run->name, &after);
        if (r < 0)
                return r;
        bool is_same = after.device == before->device && after.inode == before->inode &&
                       after.kind == before->kind && after.ctime_nsec == before->ctime_nsec &&
                       after.size_bytes == before->size_bytes;
        return is_same ? 0 : -ESTALE;
}

static bool is_change(int error) {
        return error == -ESTALE || error == -ENOENT || error == -ENOTDIR || error == -ELOOP ||
               error == -ENXIO;
}

static int find(Run *run, const Sought *sought, Found *ret_found, Error *reterr) {
        for (unsigned attempt = 0; attempt < N_ATTEMPTS; attempt++) {
                Found found = { .path = sought->path };
                int r = scan_look(run->dir_fd, run->name, &found);
                if (r == -ENOENT) {
                        *ret_found = found;
                        return 0;
                }
                if (r >= 0 && sought->whole)
                        r = read_whole(run, &found, reterr);
                if (r >= 0 && sought->whole)
                        r = verify(run, &found);
                if (r >= 0) {
                        *ret_found = found;
                        return 0;
                }
                if (!is_change(r))
                        return r;
        }
        return -EBUSY;
}

static int blocked(
                Arena *arena, const Sought *sought, size_t length, bool missing, Found *ret_found) {
        *ret_found = (Found){
                .kind = missing ? FOUND_NOTHING : FOUND_BLOCKED,
                .path = sought->path,
                .blocked_by = length > 0 ? arena_strndup(arena, sought->path, length) : NULL,
        };
        return length == 0 || ret_found->blocked_by ? 0 : -ENOMEM;
}

static int scan_path(Run *run, const Sought *sought, Found *ret_found, Error *reterr) {
        const char *slash = strrchr(sought->path, '/'), *name = slash ? slash + 1 : sought->path;
        size_t length = slash ? (size_t) (slash - sought->path) : 0;
        if (!sought->whole && listings_find(&run->listings, sought->path, length, name,
                                              &ret_found->kind) > 0) {
                ret_found->path = sought->path;
                return 0;
        }
        size_t blocked_length = 0;
        int r = root_walk_parent(
                        &run->walk, sought->path, &run->dir_fd, &run->name, &blocked_length);
        if (r == -ENOENT || r == -ENOTDIR || r == -EXDEV)
                return blocked(run->arena, sought, blocked_length, r == -ENOENT, ret_found);
        if (r >= 0 && !sought->whole)
                r = listings_note(&run->listings, sought->path, length, run->dir_fd);
        return r < 0 ? r : find(run, sought, ret_found, reterr);
}

int scan_new_limited(const Root *root,
                const Sought *sought,
                size_t n_sought,
                const ScanLimit *limit,
                Contents *contents,
                Scan **ret_scan,
                Error *reterr) {
        cleanup(scan_freep) Scan *scan = calloc(1, sizeof(Scan));
        if (!scan)
                return error_oom(reterr);
        scan->found = arena_new(&scan->arena, Found, n_sought);
        if (!scan->found)
                return error_oom(reterr);

        Run run = { .contents = contents, .arena = &scan->arena, .limit = limit };
        root_walk_init(&run.walk, root);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < n_sought; i++) {
                r = scan_path(&run, &sought[i], &scan->found[i], reterr);
                if (r == -EBUSY)
                        (void) error_set(reterr, r, "%s/%s does not stop changing: try again",
                                        root->path,
                                        sought[i].path); /* r is its code, here and below */
                else if (r < 0)
                        (void) error_set_errno(reterr, r, "Cannot look at %s/%s", root->path,
                                        sought[i].path);
        }
        root_walk_done(&run.walk);
        listings_done(&run.listings);
        if (r < 0)
                return r;
        scan->n_found = n_sought;
        *ret_scan = TAKE(scan);
        return 0;
}

int scan_new(const Root *root,
                const Sought *sought,
                size_t n_sought,
                Contents *contents,
                Scan **ret_scan,
                Error *reterr) {
        return scan_new_limited(root, sought, n_sought, NULL, contents, ret_scan, reterr);
}

Scan *scan_free(Scan *scan) {
        if (scan) {
                arena_done(&scan->arena);
                free(scan);
        }
        return NULL;
}
