/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/check_space.h"

#include "activate/overlay_space.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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
        const OverlaySpace space = { .options = "mode=0700,size=256m",
                .flags = MS_NOSUID,
                .binds_others = true,
                .has_runtime = true };
        if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
                return error_set_errno(reterr, -errno, "New namespaces");
        int r = overlay_space_make(&space, hidden, reterr);
        if (r >= 0)
                r = overlay_space_make_dev(OVERLAY_SPACE_ROOT, reterr);
        if (r >= 0 && mount("sysfs", OVERLAY_SPACE_ROOT "/sys", "sysfs",
                                      MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
                return error_set_errno(reterr, -errno, "Mounting /sys");
        if (r >= 0)
                r = overlay_space_go(OVERLAY_SPACE_ROOT, reterr);
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
