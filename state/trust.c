/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/trust.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/xattr.h>

static void add_uid(Trust *trust, uid_t uid) {
        trust->uids[trust->n_uids++] = uid;
}

void trust_init(Trust *trust) {
        *trust = (Trust){ 0 };
        add_uid(trust, 0);
        add_uid(trust, geteuid());
        const char *sudo_uid = geteuid() == 0 ? getenv("SUDO_UID") : NULL;
        if (!sudo_uid || *sudo_uid < '0' || *sudo_uid > '9')
                return;
        char *end = NULL;
        errno = 0;
        unsigned long uid = strtoul(sudo_uid, &end, 10);
        if (errno == 0 && !*end && uid < UINT32_MAX)
                add_uid(trust, (uid_t) uid);
}

static bool is_trusted(const Trust *trust, uid_t uid) {
        for (size_t i = 0; i < trust->n_uids; i++)
                if (trust->uids[i] == uid)
                        return true;
        return false;
}

/* Walks the users twice at most in a run: members by name, and primary groups. */
static bool ask_group(const Trust *trust, gid_t gid) {
        const struct group *group = getgrgid(gid);
        size_t n_members = 0;
        for (char **member = group ? group->gr_mem : NULL; member && *member;
                        member++, n_members++) {
                const struct passwd *user = getpwnam(*member);
                if (!user || !is_trusted(trust, user->pw_uid))
                        return false;
        }
        bool is_ours = true;
        setpwent();
        for (const struct passwd *user; is_ours && (user = getpwent());)
                if (user->pw_gid == gid) {
                        n_members++;
                        is_ours = is_trusted(trust, user->pw_uid);
                }
        endpwent();
        return is_ours && n_members > 0;
}

static bool group_is_trusted(Trust *trust, gid_t gid) {
        if (!trust->asked_group || trust->group != gid) {
                trust->group_is_trusted = ask_group(trust, gid);
                trust->group = gid;
                trust->asked_group = true;
        }
        return trust->group_is_trusted;
}

static bool has_access_list(int fd, const char *name) {
        char path[PATH_MAX];
        int length = *name ? snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, name)
                           : snprintf(path, sizeof(path), "/proc/self/fd/%d/.", fd);
        return length >= (int) sizeof(path) ||
               lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0;
}

const char *trust_check(Trust *trust, int fd, const char *name, const struct statx *status) {
        if (!is_trusted(trust, status->stx_uid))
                return "belongs to another user than root and you: chown it";
        if (S_ISLNK(status->stx_mode))
                return NULL;
        if (status->stx_mode & S_IWOTH)
                return "everybody may write it: chmod o-w it";
        if (!(status->stx_mode & S_IWGRP))
                return NULL;
        if (has_access_list(fd, name))
                return "its access list may let others write it: setfacl -b it";
        return group_is_trusted(trust, status->stx_gid)
                               ? NULL
                               : "others may write it by its group: chmod g-w it";
}
