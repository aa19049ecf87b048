/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/overlay_space.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { MAX_MOUNTS = 1000 };

typedef struct HostMount {
        int fd; /* O_PATH, of its root; -1: not open */
        bool is_directory;
        bool may_hang; /* somebody else answers for it: nothing is asked of it beforehand */
        char path[PATH_MAX];
} HostMount;

/* Neither shown nor opened: what they hold is the kernel's, made anew below, or comes only when it
 * is looked at. */
static bool is_left_out(const OverlaySpace *space, const char *type, const char *path) {
        static const char *const types[] = { "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2",
                "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs",
                "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs",
                "sysfs", "tracefs" };
        static const char *const places[] = { "/dev", "/proc", "/run/user", "/sys" };
        for (size_t i = 0; i < N_ELEMENTS(types); i++)
                if (strcmp(type, types[i]) == 0)
                        return true;
        for (size_t i = 0; i < N_ELEMENTS(places); i++)
                if (path_is_below(path, places[i]))
                        return true;
        return !space->has_runtime && (path_is_below(path, "/run") || path_is_below(path, "/tmp"));
}

static bool may_hang(const char *type) {
        static const char *const types[] = { "ceph", "cifs", "fuse", "nfs", "smb" };
        for (size_t i = 0; i < N_ELEMENTS(types); i++)
                if (strncmp(type, types[i], strlen(types[i])) == 0)
                        return true;
        return false;
}

/* "\040" and the like, as the kernel writes them. */
static void unescape(char *text) {
        char *out = text;
        for (const char *in = text; *in; out++) {
                if (*in == '\\' && strspn(in + 1, "01234567") >= 3) {
                        *out = (char) ((in[1] - '0') << 6 | (in[2] - '0') << 3 | (in[3] - '0'));
                        in += 4;
                } else
                        *out = *in++;
        }
        *out = 0;
}

/* The mount that a path leads to: another one than was meant, where that is covered. */
static int open_mount(const char *path, unsigned long id, HostMount *ret_mount) {
        cleanup_fd int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return 0;
        struct statx stx;
        if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
                            STATX_TYPE | STATX_MNT_ID, &stx) < 0)
                return 0;
        if (!(stx.stx_mask & STATX_MNT_ID) || stx.stx_mnt_id != id)
                return 0;
        if (!S_ISDIR(stx.stx_mode) && !S_ISREG(stx.stx_mode))
                return 0;
        *ret_mount = (HostMount){ .is_directory = S_ISDIR(stx.stx_mode), .fd = TAKE_FD(fd) };
        (void) snprintf(ret_mount->path, sizeof(ret_mount->path), "%s", path); /* it was opened */
        return 1;
}

/* 36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/root rw */
static int take_line(const OverlaySpace *space, char *line, HostMount *ret_mount) {
        unsigned long id = strtoul(line, NULL, 10);
        char *rest = line, *path = NULL;
        for (int field = 0; field < 5; field++)
                path = strsep(&rest, " ");
        char *dash = rest ? strstr(rest, " - ") : NULL;
        if (!path || !dash)
                return 0;
        char *type = dash + 3;
        type[strcspn(type, " \n")] = 0;
        unescape(path);
        if (is_left_out(space, type, path) || open_mount(path, id, ret_mount) == 0)
                return 0;
        ret_mount->may_hang = may_hang(type) && strcmp(path, "/") != 0;
        return 1;
}

/* In the order of the kernel: what is mounted on comes before what is mounted there. */
static int read_mounts(const OverlaySpace *space,
                HostMount **ret_mounts,
                size_t *ret_n_mounts,
                Error *reterr) {
        cleanup_file FILE *file = fopen("/proc/self/mountinfo", "re");
        HostMount *mounts = calloc(MAX_MOUNTS, sizeof(HostMount)); /* it ends with the process */
        if (!file)
                return error_set_errno(reterr, -errno, "/proc/self/mountinfo");
        if (!mounts)
                return error_oom(reterr);
        cleanup_free char *line = NULL;
        size_t size = 0, n_mounts = 0;
        while (getline(&line, &size, file) >= 0) {
                if (n_mounts == MAX_MOUNTS)
                        return error_set(reterr, -E2BIG, "More than %d file systems", MAX_MOUNTS);
                n_mounts += (size_t) take_line(space, line, &mounts[n_mounts]);
        }
        *ret_mounts = mounts;
        *ret_n_mounts = n_mounts;
        return 0;
}

static int bind_read_only(const HostMount *mount_of_host, const char *target) {
        char source[64];
        (void) snprintf(source, sizeof(source), "/proc/self/fd/%d", mount_of_host->fd); /* fits */
        if (mount(source, target, NULL, MS_BIND, NULL) < 0)
                return -errno;
        const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NODEV | MS_NOSUID;
        if (mount(NULL, target, NULL, flags, NULL) == 0)
                return 0;
        int r = -errno;
        return umount2(target, MNT_DETACH) < 0 ? -ENOTRECOVERABLE : r; /* rather nothing */
}

/* The root of an overlay is its upper directory's. */
static int make_upper(const HostMount *mount_of_host, const char *path) {
        struct stat st;
        if (fstat(mount_of_host->fd, &st) < 0 || mkdir(path, 0700) < 0 ||
                        chown(path, st.st_uid, st.st_gid) < 0 ||
                        chmod(path, st.st_mode & 07777) < 0)
                return -errno;
        return 0;
}

