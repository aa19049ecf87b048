/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/boot_loader.h"

#include "activate/boot_file.h"
#include "activate/in_root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { FILE_MAX_BYTES = 4 << 20 };

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

int boot_loader_write(int root_fd, const char *menu, Error *reterr) {
        const char *name = strrchr(BOOT_LOADER_MENU, '/') + 1;
        cleanup_fd int dir_fd =
                        in_root_open(root_fd, BOOT_LOADER_DIRECTORY, O_RDONLY | O_DIRECTORY);
        int r = dir_fd;
        if (r >= 0 && menu)
                r = boot_file_replace(dir_fd, name, menu);
        else if (r >= 0)
                r = unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
        if (r >= 0)
                r = boot_file_settle(dir_fd);
        return r < 0 ? error_set_errno(reterr, r, "/" BOOT_LOADER_MENU) : 0;
}
