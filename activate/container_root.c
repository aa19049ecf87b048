/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/container_root.h"

#include "activate/bytes.h"
#include "activate/in_root.h"
#include "base/path.h"
#include "diff/nspawn.h"
#include "diff/nspawn_mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX_BYTES = 1024 * 1024 };

typedef struct Directory {
        const char *path;
        mode_t mode;
        enum { REAL, MAY_BE_LINK, IF_THERE } kind; /* a link: nspawn itself uses nothing below */
} Directory;

static const Directory directories[] = {
        { "usr", 0755, REAL },
        { "etc", 0755, REAL },
        { "root", 0700, MAY_BE_LINK },
        { "tmp", 01777, MAY_BE_LINK },
        { "run", 0755, REAL },
        { "dev", 0755, REAL },
        { "proc", 0555, REAL },
        { "sys", 0555, REAL },
        { "var", 0755, REAL },
        { "var/log", 0755, REAL },
        { "var/log/journal", 0755, IF_THERE },
        { "var/lib", 0755, REAL },
        { "var/lib/private", 0700, REAL },
        /* mount points have to be there: nspawn would make them with an owner that is nobody's */
        { "var/lib/sysswitch", 0700, REAL },
        { "var/lib/sysswitch/bundle", 0755, REAL },
};

typedef struct File {
        const char *path;
        const char *source; /* of the host, where it has one; NULL: none */
        const char *text;   /* else */
        bool may_be_link;
} File;

static const File files[] = {
        { "etc/machine-id", NULL, "", false },
        { "etc/passwd", "/usr/share/base-passwd/passwd.master", "root:*:0:0:root:/root:/bin/sh\n",
                        true },
        { "etc/group", "/usr/share/base-passwd/group.master", "root:*:0:\n", true },
        { "etc/nsswitch.conf", NULL,
                        "passwd: files systemd\ngroup: files systemd\nshadow: files\n"
                        "hosts: files dns\n",
                        true },
};