static int lay_over(const OverlaySpace *space,
                const HostMount *mount_of_host,
                size_t nth,
                const char *target) {
        char upper[64], work[64], options[256];
        (void) snprintf(upper, sizeof(upper), OVERLAY_SPACE_WORK "/upper-%zu", nth); /* all fit */
        (void) snprintf(work, sizeof(work), OVERLAY_SPACE_WORK "/work-%zu", nth);
        (void) snprintf(options, sizeof(options),
                        "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s", mount_of_host->fd,
                        upper, work);
        int r = make_upper(mount_of_host, upper);
        if (r < 0)
                return r;
        if (mkdir(work, 0700) < 0)
                return -errno;
        return mount("overlay", target, "overlay", MS_NODEV | space->flags, options) < 0 ? -errno
                                                                                         : 0;
}

static int
show_mount(const OverlaySpace *space, const HostMount *mount_of_host, size_t nth, Error *reterr) {
        char target[PATH_MAX + 64];
        bool is_root = strcmp(mount_of_host->path, "/") == 0;
        (void) snprintf(target, sizeof(target), OVERLAY_SPACE_ROOT "%s",
                        is_root ? "" : mount_of_host->path); /* fits */
        bool has_overlay = mount_of_host->is_directory && !mount_of_host->may_hang;
        int r = has_overlay ? lay_over(space, mount_of_host, nth, target) : -EINVAL;
        if (r >= 0)
                return 0;
        if (is_root) /* without it /etc cannot be another */
                return error_set(reterr, r, "An overlay of /: %s%s", strerror(-r),
                                r == -EINVAL ? " (there is none on an overlay of an overlay)" : "");
        if (!space->binds_others)
                return 0;
        r = bind_read_only(mount_of_host, target);
        /* what cannot be shown is missing for the check, and for it alone */
        return r == -ENOTRECOVERABLE ? error_set_errno(reterr, r, "%s", mount_of_host->path) : 0;
}

static int hide(const char *path, Error *reterr) {
        char target[PATH_MAX];
        if (!path || snprintf(target, sizeof(target), OVERLAY_SPACE_ROOT "%s", path) >= PATH_MAX)
                return 0; /* a path that long leads nowhere */
        if (mount("tmpfs", target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                            "mode=0,size=4k") < 0 &&
                        errno != ENOENT)
                return error_set_errno(reterr, -errno, "Covering %s", path);
        return 0;
}

int overlay_space_make(const OverlaySpace *space, const char *hidden, Error *reterr) {
        HostMount *mounts;
        size_t n_mounts;
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return error_set_errno(reterr, -errno, "Making the mounts private");
        int r = read_mounts(space, &mounts, &n_mounts, reterr);
        if (r < 0)
                return r;
        if (mount("tmpfs", OVERLAY_SPACE_WORK, "tmpfs", MS_NOSUID | MS_NODEV, space->options) < 0 ||
                        mkdir(OVERLAY_SPACE_ROOT, 0700) < 0)
                return error_set_errno(reterr, -errno, "A tmpfs");
        for (size_t i = 0; r >= 0 && i < n_mounts; i++)
                r = show_mount(space, &mounts[i], i, reterr);
        for (size_t i = 0; i < n_mounts; i++)
                (void) close(mounts[i].fd); /* only names of places */
        return r < 0 ? r : hide(hidden, reterr);
}

int overlay_space_make_device(const char *root, const char *name) {
        char source[64], target[128];
        (void) snprintf(source, sizeof(source), "/dev/%s", name); /* both fit */
        (void) snprintf(target, sizeof(target), "%s/dev/%s", root, name);
        cleanup_fd int fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 || mount(source, target, NULL, MS_BIND, NULL) < 0)
                return -errno;
        return 0;
}

int overlay_space_make_dev(const char *root, Error *reterr) {
        static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };
        static const char *const links[][2] = { { "/proc/self/fd", "fd" },
                { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
                { "/proc/self/fd/2", "stderr" } };
        char path[128];
        (void) snprintf(path, sizeof(path), "%s/dev", root); /* all of these fit */
        if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=16m") < 0)
                return error_set_errno(reterr, -errno, "Mounting /dev");
        for (size_t i = 0; i < N_ELEMENTS(devices); i++) {
                int r = overlay_space_make_device(root, devices[i]);
                if (r < 0)
                        return error_set_errno(reterr, r, "/dev/%s", devices[i]);
        }
        for (size_t i = 0; i < N_ELEMENTS(links); i++) {
                (void) snprintf(path, sizeof(path), "%s/dev/%s", root, links[i][1]);
                if (symlink(links[i][0], path) < 0)
                        return error_set_errno(reterr, -errno, "/dev/%s", links[i][1]);
        }
        (void) snprintf(path, sizeof(path), "%s/dev/shm", root);
        if (mkdir(path, 01777) < 0 || chmod(path, 01777) < 0)
                return error_set_errno(reterr, -errno, "/dev/shm");
        return 0;
}

int overlay_space_go(const char *root, Error *reterr) {
        if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
                        umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
                return error_set_errno(reterr, -errno, "Going to the new root");
        return 0;
}
