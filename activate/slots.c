/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/slots.h"

#include "activate/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define UNDONE_NAME "undone" /* the manifest, once all that it says was taken back */
#define DIRECTORY ".sysswitch"

static int make_directory(const Root *root) {
        if (mkdirat(root->fd, DIRECTORY, 0700) < 0)
                return errno == EEXIST ? 0 : -errno;
        return 0;
}

int slots_open(const Root *root, bool make, int *ret_slots_fd, Error *reterr) {
        if (root->fd < 0)
                return -ENOENT;
        int r = make ? make_directory(root) : 0;
        if (r < 0)
                return error_set_errno(reterr, r, "Cannot make %s/" DIRECTORY, root->path);
        cleanup_fd int fd = openat(
                        root->fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        if (fd < 0)
                return error_set_errno(reterr, -errno, "Cannot open %s/" DIRECTORY, root->path);
        /* whatever the umask was, and without access lists that what is made in it would inherit */
        if (make && fchmod(fd, 0700) < 0)
                return error_set_errno(reterr, -errno, "%s/" DIRECTORY, root->path);
        if (make && fremovexattr(fd, "system.posix_acl_default") < 0 && errno != ENODATA &&
                        errno != ENOTSUP)
                return error_set_errno(reterr, -errno, "%s/" DIRECTORY, root->path);
        *ret_slots_fd = TAKE_FD(fd);
        return 0;
}

static int remove_one(const Root *root, int slots_fd, const char *name, Error *reterr) {
        int r = unlinkat(slots_fd, name, 0);
        if (r < 0 && errno == EISDIR)
                r = unlinkat(slots_fd, name, AT_REMOVEDIR);
        if (r < 0 && errno == ENOTEMPTY)
                return error_set(reterr, -ENOTEMPTY,
                                "%s/" DIRECTORY "/%s has files of others in it: move them away",
                                root->path, name);
        return r < 0 ? error_set_errno(reterr, -errno, "Cannot remove %s/" DIRECTORY "/%s",
                                       root->path, name)
                     : 0;
}

int slots_clear(const Root *root, int slots_fd, Error *reterr) {
        int fd = openat(slots_fd, ".",
                        O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* with a position of its own */
        if (fd < 0)
                return error_set_errno(reterr, -errno, "%s/" DIRECTORY, root->path);
        DIR *directory = fdopendir(fd);
        if (!directory) {
                int r = -errno;
                (void) close(fd); /* nothing was written */
                return error_set_errno(reterr, r, "%s/" DIRECTORY, root->path);
        }
        int r = 0;
        errno = 0;
        for (const struct dirent *slot; r >= 0 && (slot = readdir(directory)); errno = 0)
                if (strcmp(slot->d_name, ".") != 0 && strcmp(slot->d_name, "..") != 0)
                        r = remove_one(root, slots_fd, slot->d_name, reterr);
        if (r >= 0 && errno != 0)
                r = error_set_errno(reterr, -errno, "%s/" DIRECTORY, root->path);
        (void) closedir(directory); /* nothing was written */
        return r;
}

int slots_close_switch(const Root *root, int slots_fd, Error *reterr) {
        if (unlinkat(slots_fd, MANIFEST_NAME, 0) < 0)
                return error_set_errno(reterr, -errno,
                                "Cannot remove %s/" DIRECTORY "/" MANIFEST_NAME, root->path);
        if (fsync(slots_fd) < 0)
                return error_set(reterr, -EUCLEAN,
                                "%s/" DIRECTORY "/" MANIFEST_NAME
                                " was removed, but that could not be synced: %s",
                                root->path, strerror(errno));
        return 0;
}

int slots_set_undone(const Root *root, int slots_fd, Error *reterr) {
        if (renameat(slots_fd, MANIFEST_NAME, slots_fd, UNDONE_NAME) < 0 || fsync(slots_fd) < 0)
                return error_set_errno(reterr, -errno,
                                "Cannot rename %s/" DIRECTORY "/" MANIFEST_NAME, root->path);
        return 0;
}

int slots_is_undone(const Root *root, int slots_fd, Error *reterr) {
        if (faccessat(slots_fd, UNDONE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return 1;
        return errno == ENOENT ? 0
                               : error_set_errno(reterr, -errno, "%s/" DIRECTORY "/" UNDONE_NAME,
                                                 root->path);
}

void slots_remove(const Root *root, int slots_fd) {
        if (slots_clear(root, slots_fd, NULL) < 0)
                return;
        (void) unlinkat(root->fd, DIRECTORY,
                        AT_REMOVEDIR); /* an empty one left there does no harm */
}

void slots_remove_lib(const Root *root) {
        cleanup_fd int fd = -1;
        if (root->lib && slots_open(root->lib, false, &fd, NULL) >= 0)
                slots_remove(root->lib, fd);
}

const char *slot_name(size_t slot, char *name) {
        (void) snprintf(name, SLOT_NAME_SIZE, "%zu", slot); /* fits */
        return name;
}
