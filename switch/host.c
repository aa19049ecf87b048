/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/host.h"

#include "activate/in_root.h"
#include "diff/container.h"
#include "state/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_DIRECTORY "var/lib/sysswitch"

/* A directory of an image, made when absent. Links are resolved inside the image: nothing in it
 * leads to this host. */
static int open_in_image(int root_fd, const char *path, bool make, int *ret_fd) {
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_IN_ROOT };
        int fd = open_resolved(root_fd, path, &how);
        if (fd < 0 && errno == ENOENT && make) {
                cleanup_free char *parent = strdup(path);
                if (!parent)
                        return -ENOMEM;
                char *slash = strrchr(parent, '/');
                cleanup_fd int parent_fd = -1;
                if (slash) {
                        *slash = 0;
                        int r = open_in_image(root_fd, parent, make, &parent_fd);
                        if (r < 0)
                                return r;
                }
                if (mkdirat(slash ? parent_fd : root_fd, slash ? slash + 1 : path, 0755) < 0 &&
                                errno != EEXIST)
                        return -errno;
                fd = open_resolved(root_fd, path, &how);
        }
        if (fd < 0)
                return -errno;
        *ret_fd = (int) fd;
        return 0;
}

static int path_of_fd(int fd, char **ret_path, Error *reterr) {
        char link[64], path[4096];
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof(path) - 1);
        if (length < 0 && errno == ENOENT) /* as in a chroot that nobody has prepared */
                return error_set(reterr, -EOPNOTSUPP,
                                "/proc is needed, and not mounted here: mount -t proc proc /proc");
        if (length < 0)
                return error_set_errno(reterr, -errno, "%s", link);
        path[length] = 0;
        *ret_path = strdup(path);
        return *ret_path ? 0 : error_oom(reterr);
}

static int find_state_directory(Host *host, bool make, Error *reterr) {
        if (!host->is_image) {
                host->state_directory = strdup("/" STATE_DIRECTORY);
                return host->state_directory ? 0 : error_oom(reterr);
        }
        cleanup_fd int fd = -1;
        int r = open_in_image(host->root_fd, make ? "var/lib" : STATE_DIRECTORY, make, &fd);
        if (r >= 0 && make) {
                /* private from its first instant */
                if (mkdirat(fd, "sysswitch", 0700) < 0 && errno != EEXIST)
                        return error_set_errno(reterr, -errno, "%s/" STATE_DIRECTORY, host->root);
                (void) close(TAKE_FD(fd)); /* it was only a way to the child */
                r = open_in_image(host->root_fd, STATE_DIRECTORY, false, &fd);
        }
        if (r == -ENOENT && !make) { /* there is no state yet, and nothing is read from where it
                                        would be */
                if (asprintf(&host->state_directory, "%s/" STATE_DIRECTORY, host->root) < 0)
                        return error_oom(reterr);
                return 0;
        }
        if (r < 0)
                return error_set_errno(reterr, r, "%s/" STATE_DIRECTORY, host->root);
        return path_of_fd(fd, &host->state_directory, reterr);
}