static const char *const usr_links[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

typedef struct Skeleton {
        int fd;
        const char *path;
        uid_t uid; /* of the root, which a user namespace may have */
        gid_t gid;
} Skeleton;

/* The directory that path lies in, and its last component. */
static int open_parent(const Skeleton *root, const char *path, const char **ret_name) {
        char parent[PATH_MAX] = ".";
        const char *slash = strrchr(path, '/');
        if (slash)
                (void) snprintf(parent, sizeof(parent), "%.*s", (int) (slash - path), path);
        struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        *ret_name = slash ? slash + 1 : path;
        int fd = open_resolved(root->fd, parent, &how);
        return fd < 0 ? -errno : fd;
}

static int own(const Skeleton *root, int dir_fd, const char *name) {
        return fchownat(dir_fd, name, root->uid, root->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* -ELOOP: it is a link. */
static int make_directory(const Skeleton *root, const Directory *directory) {
        const char *name;
        struct stat st;
        cleanup_fd int dir_fd = open_parent(root, directory->path, &name);
        if (dir_fd < 0)
                return dir_fd;
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return S_ISDIR(st.st_mode)              ? 0
                       : !S_ISLNK(st.st_mode)           ? -ENOTDIR
                       : directory->kind == MAY_BE_LINK ? 0
                                                        : -ELOOP;
        if (errno != ENOENT || directory->kind == IF_THERE)
                return errno == ENOENT ? 0 : -errno;
        if (mkdirat(dir_fd, name, 0700) < 0)
                return -errno;
        cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fchmod(fd, directory->mode) < 0) /* whatever the umask is */
                return -errno;
        return own(root, dir_fd, name);
}

static int make_link(const Skeleton *root, const char *path, const char *target) {
        const char *name;
        cleanup_fd int dir_fd = open_parent(root, path, &name);
        if (dir_fd < 0)
                return dir_fd;
        if (symlinkat(target, dir_fd, name) < 0)
                return errno == EEXIST ? 0 : -errno;
        return own(root, dir_fd, name);
}

static int write_text(const Skeleton *root,
                int dir_fd,
                const char *name,
                const char *source,
                const char *text) {
        cleanup_fd int fd = openat(
                        dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        cleanup_fd int from = source ? open(source, O_RDONLY | O_CLOEXEC) : -1;
        cleanup_free char *copy = malloc(FILE_MAX_BYTES);
        if (fd < 0)
                return -errno;
        if (!copy)
                return -ENOMEM;
        ssize_t n = from >= 0 ? read_bytes(from, copy, FILE_MAX_BYTES) : 0;
        int r = n < 0       ? (int) n
                : from >= 0 ? write_bytes(fd, copy, (size_t) n)
                            : write_bytes(fd, text, strlen(text));
        if (r >= 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
                r = -errno;
        return r < 0 ? r : own(root, dir_fd, name);
}

/* Whole, or not there: what is there is never made again, and an empty passwd would stay. -ELOOP:
 * it is a link. */
static int make_file(const Skeleton *root, const File *file) {
        static const char temporary[] = ".sysswitch-new";
        const char *name;
        struct stat st;
        cleanup_fd int dir_fd = open_parent(root, file->path, &name);
        if (dir_fd < 0)
                return dir_fd;
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
                return S_ISLNK(st.st_mode) && !file->may_be_link ? -ELOOP : 0;
        if (unlinkat(dir_fd, temporary, 0) < 0 && errno != ENOENT) /* of one that was interrupted */
                return -errno;
        int r = write_text(root, dir_fd, temporary, file->source, file->text);
        if (r >= 0 && renameat2(dir_fd, temporary, dir_fd, name, RENAME_NOREPLACE) < 0)
                r = -errno;
        return r;
}

/* As the host has them. */
static int make_usr_link(const Skeleton *root, const char *name) {
        char path[16], target[PATH_MAX];
        (void) snprintf(path, sizeof(path), "/%s", name); /* fits */
        ssize_t length = readlink(path, target, sizeof(target) - 1);
        if (length < 0)
                return errno == EINVAL || errno == ENOENT ? 0 : -errno;
        target[length] = 0;
        return make_link(root, name, *target == '/' ? target + 1 : target);
}

static int tell(const Skeleton *root, const char *path, int r, Error *reterr) {
        if (r == -ELOOP)
                return error_set(reterr, r,
                                "%s/%s is a symbolic link, which systemd-nspawn would follow out "
                                "of the container; put a real one there",
                                root->path, path);
        return r < 0 ? error_set_errno(reterr, r, "Cannot make %s/%s", root->path, path) : 0;
}

bool container_root_has_usr(int root_fd) {
        struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
        cleanup_fd int fd = open_resolved(root_fd, "usr/lib/systemd/systemd", &how);
        return fd >= 0;
}

/* Also a link that leads nowhere. */
static bool has_any(int root_fd, const char *const *names) {
        for (; *names; names++) {
                cleanup_fd int fd = in_root_open(root_fd, *names, O_PATH | O_NOFOLLOW);
                if (fd >= 0)
                        return true;
        }
        return false;
}

static bool is_made_here(const char *name) {
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                if (strcmp(directories[i].path, name) == 0)
                        return true;
        for (size_t i = 0; i < N_ELEMENTS(usr_links); i++)
                if (strcmp(usr_links[i], name) == 0)
                        return true;
        return false;
}

/* What the names alone say. */
static int look_at_names(int root_fd) {
        cleanup_fd int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        cleanup_dir DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        ContainerRootKind kind = CONTAINER_ROOT_EMPTY;
        const struct dirent *child;
        if (!directory)
                return -errno;
        (void) TAKE_FD(fd); /* the directory's now */
        while (errno = 0, child = readdir(directory)) {
                const char *name = child->d_name;
                if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
                                strcmp(name, "lost+found") == 0)
                        continue;
                if (!is_made_here(name))
                        return CONTAINER_ROOT_FOREIGN;
                kind = CONTAINER_ROOT_UNFINISHED;
        }
        return errno ? -errno : (int) kind;
}

int container_root_look(int host_fd, const char *path, const char *below) {
        static const char *const fitted[] = { "var/lib/sysswitch/bundle", NULL };
        static const char *const system[] = { "usr/lib/systemd", "usr/bin/init", "usr/sbin/init",
                "sbin/init", "etc/os-release", "usr/lib/os-release", NULL };
        cleanup_fd int fd = in_root_open_below(host_fd, path, below);
        if (fd == -ELOOP && *below)
                return CONTAINER_ROOT_FOREIGN;
        if (fd < 0)
                return fd == -ENOENT ? (int) CONTAINER_ROOT_EMPTY : fd;
        return has_any(fd, fitted)   ? (int) CONTAINER_ROOT_FITTED
               : has_any(fd, system) ? (int) CONTAINER_ROOT_SYSTEM
                                     : look_at_names(fd);
}

static int fill(const Skeleton *root, Error *reterr) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(directories); i++)
                r = tell(root, directories[i].path, make_directory(root, &directories[i]), reterr);
        size_t n_links = container_root_has_usr(root->fd) ? 0 : N_ELEMENTS(usr_links);
        for (size_t i = 0; r >= 0 && i < n_links; i++)
                r = tell(root, usr_links[i], make_usr_link(root, usr_links[i]), reterr);
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(files); i++)
                r = tell(root, files[i].path, make_file(root, &files[i]), reterr);
        if (r >= 0)
                r = tell(root, "etc/os-release",
                                make_link(root, "etc/os-release", "../usr/lib/os-release"), reterr);
        return r;
}

