/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* attempt: tries, as root of a container, all that root of a container may or may not do. Prints
 * a line for each attempt, "NAME RESULT": done, or the error's name. What is shared with the host
 * is written as it was read, so that a success changes nothing. Where the kernel has no such
 * thing, the result is "absent".
 *
 * attempt FILE...  tries, as user nobody, to read these; the results alone */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BUNDLE "/var/lib/sysswitch/bundle"
#define INTRUDER BUNDLE "/intruder"
#define SECOND "/tmp/second"
#define FRESH "/tmp/fresh"
#define MOVED "/var/lib/sysswitch.moved"

enum { NOBODY = 65534, REMOUNT_RW = MS_REMOUNT | MS_BIND };

static int result_of(long result) {
        return result < 0 ? -errno : 0;
}

/* fork() is what a sanitizer's leak check is content with. */
static int in_child(int (*attempt)(void)) {
        int status = 0;
        pid_t child = fork();
        if (child == 0)
                _exit(-attempt());
        if (child < 0 || waitpid(child, &status, 0) < 0)
                return -errno;
        return -WEXITSTATUS(status);
}

static int write_back(const char *path) {
        char value[64];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd < 0 ? -1 : read(fd, value, sizeof(value));
        int r = result_of(length);
        if (fd >= 0)
                (void) close(fd); /* only read */
        if (r < 0)
                return r;
        fd = open(path, O_WRONLY | O_CLOEXEC);
        r = result_of(fd < 0 ? -1 : write(fd, value, (size_t) length));
        if (fd >= 0)
                (void) close(fd); /* nothing was changed */
        return r;
}

static int write_bundle(void) {
        int fd = open(INTRUDER, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        int r = result_of(fd);
        if (fd >= 0)
                (void) close(fd); /* empty */
        return r;
}

static int chmod_bundle(void) {
        return result_of(chmod(BUNDLE "/sysswitch-guest", 0755));
}

static int remount_bundle(void) {
        return result_of(mount(NULL, BUNDLE, NULL, REMOUNT_RW, NULL));
}

static int remount_superblock(void) {
        return result_of(mount(NULL, BUNDLE, NULL, MS_REMOUNT, NULL));
}

static int remount_unshared(void) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
                return -ECANCELED;
        return remount_bundle();
}

static int remount_bundle_elsewhere(void) {
        return in_child(remount_unshared);
}

static int remount_second(void) {
        if (mkdir(SECOND, 0700) < 0 || mount(BUNDLE, SECOND, NULL, MS_BIND, NULL) < 0)
                return -ECANCELED;
        int r = result_of(mount(NULL, SECOND, NULL, REMOUNT_RW, NULL));
        return umount(SECOND) < 0 || rmdir(SECOND) < 0 ? -ECANCELED : r;
}

static int remount_usr(void) {
        return result_of(mount(NULL, "/usr", NULL, REMOUNT_RW, NULL));
}

static int write_usr(void) {
        return result_of(chmod("/usr/bin", 0755));
}

static int unmount_bundle(void) {
        return result_of(umount(BUNDLE));
}

static int unmount_bundle_lazily(void) {
        return result_of(umount2(BUNDLE, MNT_DETACH));
}

static int rename_bundle(void) {
        return result_of(rename(BUNDLE, BUNDLE ".moved"));
}

static int rename_parent(void) {
        int r = result_of(rename("/var/lib/sysswitch", MOVED));
        return r < 0 || rename(MOVED, "/var/lib/sysswitch") == 0 ? r : -ECANCELED;
}

static int cover_parent(void) {
        int r = result_of(mount("tmpfs", "/var/lib/sysswitch", "tmpfs", 0, NULL));
        return r < 0 || umount("/var/lib/sysswitch") == 0 ? r : -ECANCELED;
}

static int remount_sys(void) {
        return result_of(mount(NULL, "/sys", NULL, MS_REMOUNT, NULL));
}

static int write_sys(void) {
        return write_back("/sys/kernel/mm/ksm/run");
}

static int remount_proc_sys(void) {
        return result_of(mount(NULL, "/proc/sys", NULL, REMOUNT_RW, NULL));
}

static int write_proc_sys(void) {
        return write_back("/proc/sys/kernel/panic");
}