static int open_root(Host *host, Error *reterr) {
        host->root_fd = open(host->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (host->root_fd < 0)
                return error_set_errno(reterr, -errno, "%s", host->root);
        return 0;
}

/* An image may have none yet: the first switch makes it. */
static int open_etc_directory(Host *host, bool make, Error *reterr) {
        int r = open_in_image(host->root_fd, "etc", make, &host->etc.fd);
        if (r == -ENOENT && !make && host->is_image)
                return 0;
        return r < 0 ? error_set_errno(reterr, r, "%s", host->etc.path) : 0;
}

/* Mostly a link to usr/lib. */
static int open_lib(Host *host, Error *reterr) {
        host->lib.path = host->lib_path;
        host->etc.lib = &host->lib;
        int r = open_in_image(host->root_fd, "lib", false, &host->lib.fd);
        return r < 0 && r != -ENOENT ? error_set_errno(reterr, r, "%s", host->lib.path) : 0;
}

static int name_directory(const Host *host, const char *name, char **ret_path, Error *reterr) {
        if (asprintf(ret_path, "%s/%s", host->is_image ? host->root : "", name) >= 0)
                return 0;
        *ret_path = NULL;
        return error_oom(reterr);
}

static int open_etc(Host *host, bool make, Error *reterr) {
        int r = name_directory(host, "etc", &host->etc_path, reterr);
        if (r >= 0)
                r = name_directory(host, "lib", &host->lib_path, reterr);
        if (r >= 0)
                r = open_lib(host, reterr);
        if (r < 0)
                return r;
        host->etc.path = host->etc_path;
        r = open_etc_directory(host, make, reterr);
        if (r < 0)
                return r;
        if (host->is_image && geteuid() != 0)
                return 0;
        r = owners_new(host->is_image ? host->root_fd : -1, &host->owners);
        return r < 0 ? error_oom(reterr) : 0;
}

void host_set_profile(Host *host, const char *name) {
        host->profile_name = name;
        host->is_of_containers = strncmp(name, CONTAINER_PROFILES, strlen(CONTAINER_PROFILES)) == 0;
}

static int host_begin(const char *root, const char *profile_name, Host *host, Error *reterr) {
        *host = (Host){
                .root = root, .root_fd = -1, .etc = { .fd = -1 }, .lib = { .fd = -1 }, .lock_fd = -1
        };
        host_set_profile(host, profile_name);
        if (strcmp(root, ROOT_ITSELF) == 0 && systemd_is_here())
                host->root = "/";
        host->is_image = strcmp(host->root, "/") != 0;
        int r = open_root(host, reterr);
        if (r < 0)
                return r;
        host->contents = contents_new();
        if (!host->contents)
                return error_oom(reterr);
        return distribution_new(host->root_fd, host->contents, &host->distribution, reterr);
}

int host_open_stateless(const char *root, const char *profile_name, Host *ret_host, Error *reterr) {
        int r = host_begin(root, profile_name, ret_host, reterr);
        if (r < 0)
                host_done(ret_host);
        return r;
}

int host_open_files(const char *root, const char *profile_name, Host *ret_host, Error *reterr) {
        int r = host_begin(root, profile_name, ret_host, reterr);
        if (r >= 0)
                r = open_etc(ret_host, false, reterr);
        if (r < 0)
                host_done(ret_host);
        return r;
}

int host_lock_files(Host *host, const char *what, Error *reterr) {
        Error error;
        int r = find_state_directory(host, true, &error);
        if (r >= 0)
                r = lock_take(host->state_directory, what, NULL, &error);
        if (r == -EBUSY)
                return error_set(reterr, r, "%s", error.message);
        if (r >= 0)
                host->lock_fd = r;
        return 0; /* where nothing can be written there, no other switch can begin either */
}

static int load_profile(Host *host, Error *reterr) {
        profile_done(&host->profile);
        int r = profile_load(host->database, host->profile_name, &host->profile, reterr);
        if (r < 0)
                return r;
        if (host->database)
                contents_set_loader(host->contents, database_content_loader, host->database);
        return 0;
}

static int open_state(Host *host, DatabaseMode mode, Error *reterr) {
        bool make = mode == DATABASE_WRITE;
        int r = open_etc(host, make, reterr);
        if (r < 0)
                return r;
        r = find_state_directory(host, make, reterr);
        if (r < 0)
                return r;
        r = database_open(host->state_directory, mode, &host->database, reterr);
        if (r < 0 && !(r == -ENOENT && mode == DATABASE_READ))
                return r;
        return load_profile(host, reterr);
}

int host_open(const char *root,
                const char *profile_name,
                DatabaseMode mode,
                Host *ret_host,
                Error *reterr) {
        int r = host_begin(root, profile_name, ret_host, reterr);
        if (r >= 0)
                r = open_state(ret_host, mode, reterr);
        if (r < 0)
                host_done(ret_host);
        return r;
}

int host_check_switched(const Host *host, Error *reterr) {
        if (!host->is_of_containers || host->profile.newest > 0)
                return 0;
        return error_set(reterr, -ENOENT,
                        "%s: Nothing was ever switched in this profile; sysswitch -p %s switch "
                        "SOURCE does it first",
                        host->profile_name, host->profile_name);
}

int host_open_switched(const char *root, const char *profile_name, Host *ret_host, Error *reterr) {
        int r = host_open(root, profile_name, DATABASE_READ, ret_host, reterr);
        if (r < 0)
                return r;
        r = host_check_switched(ret_host, reterr);
        if (r < 0)
                host_done(ret_host);
        return r;
}

static int reopen(Host *host, DatabaseMode mode, Error *reterr) {
        host->database = database_close(host->database);
        contents_set_loader(host->contents, NULL, NULL);
        int r = database_open(host->state_directory, mode, &host->database, reterr);
        if (r < 0 && !(r == -ENOENT && mode == DATABASE_READ))
                return r;
        return load_profile(host, reterr);
}

int host_lock(Host *host, const char *what, Error *reterr) {
        free(host->state_directory);
        host->state_directory = NULL;
        int r = find_state_directory(host, true, reterr);
        if (r < 0)
                return r;
        LockHolder holder;
        r = lock_take(host->state_directory, what, &holder, reterr);
        if (r < 0)
                return r;
        host->lock_fd = r;
        host->active = tree_free(host->active);
        return reopen(host, DATABASE_READ, reterr);
}

int host_refresh(Host *host, Error *reterr) {
        host->active = tree_free(host->active);
        return load_profile(host, reterr);
}

int host_make_writable(Host *host, Error *reterr) {
        if (host->etc.fd < 0) {
                int r = open_etc_directory(host, true, reterr);
                if (r < 0)
                        return r;
        }
        return reopen(host, DATABASE_WRITE, reterr);
}

int host_active_tree(Host *host, const Tree **ret_tree, Error *reterr) {
        int r = 0;
        if (!host->active && host->database)
                r = generation_load(host->database, host->profile_name, host->profile.active,
                                host->contents, &host->active, reterr);
        if (!host->active && !host->database) {
                host->active = tree_new();
                r = host->active ? tree_seal(host->active, reterr) : error_oom(reterr);
        }
        if (r >= 0)
                *ret_tree = host->active;
        return r;
}

int host_connect(Host *host, Error *reterr) {
        if (host->is_image || host->systemd)
                return 0;
        int r = systemd_connect_system(&host->systemd, reterr);
        if (r == -ENOENT)
                return error_set(reterr, r,
                                "No systemd runs in this root directory: --root=DIR works on the "
                                "files of another one, and --root=/ on those of this one, as in a "
                                "chroot");
        return r;
}

void host_done(Host *host) {
        host->systemd = systemd_close(host->systemd);
        host->distribution = distribution_free(host->distribution);
        host->database = database_close(host->database);
        profile_done(&host->profile);
        host->active = tree_free(host->active);
        host->contents = contents_free(host->contents);
        free(host->state_directory);
        host->state_directory = NULL;
        if (host->root_fd >= 0)
                (void) close(host->root_fd); /* a directory */
        if (host->etc.fd >= 0)
                (void) close(host->etc.fd); /* a directory */
        host->owners = owners_free(host->owners);
        if (host->lib.fd >= 0)
                (void) close(host->lib.fd); /* a directory */
        free(host->etc_path);
        free(host->lib_path);
        host->etc_path = host->lib_path = NULL;
        if (host->lock_fd >= 0)
                (void) close(host->lock_fd); /* unlocks */
        host->root_fd = host->etc.fd = host->lib.fd = host->lock_fd = -1;
}
