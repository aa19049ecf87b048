/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/systemd.h"

#include "activate/call_batch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_RELOADS = 3 };

/* A number as the directories below /run/user have it, or UINT32_MAX. */
static uint32_t parse_uid(const char *name) {
        char *end;
        if (*name < '0' || *name > '9')
                return UINT32_MAX;
        errno = 0;
        unsigned long uid = strtoul(name, &end, 10);
        return errno == 0 && *end == 0 && uid < UINT32_MAX ? (uint32_t) uid : UINT32_MAX;
}

static bool has_socket(int dir_fd, const char *name) {
        char path[NAME_MAX + 32];
        struct stat st;
        (void) snprintf(path, sizeof(path), "%s/systemd/private", name); /* fits */
        return fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode);
}

static int by_uid(const void *left, const void *right) {
        uint32_t a = *(const uint32_t *) left, b = *(const uint32_t *) right;
        return (a > b) - (a < b);
}

static int read_uids(DIR *directory, uint32_t **uids, size_t *n_uids) {
        size_t n_allocated = 0;
        for (;;) {
                errno = 0;
                const struct dirent *child = readdir(directory);
                if (!child)
                        return -errno;
                uint32_t uid = parse_uid(child->d_name);
                if (uid == UINT32_MAX || !has_socket(dirfd(directory), child->d_name))
                        continue;
                if (*n_uids == n_allocated) {
                        n_allocated = n_allocated * 2 + 8;
                        uint32_t *grown = realloc(*uids, n_allocated * sizeof(uint32_t));
                        if (!grown)
                                return -ENOMEM;
                        *uids = grown;
                }
                (*uids)[(*n_uids)++] = uid;
        }
}

int systemd_running_users(uint32_t **ret_uids, size_t *ret_n_uids, Error *reterr) {
        cleanup_free uint32_t *uids = NULL;
        size_t n_uids = 0;
        DIR *directory = opendir("/run/user");
        if (!directory && errno != ENOENT)
                return error_set_errno(reterr, -errno, "/run/user");
        if (directory) {
                int r = read_uids(directory, &uids, &n_uids);
                (void) closedir(directory); /* nothing was written */
                if (r < 0)
                        return error_set_errno(reterr, r, "/run/user");
        }
        if (n_uids > 0)
                qsort(uids, n_uids, sizeof(uint32_t), by_uid);
        *ret_uids = TAKE(uids);
        *ret_n_uids = n_uids;
        return 0;
}

/* A manager that drops the connection meanwhile is one that re-executes itself. It reads all units
 * anew then, but who knows what else made it go: it is asked once more. */
int systemd_reload(Systemd *systemd, uint64_t timeout_usec, Error *reterr) {
        for (int i = 0; i < MAX_RELOADS; i++) {
                sd_bus_message *call = NULL;
                int r = connection_new_call(systemd, "Reload", &call);
                if (r < 0)
                        r = call_fold_result(systemd, r, reterr);
                else
                        r = call_one(systemd, call, timeout_usec, NULL, reterr);
                if (r != -ECONNRESET)
                        return r;
                r = connection_await(systemd, CONNECTION_RESTORE_USEC, reterr);
                if (r < 0)
                        return r;
        }
        return error_set(reterr, -ECONNRESET, "%s drops the connection instead of reloading",
                        systemd->label);
}

/* There is no answer to this call: the connection ends, and a new one is taken once the new program
 * has read what the old one left it. */
int systemd_reexecute(Systemd *systemd, uint64_t timeout_usec, Error *reterr) {
        sd_bus_message *call = NULL;
        int r = connection_new_call(systemd, "Reexecute", &call);
        if (r < 0)
                return call_fold_result(systemd, r, reterr);
        uint64_t end_usec = now_usec() + timeout_usec;
        r = call_one(systemd, call, timeout_usec, NULL, reterr);
        if (r < 0 && r != -ECONNRESET)
                return r;
        uint64_t now = now_usec();
        return connection_await(systemd, end_usec > now ? end_usec - now : 0, reterr);
}