/* What it shows is its own, or the result is ENOTUNIQ: the host's slice of containers is there. */
static int mount_cgroup(const char *type, const char *options) {
        if (mkdir(FRESH, 0700) < 0)
                return -ECANCELED;
        int r = result_of(mount("cgroup", FRESH, type, 0, options));
        if (r == 0) {
                if (access(FRESH "/machine.slice", F_OK) == 0 ||
                                access(FRESH "/release_agent", F_OK) == 0)
                        r = -ENOTUNIQ;
                if (umount(FRESH) < 0)
                        r = -ECANCELED;
        }
        return rmdir(FRESH) < 0 ? -ECANCELED : r;
}

static int mount_cgroup_v1(void) {
        return mount_cgroup("cgroup", "memory");
}

static int mount_cgroup_systemd(void) {
        return mount_cgroup("cgroup", "none,name=systemd");
}

static int mount_cgroup_v2(void) {
        return mount_cgroup("cgroup2", NULL);
}

static int write_v1_controller(void) {
        int r = result_of(mkdir("/sys/fs/cgroup/memory/intruder", 0700));
        return r < 0 || rmdir("/sys/fs/cgroup/memory/intruder") == 0 ? r : -ECANCELED;
}

static int write_cgroups(void) {
        int r = result_of(mkdir("/sys/fs/cgroup/systemd/../intruder", 0700));
        return r < 0 || rmdir("/sys/fs/cgroup/intruder") == 0 ? r : -ECANCELED;
}

static int write_own_cgroup(void) {
        static const char *const own[] = { "/sys/fs/cgroup/systemd/intruder",
                "/sys/fs/cgroup/intruder" };
        int r = -ENOENT;
        for (int i = 0; i < 2 && r == -ENOENT; i++) {
                r = result_of(mkdir(own[i], 0700));
                if (r == 0 && rmdir(own[i]) < 0)
                        return -ECANCELED;
        }
        return r;
}

static int make_device(void) {
        return result_of(mknod("/tmp/disk", S_IFBLK | 0600, makedev(7, 0)));
}

static int open_device(void) {
        int fd = open("/tmp/disk", O_RDONLY | O_CLOEXEC);
        int r = result_of(fd);
        if (fd >= 0)
                (void) close(fd);   /* only opened */
        (void) unlink("/tmp/disk"); /* it may not be there */
        return r;
}

static int load_kernel(void) {
        return result_of(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL));
}

static int load_module(void) {
        return result_of(syscall(SYS_init_module, NULL, 0UL, ""));
}

static int load_bpf(void) {
        char attributes[128] = { 0 };
        return result_of(syscall(SYS_bpf, 0, attributes, sizeof(attributes)));
}

static int count_events(void) {
        char attributes[128] = { 0 };
        return result_of(syscall(SYS_perf_event_open, attributes, -1, 0, -1, 0UL));
}

static int add_key(void) {
        return result_of(syscall(SYS_add_key, "user", "intruder", "x", 1UL, -3));
}

static int set_time(void) {
        struct timespec now;
        if (clock_gettime(CLOCK_REALTIME, &now) < 0)
                return -errno;
        return result_of(clock_settime(CLOCK_REALTIME, &now));
}

static int swap_on(void) {
        return result_of(syscall(SYS_swapon, "/nowhere", 0));
}

static int raise_io_privilege(void) {
#ifdef SYS_iopl
        return result_of(syscall(SYS_iopl, 3));
#else
        return -ENOSYS;
#endif
}

static int open_by_handle(void) {
        struct {
                struct file_handle handle;
                unsigned char bytes[MAX_HANDLE_SZ];
        } there = { .handle.handle_bytes = MAX_HANDLE_SZ };
        int mount_id, directory = open(BUNDLE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0 || name_to_handle_at(directory, "", &there.handle, &mount_id,
                                             AT_EMPTY_PATH) < 0)
                return -ECANCELED;
        int fd = open_by_handle_at(directory, &there.handle, O_RDONLY);
        int r = result_of(fd);
        (void) close(directory); /* only opened */
        if (fd >= 0)
                (void) close(fd); /* only opened */
        return r;
}

static int ask_quota(void) {
        return result_of(syscall(SYS_quotactl, 0x80000100, "/dev/loop0", 0, NULL)); /* Q_SYNC */
}

/* One that does nothing where it is allowed. */
static int reboot_machine(void) {
        return result_of(reboot(RB_DISABLE_CAD));
}

