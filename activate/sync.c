/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int sync_elsewhere(const char *directory, int synced_fd, Error *reterr) {
        struct stat there, synced;
        cleanup_fd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return 0;
        if (fd < 0 || fstat(fd, &there) < 0)
                return error_set_errno(reterr, -errno, "%s", directory);
        if (fstat(synced_fd, &synced) == 0 && synced.st_dev == there.st_dev)
                return 0;
        return syncfs(fd) < 0 ? error_set_errno(reterr, -errno, "Cannot sync %s", directory) : 0;
}
