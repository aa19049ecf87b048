/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/slice.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* php-fpm@blog.service -> system-php\x2dfpm.slice */
static int slice_of_instance(Arena *arena, const char *name, bool is_user, const char **ret_name) {
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, is_user ? "app-" : "system-");
        for (const char *p = name; *p != '@'; p++)
                if (*p == '-')
                        text_add(&text, "\\x2d");
                else if (*p == '\\')
                        text_add(&text, "\\x5c");
                else
                        text_add_n(&text, p, 1);
        text_add(&text, ".slice");
        if (text.error < 0)
                return text.error;
        *ret_name = arena_strdup(arena, text.data);
        return *ret_name ? 0 : -ENOMEM;
}

int slice_of(Arena *arena, const Unit *unit, bool is_user, const char **ret_name) {
        static const char *const sections[N_UNIT_TYPES] = {
                [UNIT_SERVICE] = "Service",
                [UNIT_SOCKET] = "Socket",
                [UNIT_MOUNT] = "Mount",
                [UNIT_SWAP] = "Swap",
        };
        *ret_name = NULL;
        if (!sections[unit->type])
                return 0;
        const char *slice = unit_text_value(&unit->text, sections[unit->type], "Slice");
        if (slice) {
                *ret_name = unit_name_expand(arena, unit->name, slice);
                return *ret_name ? 0 : -ENOMEM;
        }
        return unit_name_is_instance(unit->name)
                               ? slice_of_instance(arena, unit->name, is_user, ret_name)
                               : 0;
}

int slice_parent(Arena *arena, const char *name, const char **ret_parent) {
        const char *dash = strrchr(name, '-');
        *ret_parent = NULL;
        if (!dash || dash == name)
                return 0;
        *ret_parent = arena_printf(arena, "%.*s.slice", (int) (dash - name), name);
        return *ret_parent ? 0 : -ENOMEM;
}
