/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bundle_roots.h"

#include "activate/bundle_journal.h"
#include "activate/container_root.h"
#include "activate/removal.h"
#include "base/path.h"
#include "diff/container.h"
#include "diff/nspawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define ROOTS NSPAWN_BUNDLES "/.roots"

#define MADE ".made-" /* no container's name begins with a dot */

enum { LINK_NAME_SIZE = 80 };

static int open_roots(void) {
        int fd = open(ROOTS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static bool leads_to(int fd, const char *link, const char *root) {
        char there[PATH_MAX];
        ssize_t length = readlinkat(fd, link, there, sizeof(there));
        return length == (ssize_t) strlen(root) && memcmp(there, root, strlen(root)) == 0;
}

static void name_made(const char *name, char *ret_link) {
        (void) snprintf(ret_link, LINK_NAME_SIZE, MADE "%.64s", name); /* fits */
}

static int look(int host_fd, const char *root, const char *below, Error *reterr) {
        int kind = container_root_look(host_fd, root, below);
        return kind < 0 ? error_set_errno(reterr, kind, "%s%s", root, below) : kind;
}

static bool is_one(int kind) {
        return kind == CONTAINER_ROOT_FITTED || kind == CONTAINER_ROOT_SYSTEM;
}

/* What was begun before power failed is gone on with: the note is older than what it is about. In
 * the directory of roots it may have been prepared by hand, too. */
static bool is_begun(int kind, const char *name, const char *root, const char *below) {
        cleanup_fd int fd = open_roots();
        if (kind == CONTAINER_ROOT_UNFINISHED && path_is_below(root, CONTAINER_ROOTS))
                return true;
        return (kind == CONTAINER_ROOT_UNFINISHED || below) && fd >= 0 && leads_to(fd, name, root);
}

int bundle_roots_may_be(
                int host_fd, const char *name, const char *root, const char *below, Error *reterr) {
        int kind = look(host_fd, root, "", reterr);
        if (kind < 0 || kind == CONTAINER_ROOT_EMPTY || is_one(kind))
                return kind < 0 ? kind : 1;
        int kind_below = below ? look(host_fd, root, below, reterr) : kind;
        return kind_below < 0 ? kind_below
                              : is_one(kind_below) || is_begun(kind, name, root, below);
}

static int make_link(int fd, const char *link, const char *root, Error *reterr) {
        char temporary[LINK_NAME_SIZE];
        if (leads_to(fd, link, root))
                return 0;
        (void) snprintf(temporary, sizeof(temporary), "~%s", link); /* others start beside it */
        (void) unlinkat(fd, temporary, 0); /* of one that was interrupted */
        if (symlinkat(root, fd, temporary) < 0 || renameat(fd, temporary, fd, link) < 0 ||
                        fsync(fd) < 0)
                return error_set_errno(reterr, -errno, ROOTS "/%s", link);
        return 0;
}

int bundle_roots_note(const char *name, const char *root, const char *below, Error *reterr) {
        char made[LINK_NAME_SIZE];
        cleanup_fd int host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int may_be = bundle_roots_may_be(host_fd, name, root, below, reterr);
        int kind = may_be > 0 ? look(host_fd, root, "", reterr) : may_be;
        if (kind < 0)
                return kind;
        if (may_be == 0)
                return error_set(reterr, -EEXIST,
                                "%s is not empty, and no container's: %s would come to own what is "
                                "in it; move it away",
                                root, name);
        if (mkdir(ROOTS, 0700) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, ROOTS);
        cleanup_fd int fd = open_roots();
        if (fd < 0)
                return error_set_errno(reterr, fd, ROOTS);
        name_made(name, made);
        /* the one that we made may be gone, and another be there */
        if (kind == CONTAINER_ROOT_SYSTEM && unlinkat(fd, made, 0) < 0 && errno != ENOENT)
                return error_set_errno(reterr, -errno, ROOTS "/%s", made);
        int r = kind == CONTAINER_ROOT_EMPTY ? make_link(fd, made, root, reterr) : 0;
        return r < 0 ? r : make_link(fd, name, root, reterr);
}

bool bundle_roots_is_made(const char *name, const char *root) {
        char made[LINK_NAME_SIZE];
        cleanup_fd int host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        cleanup_fd int fd = open_roots();
        int kind = container_root_look(host_fd, root, "");
        name_made(name, made);
        return kind == CONTAINER_ROOT_EMPTY ||
               ((kind == CONTAINER_ROOT_FITTED || kind == CONTAINER_ROOT_UNFINISHED) && fd >= 0 &&
                               leads_to(fd, made, root));
}

int bundle_roots_find(const char *name, char **ret_root, Error *reterr) {
        char root[PATH_MAX];
        cleanup_fd int fd = open_roots();
        ssize_t length = fd < 0 ? fd : readlinkat(fd, name, root, sizeof(root) - 1);
        int r = fd < 0 ? fd : length < 0 ? -errno : 0;
        if (r == -ENOENT)
                return error_set(reterr, r, "No root of a container %s is known", name);
        if (r < 0)
                return error_set_errno(reterr, r, ROOTS "/%s", name);
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
        char made[LINK_NAME_SIZE];
        cleanup_fd int fd = open_roots();
        if (fd < 0)
                return fd == -ENOENT ? 0 : error_set_errno(reterr, fd, ROOTS);
        name_made(name, made);
        if ((unlinkat(fd, made, 0) < 0 && errno != ENOENT) ||
                        (unlinkat(fd, name, 0) < 0 && errno != ENOENT))
                return error_set_errno(reterr, -errno, ROOTS "/%s", name);
        return fsync(fd) < 0 ? error_set_errno(reterr, -errno, ROOTS) : 0;
}