/* What a mount is mounted on, of that kind; 0: its source is not there. Inside, no link leads out
 * of the root. */
static mode_t kind_of(const Skeleton *root, const NspawnMount *mount) {
        struct stat st;
        if (!mount->source)
                return S_IFDIR;
        cleanup_fd int fd = mount->is_root_source ? in_root_open(root->fd, mount->source, O_PATH)
                                                  : open(mount->source, O_PATH | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return 0;
        return S_ISDIR(st.st_mode) ? S_IFDIR : S_IFREG;
}

static void make_place(const Skeleton *root, const NspawnMount *mount) {
        const char *place = mount->place + 1;
        char part[PATH_MAX];
        mode_t kind = kind_of(root, mount);
        int r = 0;
        for (size_t end = 0; kind && r >= 0 && place[end]; end += place[end] != 0) {
                end += strcspn(place + end, "/");
                (void) snprintf(part, sizeof(part), "%.*s", (int) end, place); /* else not made */
                if (place[end] || kind == S_IFDIR)
                        r = make_directory(root, &(Directory){ part, 0755, MAY_BE_LINK });
                else
                        r = make_file(root, &(File){ part, NULL, "", true });
        }
}

/* There nspawn mounts a file system of its own. */
static bool is_nspawns(const char *place) {
        static const char *const places[] = { "/dev", "/proc", "/run", "/sys", "/tmp" };
        for (size_t i = 0; i < N_ELEMENTS(places); i++)
                if (path_is_below(place, places[i]))
                        return true;
        return false;
}

/* nspawn would make them, and what leads there, with an owner that is nobody's. What lies below
 * another mount is not in the root. */
static int make_places(const Skeleton *root, const UnitFile *settings, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        NspawnMount mount, other;
        size_t position = 0;
        int r;
        while ((r = nspawn_mount_next(&arena, settings, &position, &mount)) > 0) {
                bool is_covered = is_nspawns(mount.place);
                for (size_t at = 0; (r = nspawn_mount_next(&arena, settings, &at, &other)) > 0;)
                        is_covered |= strcmp(mount.place, other.place) != 0 &&
                                      path_is_below(mount.place, other.place);
                if (r < 0)
                        break;
                if (!is_covered)
                        make_place(root, &mount);
        }
        return r < 0 ? error_oom(reterr) : 0;
}

/* The host's own directories. */
static int make_root(const char *path, Error *reterr) {
        char part[PATH_MAX];
        for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
                size_t length = slash ? (size_t) (slash - path) : strlen(path);
                (void) snprintf(part, sizeof(part), "%.*s", (int) length, path);
                if (mkdir(part, 0755) < 0 && errno != EEXIST)
                        return error_set_errno(reterr, -errno, "Cannot make %s", part);
                if (!slash)
                        return 0;
        }
}

/* Whoever sees the whole root inside could make a link of what leads to the new one. */
static int go_below(int *fd, const char *path, const char *below, Error *reterr) {
        char part[NAME_MAX + 1];
        for (const char *rest = below + 1; *rest;) {
                size_t length = strcspn(rest, "/");
                (void) snprintf(part, sizeof(part), "%.*s", (int) length, rest); /* or refused */
                rest += length + (rest[length] == '/');
                int r = mkdirat(*fd, part, 0755) < 0 && errno != EEXIST ? -errno : 0;
                int next = openat(*fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (r < 0 || next < 0)
                        return error_set_errno(reterr, r < 0 ? r : -errno,
                                        "%s%s: %s is no directory that can be entered", path, below,
                                        part);
                (void) close(*fd); /* nothing was written */
                *fd = next;
        }
        return 0;
}

int container_root_make(
                const char *path, const char *below, const UnitFile *settings, Error *reterr) {
        int r = make_root(path, reterr);
        if (r < 0)
                return r;
        cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;
        if (fd < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        r = below ? go_below(&fd, path, below, reterr) : 0;
        if (r < 0)
                return r;
        if (fstat(fd, &st) < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        const Skeleton root = { .fd = fd, .path = path, .uid = st.st_uid, .gid = st.st_gid };
        r = fill(&root, reterr);
        return r < 0 || !settings ? r : make_places(&root, settings, reterr);
}
