/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/packages.h"

#include "activate/in_root.h"
#include "base/hash.h"
#include "base/map.h"
#include "diff/conffile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DPKG_STATUS "var/lib/dpkg/status"

enum { MAX_STATUS_BYTES = 256 * 1024 * 1024, MAX_STATE_BYTES = 64 * 1024 };

/* Either a file by its digest, or a link that was made by the time its state was written. */
typedef struct Owned {
        const char *md5; /* NULL: a link */
        int64_t written_nsec;
} Owned;

struct Packages {
        Arena arena;
        Map by_path; /* Owned */
        bool is_known;
};

static int put(Packages *packages, const char *path, const Owned *owned) {
        char *key = arena_strdup(&packages->arena, path);
        Owned *copy = arena_memdup(&packages->arena, owned, sizeof(*owned));
        return key && copy ? map_put(&packages->by_path, key, copy) : -ENOMEM;
}

static int read_conffiles(Packages *packages, int root_fd, Error *reterr) {
        cleanup_free char *data = NULL;
        size_t size = 0, n_conffiles = 0;
        Conffile *conffiles = NULL;
        int r = in_root_read(root_fd, DPKG_STATUS, MAX_STATUS_BYTES, &data, &size);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return error_set_errno(reterr, r, "Cannot read /" DPKG_STATUS);
        packages->is_known = true;
        r = conffiles_parse(&packages->arena, data, size, &conffiles, &n_conffiles);
        for (size_t i = 0; r >= 0 && i < n_conffiles; i++)
                r = put(packages, conffiles[i].path, &(Owned){ .md5 = conffiles[i].md5 });
        return r < 0 ? error_oom(reterr) : 0;
}

/* The links of one unit, one a line: "/etc/systemd/system/multi-user.target.wants/a.service". */
static int read_links(Packages *packages, int dir_fd, const char *name) {
        cleanup_free char *data = NULL;
        size_t size = 0;
        struct stat st;
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
                        in_root_read(dir_fd, name, MAX_STATE_BYTES, &data, &size) < 0)
                return 0; /* it went meanwhile, or is none */
        const Owned owned = { .written_nsec = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
        char *rest = data;
        for (char *line; (line = strsep(&rest, "\n"));)
                if (strncmp(line, "/etc/", 5) == 0 && put(packages, line + 5, &owned) < 0)
                        return -ENOMEM;
        return 0;
}

/* A mask: the name is that of the unit. */
static int read_mask(Packages *packages, int dir_fd, const char *name) {
        struct stat st;
        char path[300];
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                return 0;                                               /* as above */
        (void) snprintf(path, sizeof(path), "systemd/system/%s", name); /* 255 bytes at most */
        const Owned owned = { .written_nsec = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec };
        return put(packages, path, &owned);
}

static bool is_state_of_links(const char *name) {
        static const char suffix[] = ".dsh-also";
        size_t length = strlen(name);
        return length > strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

/* What deb-systemd-helper made, in a directory of its state. */
static int read_state(Packages *packages, int root_fd, const char *path, bool are_masks) {
        int fd = in_root_open(root_fd, path, O_RDONLY | O_DIRECTORY);
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        if (!directory) {
                if (fd >= 0)
                        (void) close(fd); /* it was only read */
                return 0;
        }
        int r = 0;
        for (const struct dirent *child; r >= 0 && (child = readdir(directory));)
                if (are_masks)
                        r = read_mask(packages, dirfd(directory), child->d_name);
                else if (is_state_of_links(child->d_name))
                        r = read_links(packages, dirfd(directory), child->d_name);
        (void) closedir(directory); /* it was only read */
        return r;
}

int packages_new(int root_fd, Packages **ret_packages, Error *reterr) {
        cleanup(packages_freep) Packages *packages = calloc(1, sizeof(Packages));
        if (!packages)
                return error_oom(reterr);
        int r = read_conffiles(packages, root_fd, reterr);
        if (r < 0)
                return r;
        if (read_state(packages, root_fd, "var/lib/systemd/deb-systemd-helper-enabled", false) <
                                        0 ||
                        read_state(packages, root_fd,
                                        "var/lib/systemd/deb-systemd-user-helper-enabled",
                                        false) < 0 ||
                        read_state(packages, root_fd, "var/lib/systemd/deb-systemd-helper-masked",
                                        true) < 0)
                return error_oom(reterr);
        *ret_packages = TAKE(packages);
        return 0;
}

Packages *packages_free(Packages *packages) {
        if (packages) {
                map_done(&packages->by_path);
                arena_done(&packages->arena);
                free(packages);
        }
        return NULL;
}

uint64_t packages_changed_usec(int root_fd) {
        cleanup_fd int fd = in_root_open(root_fd, DPKG_STATUS, O_PATH);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return 0;
        /* it is renamed into place, so the change of the inode is what counts */
        return (uint64_t) st.st_ctim.tv_sec * 1000000 + (uint64_t) st.st_ctim.tv_nsec / 1000;
}

bool packages_are_known(const Packages *packages) {
        return packages->is_known;
}

bool packages_have(const Packages *packages, const char *path) {
        return map_get(&packages->by_path, path);
}

Packaged packages_judge(const Packages *packages, const Found *found) {
        enum { SLACK_NSEC = 1000000000 };
        const Owned *owned = map_get(&packages->by_path, found->path);
        char md5[MD5_HEX_SIZE];
        if (!owned)
                return PACKAGED_NOT;
        if (!owned->md5)
                return found->kind == FOUND_LINK && found->mtime_nsec <= owned->written_nsec +
                                                                                         SLACK_NSEC
                                       ? PACKAGED_AS_SHIPPED
                                       : PACKAGED_LISTED;
        if (found->kind != FOUND_FILE || !found->content || !found->content->data ||
                        md5_to_hex(found->content->data, found->content->size_bytes, md5) < 0)
                return PACKAGED_LISTED;
        return strcmp(md5, owned->md5) == 0 ? PACKAGED_AS_SHIPPED : PACKAGED_LISTED;
}

const char *packages_next_file(const Packages *packages, size_t *position) {
        const Owned *owned;
        const char *path;
        while ((owned = map_next(&packages->by_path, position, &path)))
                if (owned->md5)
                        return path;
        return NULL;
}

bool packages_have_md5(const Packages *packages, const char *path, const char *md5) {
        const Owned *owned = map_get(&packages->by_path, path);
        return owned && owned->md5 && strcmp(owned->md5, md5) == 0;
}
