/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/boot_loader.h"

#include "activate/bytes.h"
#include "activate/in_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { FILE_MAX_BYTES = 4 << 20 };

/* EXT4_IOC_CHECKPOINT, which no header of the system has. */
#define IOC_CHECKPOINT _IOW('f', 43, uint32_t)

bool boot_loader_is_there(int root_fd) {
        cleanup_fd int fd = in_root_open(root_fd, BOOT_LOADER_DIRECTORY "/grub.cfg", O_PATH);
        return fd >= 0;
}

static int read_text(int root_fd, const char *path, Arena *arena, const char **ret_text) {
        cleanup_free char *data = NULL;
        size_t size = 0;
        int r = in_root_read(root_fd, path, FILE_MAX_BYTES, &data, &size);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return r;
        *ret_text = arena_strndup(arena, data, size);
        return *ret_text ? 0 : -ENOMEM;
}

static int read_link(int root_fd, const char *name, Arena *arena, const char **ret_target) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(root_fd, name, target, sizeof(target) - 1);
        if (length <= 0)
                return 0; /* no link */
        target[length] = 0;
        *ret_target = arena_printf(arena, "%s%s", *target == '/' ? "" : "/", target);
        return *ret_target ? 0 : -ENOMEM;
}

int boot_loader_read(int root_fd, Arena *arena, BootLoader *ret_loader, Error *reterr) {
        BootLoader loader = { 0 };
        int r = read_text(root_fd, BOOT_LOADER_DIRECTORY "/grub.cfg", arena, &loader.grub_cfg);
        if (r >= 0 && loader.grub_cfg)
                r = read_text(root_fd, BOOT_LOADER_MENU, arena, &loader.menu);
        if (r >= 0)
                r = read_link(root_fd, "vmlinuz", arena, &loader.kernel_link);
        if (r >= 0)
                r = read_link(root_fd, "initrd.img", arena, &loader.initrd_link);
        if (r < 0)
                return error_set_errno(reterr, r, "/" BOOT_LOADER_DIRECTORY);
        *ret_loader = loader;
        return 0;
}

static int replace(int dir_fd, const char *name, const char *text) {
        static const char temporary[] = "custom.cfg.sysswitch";
        (void) unlinkat(dir_fd, temporary, 0); /* of one that was interrupted */
        cleanup_fd int fd = openat(dir_fd, temporary,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : write_bytes(fd, text, strlen(text));
        if (r >= 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 ||
                                      renameat(dir_fd, temporary, dir_fd, name) < 0))
                r = -errno;
        if (r < 0)
                (void) unlinkat(dir_fd, temporary, 0); /* it is r that is told */
        return r;
}

/* GRUB reads the disk and no journal. syncfs() writes to its place what ext4 has committed, but not
 * a block that somebody has changed again meanwhile: ext4 is told to write all of its journal back.
 * To freeze the file system does the same, also for XFS; but whoever is killed before the thaw
 * leaves one that nobody can write. So on XFS, and on ext4 before Linux 5.14, GRUB may see the menu
 * that was before for a while. */
static int write_back(int dir_fd) {
        uint32_t flags = 0;
        struct statfs status;
        if (syncfs(dir_fd) < 0 || fstatfs(dir_fd, &status) < 0)
                return -errno;
        if (status.f_type != EXT4_SUPER_MAGIC || ioctl(dir_fd, IOC_CHECKPOINT, &flags) == 0)
                return 0;
        bool has_none = errno == ENODEV || errno == ENOTTY || errno == EOPNOTSUPP;
        return has_none ? 0 : -errno; /* ENODEV: no journal */
}

int boot_loader_write(int root_fd, const char *menu, Error *reterr) {
        const char *name = strrchr(BOOT_LOADER_MENU, '/') + 1;
        cleanup_fd int dir_fd =
                        in_root_open(root_fd, BOOT_LOADER_DIRECTORY, O_RDONLY | O_DIRECTORY);
        int r = dir_fd;
        if (r >= 0 && menu)
                r = replace(dir_fd, name, menu);
        else if (r >= 0)
                r = unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
        if (r >= 0)
                r = write_back(dir_fd);
        return r < 0 ? error_set_errno(reterr, r, "/" BOOT_LOADER_MENU) : 0;
}
