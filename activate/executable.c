/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/executable.h"

#include "activate/in_root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int executable_look(int root_fd, const char *path) {
        cleanup_fd int fd = in_root_open(root_fd, path, O_PATH);
        struct stat st;
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
                return EXECUTABLE_MISSING;
        if (fd < 0 || fstat(fd, &st) < 0)
                return EXECUTABLE_THERE;
        return S_ISREG(st.st_mode) && st.st_mode & 0111 ? EXECUTABLE_THERE : EXECUTABLE_IS_NONE;
}

bool executable_root_has_any(int root_fd) {
        cleanup_fd int fd = in_root_open(root_fd, "usr/bin", O_PATH | O_DIRECTORY);
        return fd >= 0;
}
