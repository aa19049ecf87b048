/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/watch_list.h"

#include "diff/glob.h"

#include <errno.h>
#include <string.h>

#define ETC "/etc/"

/* Without double slashes, "." and a slash at the end. */
static const char *simplify(Arena *arena, const char *path) {
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

int watch_list_add(WatchList *list, const Watch *watch) {
        if (strncmp(watch->path, ETC, strlen(ETC)) != 0)
                return 0;
        Watch *copy = arena_memdup(list->arena, watch, sizeof(Watch));
        if (!copy || !(copy->path = simplify(list->arena, watch->path)))
                return -ENOMEM;
        if (strcmp(copy->path, "/etc") == 0)
                return 0;
        copy->next = map_get(&list->by_path, copy->path);
        return map_put(&list->by_path, copy->path, copy);
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
        map_done(&list->by_path);
}
