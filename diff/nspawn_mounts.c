/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/nspawn_mounts.h"

#include "base/path.h"

#include <errno.h>
#include <string.h>

typedef enum MountKind { MOUNT_NONE, MOUNT_BIND, MOUNT_TEMPORARY, MOUNT_OVERLAY } MountKind;

static MountKind kind_of(const UnitLine *line) {
        static const struct {
                const char *key;
                MountKind kind;
        } rows[] = {
                { "Bind", MOUNT_BIND },
                { "BindReadOnly", MOUNT_BIND },
                { "TemporaryFileSystem", MOUNT_TEMPORARY },
                { "Overlay", MOUNT_OVERLAY },
                { "OverlayReadOnly", MOUNT_OVERLAY },
        };
        for (size_t i = 0; strcmp(line->section, "Files") == 0 && i < N_ELEMENTS(rows); i++)
                if (strcmp(line->key, rows[i].key) == 0)
                        return rows[i].kind;
        return MOUNT_NONE;
}

/* Up to the next colon that has no backslash before it; NULL in ret_part: there is none. */
static int next_part(Arena *arena, const char **text, const char **ret_part) {
        *ret_part = NULL;
        if (!*text)
                return 0;
        char *part = arena_new(arena, char, strlen(*text) + 1), *to = part;
        if (!part)
                return -ENOMEM;
        const char *from = *text;
        for (; *from && *from != ':'; from++) {
                from += *from == '\\' && from[1];
                *to++ = *from;
        }
        *to = 0;
        *text = *from ? from + 1 : NULL;
        *ret_part = part;
        return 0;
}

/* Of the first and the last path, what is mounted and where. */
static int take_apart(Arena *arena, const UnitLine *line, MountKind kind, NspawnMount *mount) {
        const char *text = line->value, *first = NULL, *place = NULL;
        int r = next_part(arena, &text, &first);
        if (r >= 0 && kind == MOUNT_BIND)
                r = next_part(arena, &text, &place);
        while (r >= 0 && kind == MOUNT_OVERLAY && text)
                r = next_part(arena, &text, &place);
        if (r < 0)
                return r;
        if (!place || !*place)
                place = first;
        if (kind != MOUNT_TEMPORARY)
                place += *place == '+';
        *mount = (NspawnMount){ .place = place };
        if (kind == MOUNT_BIND && *first) {
                mount->is_root_source = *first == '+';
                mount->source = first + mount->is_root_source;
        }
        return 0;
}

int nspawn_mount_next(
                Arena *arena, const UnitFile *file, size_t *position, NspawnMount *ret_mount) {
        while (*position < file->n_lines) {
                const UnitLine *line = &file->lines[(*position)++];
                MountKind kind = kind_of(line);
                NspawnMount mount;
                if (kind == MOUNT_NONE)
                        continue;
                if (take_apart(arena, line, kind, &mount) < 0)
                        return -ENOMEM;
                if (*mount.place != '/')
                        continue;
                cleanup_free char *place = path_normalize(mount.place);
                if (!place || !(mount.place = arena_strdup(arena, place)))
                        return -ENOMEM;
                *ret_mount = mount;
                return 1;
        }
        return 0;
}
