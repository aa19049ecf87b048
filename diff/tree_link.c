/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/tree_link.h"

#include <errno.h>
#include <string.h>

#define ETC "/etc/"

enum { MAX_LINKS = 16 };

/* Adds the components of path behind the length bytes of out, which has room for them. */
static size_t add_components(char *out, size_t length, const char *path, size_t path_length) {
        for (const char *end = path + path_length; path < end;) {
                const char *slash = memchr(path, '/', (size_t) (end - path));
                size_t n = slash ? (size_t) (slash - path) : (size_t) (end - path);
                if (n == 2 && memcmp(path, "..", 2) == 0) {
                        while (length > 0 && out[--length] != '/')
                                ;
                } else if (n > 0 && !(n == 1 && *path == '.')) {
                        out[length++] = '/';
                        memcpy(out + length, path, n);
                        length += n;
                }
                path += n + 1;
        }
        return length;
}

const char *tree_link_path(Arena *arena, const Entry *link) {
        const char *slash = strrchr(link->path, '/');
        size_t parent_length = slash ? (size_t) (slash - link->path) : 0;
        size_t target_length = strlen(link->target);
        char *out = arena_alloc(arena, strlen(ETC) + parent_length + target_length + 3);
        if (!out)
                return NULL;
        size_t length = 0;
        if (*link->target != '/') {
                length = add_components(out, length, ETC, strlen(ETC));
                length = add_components(out, length, link->path, parent_length);
        }
        length = add_components(out, length, link->target, target_length);
        if (length == 0)
                out[length++] = '/';
        out[length] = 0;
        return out;
}

int tree_follow(const Tree *tree,
                Arena *arena,
                const Entry *entry,
                const Entry **ret_entry,
                const char **ret_path) {
        const char *path = NULL;
        for (int i = 0; entry && entry->kind == ENTRY_LINK; i++) {
                path = tree_link_path(arena, entry);
                if (!path)
                        return -ENOMEM;
                bool inside = strncmp(path, ETC, strlen(ETC)) == 0 && i < MAX_LINKS;
                entry = inside ? tree_find(tree, ROOT_ETC, path + strlen(ETC)) : NULL;
        }
        *ret_entry = entry && entry->kind != ENTRY_ABSENT ? entry : NULL;
        *ret_path = path;
        return 0;
}