/* The other way to mount a disk. */
static int open_file_system(void) {
        int fd = (int) syscall(SYS_fsopen, "ext4", 0);
        int r = result_of(fd < 0 ? -1
                                 : syscall(SYS_fsconfig, fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
        if (fd >= 0)
                (void) close(fd); /* nothing was mounted */
        return r;
}

static int move_mount_out(void) {
        return result_of(syscall(SYS_move_mount, AT_FDCWD, BUNDLE, AT_FDCWD, "/tmp", 0));
}

static int handle_faults(void) {
        return result_of(syscall(SYS_userfaultfd, 0));
}

static int unshare_users(void) {
        return result_of(unshare(CLONE_NEWUSER));
}

static int make_user_namespace(void) {
        return in_child(unshare_users);
}

static int set_up_ring(void) {
        char parameters[256] = { 0 };
        return result_of(syscall(SYS_io_uring_setup, 1, parameters));
}

static int read_kernel_log(void) {
        char line[64];
        return result_of(syscall(SYS_syslog, 3, line, sizeof(line)));
}

static int make_interface(void) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        int r = result_of(ioctl(fd, SIOCBRADDBR, "intruder"));
        if (r == 0 && ioctl(fd, SIOCBRDELBR, "intruder") < 0)
                r = -ECANCELED;
        (void) close(fd); /* a socket */
        return r;
}

static int reach_abstract_socket(void) {
        static const struct sockaddr_un host = { .sun_family = AF_UNIX, .sun_path = "\0host" };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        int r = result_of(connect(fd, (const struct sockaddr *) &host,
                        (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 5)));
        (void) close(fd); /* a socket */
        return r;
}

static int reach_host_socket(void) {
        struct sockaddr_in host = { .sin_family = AF_INET,
                .sin_port = htons(7777),
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        int r = result_of(connect(fd, (struct sockaddr *) &host, sizeof(host)));
        (void) close(fd); /* a socket */
        return r;
}

/* In this order: some need what an earlier one did. */
static const struct {
        const char *name;
        int (*try)(void);
} attempts[] = {
        { "write-bundle", write_bundle },
        { "chmod-bundle", chmod_bundle },
        { "rename-bundle", rename_bundle },
        { "rename-parent", rename_parent },
        { "cover-parent", cover_parent },
        { "remount-unshared", remount_bundle_elsewhere },
        { "remount-second", remount_second },
        { "open-by-handle", open_by_handle },
        { "remount-superblock", remount_superblock },
        { "remount-bundle", remount_bundle },
        { "write-remounted", write_bundle },
        { "unmount-bundle", unmount_bundle },
        { "unmount-lazily", unmount_bundle_lazily },
        { "write-usr", write_usr },
        { "remount-usr", remount_usr },
        { "mount-cgroup", mount_cgroup_v1 },
        { "mount-cgroup-systemd", mount_cgroup_systemd },
        { "mount-cgroup2", mount_cgroup_v2 },
        { "write-cgroups", write_cgroups },
        { "write-controller", write_v1_controller },
        { "write-own-cgroup", write_own_cgroup },
        { "remount-sys", remount_sys },
        { "write-sys", write_sys },
        { "remount-proc-sys", remount_proc_sys },
        { "write-proc-sys", write_proc_sys },
        { "make-device", make_device },
        { "open-device", open_device },
        { "kexec", load_kernel },
        { "module", load_module },
        { "bpf", load_bpf },
        { "perf", count_events },
        { "add-key", add_key },
        { "set-time", set_time },
        { "swapon", swap_on },
        { "iopl", raise_io_privilege },
        { "quotactl", ask_quota },
        { "reboot", reboot_machine },
        { "fsopen", open_file_system },
        { "move-mount", move_mount_out },
        { "userfaultfd", handle_faults },
        { "user-namespace", make_user_namespace },
        { "io-uring", set_up_ring },
        { "dmesg", read_kernel_log },
        { "interface", make_interface },
        { "host-socket", reach_host_socket },
        { "host-abstract-socket", reach_abstract_socket },
};

static const char *name_of(int result) {
        return result == 0             ? "done"
               : result == -ENOSYS     ? "absent"
               : result == -ENOENT     ? "absent"
               : result == -EOPNOTSUPP ? "absent"
                                       : strerrorname_np(-result);
}

static int read_as_nobody(char **paths) {
        if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
                return 1;
        for (; *paths; paths++) {
                int fd = open(*paths, O_RDONLY | O_CLOEXEC);
                printf("%s\n", name_of(result_of(fd)));
                if (fd >= 0)
                        (void) close(fd); /* only opened */
        }
        return 0;
}

int main(int argc, char **argv) {
        if (argc > 1)
                return read_as_nobody(argv + 1);
        for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
                printf("%s %s\n", attempts[i].name, name_of(attempts[i].try()));
        return 0;
}
