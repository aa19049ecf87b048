/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bundle_roots.h"

#include "activate/bundle_journal.h"
#include "activate/removal.h"
#include "diff/nspawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define ROOTS NSPAWN_BUNDLES "/.roots"

int bundle_roots_note(const char *name, const char *root, Error *reterr) {
        char there[PATH_MAX], temporary[80];
        if (mkdir(ROOTS, 0700) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, ROOTS);
        cleanup_fd int fd = open(ROOTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_set_errno(reterr, -errno, ROOTS);
        ssize_t length = readlinkat(fd, name, there, sizeof(there));
        if (length == (ssize_t) strlen(root) && memcmp(there, root, strlen(root)) == 0)
                return 0;
        (void) snprintf(temporary, sizeof(temporary), "~%.64s", name); /* others start beside it */
        (void) unlinkat(fd, temporary, 0); /* of one that was interrupted */
        if (symlinkat(root, fd, temporary) < 0 || renameat(fd, temporary, fd, name) < 0 ||
                        fsync(fd) < 0)
                return error_set_errno(reterr, -errno, ROOTS "/%s", name);
        return 0;
}

int bundle_roots_find(const char *name, char **ret_root, Error *reterr) {
        char root[PATH_MAX];
        cleanup_fd int fd = open(ROOTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        ssize_t length = fd < 0 ? -1 : readlinkat(fd, name, root, sizeof(root) - 1);
        if (length < 0 && errno == ENOENT)
                return error_set(reterr, -ENOENT, "No root of a container %s is known", name);
        if (length < 0)
                return error_set_errno(reterr, -errno, ROOTS "/%s", name);
        *ret_root = strndup(root, (size_t) length);
        return *ret_root ? 0 : error_oom(reterr);
}

int bundle_roots_list(Strv *ret_names, Error *reterr) {
        DIR *directory = opendir(NSPAWN_BUNDLES);
        if (!directory)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, NSPAWN_BUNDLES);
        int r = 0;
        const struct dirent *child;
        while (r >= 0 && (errno = 0, child = readdir(directory)))
                if (*child->d_name != '.' && strv_add(ret_names, child->d_name) < 0)
                        r = error_oom(reterr);
        if (r >= 0 && errno)
                r = error_set_errno(reterr, -errno, NSPAWN_BUNDLES);
        (void) closedir(directory); /* nothing was written */
        strv_sort(ret_names);
        return r;
}

int bundle_roots_forget(const char *name, Error *reterr) {
        cleanup_free char *bundle = NULL;
        if (asprintf(&bundle, NSPAWN_BUNDLES "/%s", name) < 0)
                return error_oom(reterr);
        int r = removal_run(bundle, reterr);
        if (r >= 0)
                r = bundle_journal_drop(name, reterr);
        if (r < 0)
                return r;
        cleanup_fd int fd = open(ROOTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, ROOTS);
        if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
                return error_set_errno(reterr, -errno, ROOTS "/%s", name);
        return fsync(fd) < 0 ? error_set_errno(reterr, -errno, ROOTS) : 0;
}
