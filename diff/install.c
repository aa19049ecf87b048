/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/install.h"

#include <errno.h>
#include <string.h>

const char *install_key_to_string(InstallKey key) {
        static const char *const names[N_INSTALL_KEYS] = {
                [INSTALL_WANTED_BY] = "WantedBy",
                [INSTALL_REQUIRED_BY] = "RequiredBy",
                [INSTALL_UPHELD_BY] = "UpheldBy",
                [INSTALL_ALIAS] = "Alias",
                [INSTALL_ALSO] = "Also",
                [INSTALL_DEFAULT_INSTANCE] = "DefaultInstance",
        };
        return names[key];
}

static void remove_items(Install *install, InstallKey key) {
        size_t n_kept = 0;
        for (size_t i = 0; i < install->n_items; i++)
                if (install->items[i].key != key)
                        install->items[n_kept++] = install->items[i];
        install->n_items = n_kept;
}

static int add_item(Install *install, Arena *arena, const InstallItem *item) {
        if (install->n_items == install->n_allocated) {
                size_t n = install->n_allocated ? install->n_allocated * 2 : 8;
                InstallItem *grown = arena_grow(
                                arena, install->items, install->n_items, n, sizeof(InstallItem));
                if (!grown)
                        return -ENOMEM;
                install->items = grown;
                install->n_allocated = n;
        }
        install->items[install->n_items++] = *item;
        return 0;
}

static int read_line(Install *install,
                Arena *arena,
                InstallKey key,
                const UnitLine *line,
                const char *origin) {
        if (key == INSTALL_DEFAULT_INSTANCE) {
                install->default_instance = *line->value ? line->value : NULL;
                return 0;
        }
        if (!*line->value && key != INSTALL_ALSO) /* systemd takes no Also= back */
                remove_items(install, key);
        InstallItem item = { .key = key, .origin = origin, .line = line->line };
        const char *text = line->value;
        int r;
        while ((r = unit_value_next_name(arena, &text, &item.word)) > 0) {
                r = add_item(install, arena, &item);
                if (r < 0)
                        return r;
        }
        return r;
}

static int read_lines(Install *install,
                Arena *arena,
                const UnitLine *lines,
                size_t n_lines,
                const char *origin,
                const UnitLine **ret_bad) {
        for (const UnitLine *line = lines; line < lines + n_lines; line++)
                for (InstallKey key = 0; key < N_INSTALL_KEYS; key++) {
                        if (strcmp(line->key, install_key_to_string(key)) != 0)
                                continue;
                        int r = read_line(install, arena, key, line, origin);
                        if (r < 0) {
                                *ret_bad = line;
                                return r;
                        }
                }
        return 0;
}

int install_read(Install *install,
                Arena *arena,
                const UnitFile *file,
                const char *origin,
                const UnitLine **ret_bad) {
        size_t start = 0;
        for (size_t i = 0; i < file->n_sections; i++) {
                size_t end = start;
                while (end < file->n_lines && file->lines[end].nth_section == i)
                        end++;
                if (strcmp(file->sections[i].name, "Install") == 0) {
                        int r = read_lines(install, arena, file->lines + start, end - start, origin,
                                        ret_bad);
                        if (r < 0)
                                return r;
                }
                start = end;
        }
        return 0;
}
