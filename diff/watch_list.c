/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/watch_list.h"

#include "diff/glob.h"

#include <errno.h>
#include <string.h>

#define ETC "/etc/"

/* Without double slashes, "." and a slash at the end; most paths are so already. */
static const char *simplify(Arena *arena, const char *path) {
        size_t length = strlen(path);
        if (!strstr(path, "//") && !strstr(path, "/.") && path[length - 1] != '/')
                return path;
        char *out = arena_strdup(arena, path), *end = out;
        if (!out)
                return NULL;
        for (const char *p = path; *p;) {
                if (p[0] == '/' && (p[1] == '/' || p[1] == 0))
                        p++;
                else if (p[0] == '/' && p[1] == '.' && (p[2] == '/' || p[2] == 0))
                        p += 2;
                else
                        *end++ = *p++;
        }
        *end = 0;
        return out;
}

int watch_list_touch(WatchList *list, const char *path) {
        for (size_t length = strlen(path); length > strlen("/etc"); length--)
                if ((!path[length] || path[length] == '/') &&
                                map_put_n(&list->touched, path, length, list) < 0)
                        return -ENOMEM;
        return 0;
}

int watch_list_add(WatchList *list, const Watch *watch) {
        if (strncmp(watch->path, ETC, strlen(ETC)) != 0)
                return 0;
        const char *path = simplify(list->arena, watch->path);
        if (!path)
                return -ENOMEM;
        if (!map_get(&list->touched, path))
                return 0;
        Watch *copy = arena_memdup(list->arena, watch, sizeof(Watch));
        if (!copy)
                return -ENOMEM;
        copy->path = path;
        copy->next = map_get(&list->by_path, path);
        return map_put(&list->by_path, path, copy);
}

int watch_list_add_pattern(WatchList *list, const Watch *watch) {
        if (!glob_is_pattern(watch->path))
                return watch_list_add(list, watch);
        if (list->n_patterns == list->n_patterns_allocated) {
                size_t n = list->n_patterns ? list->n_patterns * 2 : 16;
                list->patterns = arena_grow(
                                list->arena, list->patterns, list->n_patterns, n, sizeof(Watch *));
                list->n_patterns_allocated = list->patterns ? n : 0;
        }
        Watch *copy = list->patterns ? arena_memdup(list->arena, watch, sizeof(Watch)) : NULL;
        if (!copy || !(copy->path = simplify(list->arena, watch->path)))
                return -ENOMEM;
        list->patterns[list->n_patterns++] = copy;
        return 0;
}

void watch_list_done(WatchList *list) {
        map_done(&list->touched);
        map_done(&list->by_path);
}
