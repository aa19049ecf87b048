/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/owner.h"

#include "activate/in_root.h"
#include "base/arena.h"
#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { NSS_MAX_BYTES = 1024 * 1024 };

typedef enum Kind {
        KIND_USER,
        KIND_GROUP,
        N_KINDS,
} Kind;

struct Owners {
        Arena arena;
        Map known[N_KINDS]; /* name → id + 1, as a pointer */
        int image_fd;
};

int owners_new(int image_fd, Owners **ret_owners) {
        Owners *owners = calloc(1, sizeof(Owners));
        if (!owners)
                return -ENOMEM;
        owners->image_fd = image_fd;
        *ret_owners = owners;
        return 0;
}

Owners *owners_free(Owners *owners) {
        if (!owners)
                return NULL;
        for (Kind kind = 0; kind < N_KINDS; kind++)
                map_done(&owners->known[kind]);
        arena_done(&owners->arena);
        free(owners);
        return NULL;
}

/* The whole of text is an id; (uint32_t) -1 is none. */
static bool parse_id(const char *text, size_t length, uint32_t *ret_id) {
        uint64_t id = 0;
        if (length == 0 || length > 10)
                return false;
        for (size_t i = 0; i < length; i++) {
                if (text[i] < '0' || text[i] > '9')
                        return false;
                id = id * 10 + (uint64_t) (text[i] - '0');
        }
        *ret_id = (uint32_t) id;
        return id < UINT32_MAX;
}

/* A line of passwd(5) and of group(5) has the name first and its id third. */
static bool parse_line(const char *line, const char *name, uint32_t *ret_id) {
        size_t length = strcspn(line, ":\n");
        if (strlen(name) != length || memcmp(line, name, length) != 0 || line[length] != ':')
                return false;
        const char *password = line + length + 1;
        const char *id = password + strcspn(password, ":\n");
        return *id == ':' && parse_id(id + 1, strcspn(id + 1, ":\n"), ret_id);
}

static int find_in_image(int image_fd, const char *path, const char *name, uint32_t *ret_id) {
        int fd = in_root_open(image_fd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return fd == -ENOENT ? -ESRCH : fd;
        cleanup_file FILE *file = fdopen(fd, "r");
        if (!file) {
                int r = -errno;
                (void) close(fd); /* nothing was written */
                return r;
        }
        cleanup_free char *line = NULL;
        size_t n_allocated = 0;
        while (getline(&line, &n_allocated, file) >= 0)
                if (parse_line(line, name, ret_id))
                        return 0;
        return ferror(file) ? -EIO : -ESRCH;
}

/* One attempt with a buffer; returns ERANGE when it was too small. */
static int ask_nss(Kind kind,
                const char *name,
                char *buffer,
                size_t size_bytes,
                bool *ret_found,
                uint32_t *ret_id) {
        int r = 0;
        if (kind == KIND_USER) {
                struct passwd user, *found = NULL;
                r = getpwnam_r(name, &user, buffer, size_bytes, &found);
                *ret_found = found;
                *ret_id = found ? found->pw_uid : 0;
        } else {
                struct group group, *found = NULL;
                r = getgrnam_r(name, &group, buffer, size_bytes, &found);
                *ret_found = found;
                *ret_id = found ? found->gr_gid : 0;
        }
        return r;
}

static int find_on_host(Kind kind, const char *name, uint32_t *ret_id) {
        for (size_t size_bytes = 4096; size_bytes <= NSS_MAX_BYTES; size_bytes *= 4) {
                cleanup_free char *buffer = malloc(size_bytes);
                if (!buffer)
                        return -ENOMEM;
                bool found = false;
                int r = ask_nss(kind, name, buffer, size_bytes, &found, ret_id);
                if (found)
                        return 0;
                /* what modules of NSS return for "no such name" varies: see getpwnam(3) */
                if (r == 0 || r == ENOENT || r == ESRCH || r == EBADF || r == EPERM)
                        return -ESRCH;
                if (r != ERANGE && r != EINTR)
                        return -r;
        }
        return -E2BIG;
}

static int resolve(Owners *owners, Kind kind, const char *name, uint32_t *ret_id) {
        if (strcmp(name, "root") == 0) {
                *ret_id = 0;
                return 0;
        }
        if (parse_id(name, strlen(name), ret_id))
                return 0;
        uintptr_t known = (uintptr_t) map_get(&owners->known[kind], name);
        if (known) {
                *ret_id = (uint32_t) (known - 1);
                return 0;
        }
        int r = owners->image_fd < 0
                                ? find_on_host(kind, name, ret_id)
                                : find_in_image(owners->image_fd,
                                                  kind == KIND_USER ? "etc/passwd" : "etc/group",
                                                  name, ret_id);
        if (r < 0)
                return r;
        const char *key = arena_strdup(&owners->arena, name);
        return key ? map_put(&owners->known[kind], key, (void *) ((uintptr_t) *ret_id + 1))
                   : -ENOMEM;
}

int owners_resolve(void *owners,
                const char *owner,
                const char *group,
                uint32_t *ret_uid,
                uint32_t *ret_gid) {
        uint32_t uid = 0, gid = 0;
        int r = resolve(owners, KIND_USER, owner, &uid);
        if (r >= 0)
                r = resolve(owners, KIND_GROUP, group, &gid);
        if (r < 0)
                return r;
        *ret_uid = uid;
        *ret_gid = gid;
        return 0;
}
