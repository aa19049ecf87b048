/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/check_space.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Where the new root is put together: a directory that every host has. It is covered in our own
 * mount namespace only. */
#define WORK_DIRECTORY "/run"
#define ROOT_DIRECTORY WORK_DIRECTORY "/root"
#define WORK_OPTIONS "mode=0700,size=256m"

enum { MAX_MOUNTS = 1000 };

typedef struct HostMount {
        int fd; /* O_PATH, of its root; -1: not open */
        bool is_directory;
        bool may_hang; /* somebody else answers for it: nothing is asked of it beforehand */
        char path[PATH_MAX];
} HostMount;

/* Neither shown nor opened: what they hold is the kernel's, made anew below, or comes only when it
 * is looked at. */
static bool is_left_out(const char *type, const char *path) {
        static const char *const types[] = { "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2",
                "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs", "fusectl", "hugetlbfs",
                "mqueue", "nsfs", "proc", "pstore", "rpc_pipefs", "securityfs", "selinuxfs",
                "sysfs", "tracefs" };
        static const char *const places[] = { "/dev", "/proc", "/run/user", "/sys" };
        for (size_t i = 0; i < N_ELEMENTS(types); i++)
                if (strcmp(type, types[i]) == 0)
                        return true;
        for (size_t i = 0; i < N_ELEMENTS(places); i++) {
                size_t length = strlen(places[i]);
                if (strncmp(path, places[i], length) == 0 && (path[length] == '/' || !path[length]))
                        return true;
        }
        return false;
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
static int take_line(char *line, HostMount *ret_mount) {
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
        if (is_left_out(type, path) || open_mount(path, id, ret_mount) == 0)
                return 0;
        ret_mount->may_hang = may_hang(type) && strcmp(path, "/") != 0;
        return 1;
}

/* In the order of the kernel: what is mounted on comes before what is mounted there. */
static int read_mounts(HostMount **ret_mounts, size_t *ret_n_mounts, Error *reterr) {
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
                n_mounts += (size_t) take_line(line, &mounts[n_mounts]);
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

static int lay_over(const HostMount *mount_of_host, size_t nth, const char *target) {
        char upper[64], work[64], options[256];
        (void) snprintf(upper, sizeof(upper), WORK_DIRECTORY "/upper-%zu", nth); /* all fit */
        (void) snprintf(work, sizeof(work), WORK_DIRECTORY "/work-%zu", nth);
        (void) snprintf(options, sizeof(options),
                        "lowerdir=/proc/self/fd/%d,upperdir=%s,workdir=%s", mount_of_host->fd,
                        upper, work);
        int r = make_upper(mount_of_host, upper);
        if (r < 0)
                return r;
        if (mkdir(work, 0700) < 0)
                return -errno;
        return mount("overlay", target, "overlay", MS_NODEV | MS_NOSUID, options) < 0 ? -errno : 0;
}

static int show_mount(const HostMount *mount_of_host, size_t nth, Error *reterr) {
        char target[PATH_MAX + 64];
        bool is_root = strcmp(mount_of_host->path, "/") == 0;
        (void) snprintf(target, sizeof(target), ROOT_DIRECTORY "%s",
                        is_root ? "" : mount_of_host->path); /* fits */
        bool has_overlay = mount_of_host->is_directory && !mount_of_host->may_hang;
        int r = has_overlay ? lay_over(mount_of_host, nth, target) : -EINVAL;
        if (r >= 0)
                return 0;
        if (is_root) /* an overlay on overlays, for one; without it /etc cannot be another */
                return error_set_errno(reterr, r, "An overlay of /");
        r = bind_read_only(mount_of_host, target);
        /* what cannot be shown is missing for the check, and for it alone */
        return r == -ENOTRECOVERABLE ? error_set_errno(reterr, r, "%s", mount_of_host->path) : 0;
}

static int make_device(const char *name) {
        char source[64], target[64];
        (void) snprintf(source, sizeof(source), "/dev/%s", name); /* both fit */
        (void) snprintf(target, sizeof(target), ROOT_DIRECTORY "/dev/%s", name);
        cleanup_fd int fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 || mount(source, target, NULL, MS_BIND, NULL) < 0)
                return -errno;
        return 0;
}

static int make_dev(Error *reterr) {
        static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };
        static const char *const links[][2] = { { "/proc/self/fd", "fd" },
                { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" },
                { "/proc/self/fd/2", "stderr" } };
        if (mount("tmpfs", ROOT_DIRECTORY "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC,
                            "mode=0755,size=16m") < 0)
                return error_set_errno(reterr, -errno, "Mounting /dev");
        for (size_t i = 0; i < N_ELEMENTS(devices); i++) {
                int r = make_device(devices[i]);
                if (r < 0)
                        return error_set_errno(reterr, r, "/dev/%s", devices[i]);
        }
        for (size_t i = 0; i < N_ELEMENTS(links); i++) {
                char path[64];
                (void) snprintf(path, sizeof(path), ROOT_DIRECTORY "/dev/%s",
                                links[i][1]); /* fits */
                if (symlink(links[i][0], path) < 0)
                        return error_set_errno(reterr, -errno, "/dev/%s", links[i][1]);
        }
        if (mkdir(ROOT_DIRECTORY "/dev/shm", 01777) < 0 ||
                        chmod(ROOT_DIRECTORY "/dev/shm", 01777) < 0)
                return error_set_errno(reterr, -errno, "/dev/shm");
        return 0;
}

static int hide(const char *path, Error *reterr) {
        char target[PATH_MAX];
        if (!path || snprintf(target, sizeof(target), ROOT_DIRECTORY "%s", path) >= PATH_MAX)
                return 0; /* a path that long leads nowhere */
        if (mount("tmpfs", target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                            "mode=0,size=4k") < 0 &&
                        errno != ENOENT)
                return error_set_errno(reterr, -errno, "Covering %s", path);
        return 0;
}

static int go_to_root(Error *reterr) {
        if (chdir(ROOT_DIRECTORY) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
                        umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
                return error_set_errno(reterr, -errno, "Going to the new root");
        return 0;
}

/* What listens there is not to be asked for anything, and that not by the grace of the overlay. */
static int remove_socket(const char *path, const struct stat *st, int kind, struct FTW *place) {
        (void) kind, (void) place;
        if (S_ISSOCK(st->st_mode) || S_ISFIFO(st->st_mode))
                return unlink(path) < 0 && errno != EROFS ? -1
                                                          : 0; /* read-only: a bind, see above */
        return 0;
}

static int remove_sockets(Error *reterr) {
        enum { MAX_OPEN = 32 };
        if (nftw("/run", remove_socket, MAX_OPEN, FTW_PHYS) != 0)
                return error_set_errno(reterr, -errno, "Removing the sockets of /run");
        return 0;
}

int check_space_enter(const char *hidden, Error *reterr) {
        HostMount *mounts;
        size_t n_mounts;
        if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
                return error_set_errno(reterr, -errno, "New namespaces");
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return error_set_errno(reterr, -errno, "Making the mounts private");
        int r = read_mounts(&mounts, &n_mounts, reterr);
        if (r < 0)
                return r;
        if (mount("tmpfs", WORK_DIRECTORY, "tmpfs", MS_NOSUID | MS_NODEV, WORK_OPTIONS) < 0 ||
                        mkdir(ROOT_DIRECTORY, 0700) < 0)
                return error_set_errno(reterr, -errno, "A tmpfs");
        for (size_t i = 0; r >= 0 && i < n_mounts; i++)
                r = show_mount(&mounts[i], i, reterr);
        for (size_t i = 0; i < n_mounts; i++)
                (void) close(mounts[i].fd); /* only names of places */
        if (r >= 0)
                r = make_dev(reterr);
        if (r >= 0 && mount("sysfs", ROOT_DIRECTORY "/sys", "sysfs",
                                      MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
                return error_set_errno(reterr, -errno, "Mounting /sys");
        if (r >= 0)
                r = hide(hidden, reterr);
        if (r >= 0)
                r = go_to_root(reterr);
        return r < 0 ? r : remove_sockets(reterr);
}

static void set_kernel_value(const char *path, const char *value) {
        cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
                (void) !write(fd, value, strlen(value)); /* a kernel without IPv6, for one */
}

static int raise_loopback(void) {
        cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
        return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

int check_space_begin(Error *reterr) {
        const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
        if (mount("proc", "/proc", "proc", flags, NULL) < 0)
                return error_set_errno(reterr, -errno, "Mounting /proc");
        /* the addresses of the host are not here, and a service that names one is not wrong */
        set_kernel_value("/proc/sys/net/ipv4/ip_nonlocal_bind", "1");
        set_kernel_value("/proc/sys/net/ipv6/ip_nonlocal_bind", "1");
        if (mount(NULL, "/proc", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
                return error_set_errno(reterr, -errno, "Making /proc read-only");
        int r = raise_loopback();
        return r < 0 ? error_set_errno(reterr, r, "The loopback interface") : 0;
}

int check_space_confine(Error *reterr) {
        static const int kept[] = { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_KILL,
                CAP_SETGID, CAP_SETUID, CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW,
                CAP_SYS_CHROOT };
        for (int capability = 0; capability <= CAP_LAST_CAP; capability++) {
                bool keep = false;
                for (size_t i = 0; !keep && i < N_ELEMENTS(kept); i++)
                        keep = kept[i] == capability;
                /* EINVAL: one that this kernel does not have */
                if (!keep && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL)
                        return error_set_errno(reterr, -errno, "Giving up privileges");
        }
        return 0;
}
