/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/xattrs.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/xattr.h>

enum { LIST_MAX_BYTES = 64 * 1024, VALUE_MAX_BYTES = 64 * 1024 }; /* the kernel's own limits */

/* There is no call that takes a directory and a name, and a descriptor of a link is O_PATH, which
 * these calls refuse. */
static int path_of(int dir_fd, const char *name, char ret_path[static PATH_MAX]) {
        int length = snprintf(ret_path, PATH_MAX, "/proc/self/fd/%d/%s", dir_fd, name);
        return length < 0 || length >= PATH_MAX ? -ENAMETOOLONG : 0;
}

static bool has_prefix(const char *text, const char *prefix) {
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_for_root(const char *name) {
        return has_prefix(name, "security.") || has_prefix(name, "trusted.");
}

static bool is_kept(const char *name) {
        if (strcmp(name, "security.evm") ==
                        0) /* a signature over the inode: the kernel makes it anew */
                return false;
        return is_for_root(name) || has_prefix(name, "user.") ||
               has_prefix(name, "system.posix_acl_");
}

static int compare_names(const void *left, const void *right) {
        return strcmp(*(const char *const *) left, *(const char *const *) right);
}

/* The names to keep, sorted; they point into list. */
static size_t pick_names(const char *list, size_t size_bytes, const char **ret_names) {
        size_t n = 0;
        for (const char *name = list; name < list + size_bytes; name += strlen(name) + 1)
                if (is_kept(name))
                        ret_names[n++] = name;
        qsort(ret_names, n, sizeof(char *), compare_names);
        return n;
}

typedef struct Packed {
        char *data;
        size_t size_bytes;
} Packed;

static int pack(Packed *packed, const char *path, const char *name, char *value) {
        ssize_t size = lgetxattr(path, name, value, VALUE_MAX_BYTES);
        if (size < 0)
                return errno == ENODATA ? 0 : -errno; /* taken away since it was listed */
        size_t name_bytes = strlen(name) + 1;
        uint32_t value_bytes = (uint32_t) size;
        size_t wanted = packed->size_bytes + name_bytes + sizeof(value_bytes) + value_bytes;
        char *grown = realloc(packed->data, wanted);
        if (!grown)
                return -ENOMEM;
        packed->data = grown;
        char *end = grown + packed->size_bytes;
        memcpy(end, name, name_bytes);
        memcpy(end + name_bytes, &value_bytes, sizeof(value_bytes));
        memcpy(end + name_bytes + sizeof(value_bytes), value, value_bytes);
        packed->size_bytes = wanted;
        return 0;
}

static int read_listed(const char *path, const char *list, size_t list_bytes, Packed *packed) {
        cleanup_free const char **names =
                        calloc(list_bytes, sizeof(char *)); /* a name has a byte at the least */
        cleanup_free char *value = malloc(VALUE_MAX_BYTES);
        if (!names || !value)
                return -ENOMEM;
        size_t n_names = pick_names(list, list_bytes, names);
        for (size_t i = 0; i < n_names; i++) {
                int r = pack(packed, path, names[i], value);
                if (r < 0)
                        return r;
        }
        return 0;
}

int xattrs_read(int dir_fd,
                const char *name,
                Arena *arena,
                const void **ret_xattrs,
                size_t *ret_size_bytes) {
        char path[PATH_MAX];
        int r = path_of(dir_fd, name, path);
        if (r < 0)
                return r;
        *ret_xattrs = NULL;
        *ret_size_bytes = 0;
        ssize_t size = llistxattr(path, NULL, 0);
        if (size <= 0)
                return size == 0 || errno == ENOTSUP ? 0 : -errno;
        cleanup_free char *list = malloc(LIST_MAX_BYTES);
        if (!list)
                return -ENOMEM;
        size = llistxattr(path, list, LIST_MAX_BYTES);
        if (size <= 0)
                return size == 0 ? 0 : -errno;

        Packed packed = { 0 };
        r = read_listed(path, list, (size_t) size, &packed);
        cleanup_free char *data = packed.data;
        if (r < 0 || packed.size_bytes == 0)
                return r;
        *ret_xattrs = arena_memdup(arena, data, packed.size_bytes);
        *ret_size_bytes = packed.size_bytes;
        return *ret_xattrs ? 0 : -ENOMEM;
}

int xattrs_write(int dir_fd,
                const char *name,
                const void *xattrs,
                size_t size_bytes,
                bool privileged) {
        char path[PATH_MAX];
        int r = path_of(dir_fd, name, path);
        if (r < 0)
                return r;
        const char *position = xattrs, *end = position + size_bytes;
        while (position < end) {
                const char *key = position;
                const char *nul = memchr(key, 0, (size_t) (end - key));
                uint32_t value_bytes;
                if (!nul || (size_t) (end - nul - 1) < sizeof(value_bytes))
                        return -EBADMSG;
                memcpy(&value_bytes, nul + 1, sizeof(value_bytes));
                const char *value = nul + 1 + sizeof(value_bytes);
                if (value_bytes > (size_t) (end - value))
                        return -EBADMSG;
                if ((privileged || !is_for_root(key)) &&
                                lsetxattr(path, key, value, value_bytes, 0) < 0)
                        return -errno;
                position = value + value_bytes;
        }
        return 0;
}
