/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/boot_file.h"

#include "activate/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* EXT4_IOC_CHECKPOINT, which no header of the system has. */
#define IOC_CHECKPOINT _IOW('f', 43, uint32_t)

static int write_new(int dir_fd, const char *name, const char *text) {
        cleanup_fd int fd = openat(
                        dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : write_bytes(fd, text, strlen(text));
        if (r < 0)
                return r;
        (void) fchmod(fd, 0644); /* FAT has the modes of its mount, and no other */
        return fsync(fd) < 0 ? -errno : 0;
}

int boot_file_rename(int dir_fd, const char *from, const char *to) {
        cleanup_fd int old_fd = openat(dir_fd, to, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (renameat(dir_fd, from, dir_fd, to) < 0)
                return -errno;
        return old_fd >= 0 && fsync(dir_fd) < 0 ? -errno : 0;
}

int boot_file_replace(int dir_fd, const char *name, const char *text) {
        static const char temporary[] = "sysswitch.new"; /* no loader reads it */
        (void) unlinkat(dir_fd, temporary, 0);           /* of one that was interrupted */
        int r = write_new(dir_fd, temporary, text);
        if (r >= 0)
                r = boot_file_rename(dir_fd, temporary, name);
        if (r < 0)
                (void) unlinkat(dir_fd, temporary, 0); /* it is r that is told */
        return r;
}

/* GRUB reads the disk and no journal. syncfs() writes to its place what ext4 has committed, but not
 * a block that somebody has changed again meanwhile: ext4 is told to write all of its journal back.
 * To freeze the file system does the same, also for XFS; but whoever is killed before the thaw
 * leaves one that nobody can write. So on XFS, and on ext4 before Linux 5.14, GRUB may see the menu
 * that was before for a while. */
int boot_file_settle(int dir_fd) {
        uint32_t flags = 0;
        struct statfs status;
        if (fsync(dir_fd) < 0 || syncfs(dir_fd) < 0 || fstatfs(dir_fd, &status) < 0)
                return -errno;
        if (status.f_type != EXT4_SUPER_MAGIC || ioctl(dir_fd, IOC_CHECKPOINT, &flags) == 0)
                return 0;
        bool has_none = errno == ENODEV || errno == ENOTTY || errno == EOPNOTSUPP;
        return has_none ? 0 : -errno; /* ENODEV: no journal */
}
