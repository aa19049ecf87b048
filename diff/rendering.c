/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/rendering.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int rendering_refuse(const Rendering *rendering,
                const char *file,
                unsigned line,
                Error *reterr,
                const char *format,
                ...) {
        char text[sizeof(reterr->message)], number[16] = "";
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format,
                        arguments); /* a text cut short is still an error's text */
        va_end(arguments);
        char name[sizeof(reterr->message)];
        rendering_name_file(rendering, file, &line, name, sizeof(name));
        if (line)
                (void) snprintf(number, sizeof(number), ":%u", line); /* fits */
        return error_set(reterr, -EBADMSG, "%s%s: %s", name, number, text);
}

void rendering_name_file(const Rendering *rendering,
                const char *file,
                unsigned *line,
                char *ret_name,
                size_t name_bytes) {
        const Source *source = rendering->source;
        if (strcmp(file, "profile.conf") == 0 && source->n_layers > 0 && rendering->conf)
                file = profile_conf_file(rendering->conf, line);
        if (*file == '/') /* a unit of the distribution */
                (void) snprintf(ret_name, name_bytes, "%s", file);
        else
                source_file_name(source, file, ret_name, name_bytes);
}

const char *unit_scope_directory(UnitScope scope) {
        static const char *const directories[N_UNIT_SCOPES] = { "systemd/system/",
                "systemd/user/" };
        return directories[scope];
}

static int note(Rendering *rendering, Entry *entry, Error *reterr) {
        if (rendering->n_entries == rendering->n_allocated) {
                size_t n = rendering->n_allocated ? rendering->n_allocated * 2
                                                  : rendering->source->n_entries + 16;
                Entry **grown = arena_grow(&rendering->scratch, rendering->entries,
                                rendering->n_entries, n, sizeof(Entry *));
                if (!grown)
                        return error_oom(reterr);
                rendering->entries = grown;
                rendering->n_allocated = n;
        }
        rendering->entries[rendering->n_entries++] = entry;
        return 0;
}

/* NULL: a path of that root is no path of the host. */
static Map *map_of(Rendering *rendering, EntryRoot root) {
        return root == ROOT_ETC   ? &rendering->placed
               : root == ROOT_LIB ? &rendering->placed_lib
                                  : NULL;
}

/* Directories above a path are implied: made when they are missing, left as they are otherwise. */
static int place_parents(Rendering *rendering, const Entry *child, Error *reterr) {
        Map *map = map_of(rendering, child->root);
        const char *slash = strrchr(child->path, '/');
        for (; slash; slash = memrchr(child->path, '/', (size_t) (slash - child->path))) {
                size_t length = (size_t) (slash - child->path);
                const Entry *there = map_get_n(map, child->path, length);
                if (there && there->kind == ENTRY_DIRECTORY)
                        return 0;
                if (there)
                        return rendering_refuse(rendering, child->origin, 0, reterr,
                                        "Lies below %s, which is no directory; take one of them "
                                        "out",
                                        there->origin);
                Entry *parent = arena_memdup(&rendering->scratch,
                                &(Entry){ .root = child->root,
                                                .kind = ENTRY_DIRECTORY,
                                                .mode = 0755,
                                                .implied = true,
                                                .owner = "root",
                                                .group = "root",
                                                .origin = child->origin },
                                sizeof(Entry));
                if (!parent || !(parent->path = arena_strndup(
                                                 &rendering->tree->arena, child->path, length)))
                        return error_oom(reterr);
                if (map_put(map, parent->path, parent) < 0)
                        return error_oom(reterr);
                int r = note(rendering, parent, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int rendering_place(Rendering *rendering, const Entry *entry, Entry **ret_entry, Error *reterr) {
        Map *map = map_of(rendering, entry->root);
        Entry *there = map ? map_get(map, entry->path) : NULL;
        if (there && (there->kind != ENTRY_DIRECTORY || entry->kind != ENTRY_DIRECTORY))
                return rendering_refuse(rendering, entry->origin, 0, reterr,
                                "%s%s is given by %s as well; take one of them out",
                                entry_root_prefix(entry->root), entry->path, there->origin);
        if (!there) {
                there = arena_memdup(&rendering->scratch, entry, sizeof(Entry));
                if (!there)
                        return error_oom(reterr);
                if (map) {
                        if (map_put(map, there->path, there) < 0)
                                return error_oom(reterr);
                        int r = entry->kind != ENTRY_ABSENT
                                                ? place_parents(rendering, there, reterr)
                                                : 0;
                        if (r < 0)
                                return r;
                }
                int r = note(rendering, there, reterr);
                if (r < 0)
                        return r;
        }
        if (ret_entry)
                *ret_entry = there;
        return 0;
}

int rendering_place_from(Rendering *rendering,
                const SourceEntry *from,
                EntryRoot root,
                const char *path,
                const char *origin,
                Entry **ret_entry,
                Error *reterr) {
        Entry entry = {
                .root = root, .path = path, .owner = "root", .group = "root", .origin = origin
        };
        switch (from->kind) {
        case SOURCE_FILE:
                entry.kind = ENTRY_FILE;
                entry.mode = from->executable ? 0755 : 0644;
                entry.content = from->content;
                break;
        case SOURCE_LINK:
                entry.kind = ENTRY_LINK;
                entry.target = arena_strdup(&rendering->tree->arena, from->target);
                if (!entry.target)
                        return error_oom(reterr);
                break;
        case SOURCE_DIRECTORY:
                entry.kind = ENTRY_DIRECTORY;
                entry.mode = 0755;
                entry.implied = true;
                break;
        }
        return rendering_place(rendering, &entry, ret_entry, reterr);
}

bool rendering_is_mask(const Entry *entry) {
        if (entry->kind == ENTRY_LINK)
                return strcmp(entry->target, "/dev/null") == 0;
        return entry->kind == ENTRY_FILE && entry->content->size_bytes == 0;
}

const char *join_parts(Arena *arena, const char *const *parts) {
        size_t length = 0;
        for (size_t i = 0; parts[i]; i++)
                length += strlen(parts[i]);
        char *joined = arena_alloc(arena, length + 1), *end = joined;
        for (size_t i = 0; joined && parts[i]; i++)
                end = stpcpy(end, parts[i]);
        return joined;
}
