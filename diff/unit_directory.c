/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What may lie in a directory of units: units and links to them, NAME.d/ with drop-ins, NAME.wants/
 * and the like with links. */
#include "diff/rendering.h"
#include "diff/unit_file.h"
#include "diff/unit_name.h"

#include <errno.h>
#include <string.h>

enum { UNIT_NAME_SIZE = 256 };

typedef enum FolderKind {
        FOLDER_UNKNOWN,
        FOLDER_DROP_INS, /* foo.service.d, foo-.service.d, foo@.service.d, service.d */
        FOLDER_LINKS,    /* foo.target.wants, .requires, .upholds */
} FolderKind;

static FolderKind folder_kind(const char *name, size_t length) {
        static const char *const suffixes[] = { ".d", ".wants", ".requires", ".upholds" };
        for (size_t i = 0; i < N_ELEMENTS(suffixes); i++) {
                size_t suffix_length = strlen(suffixes[i]);
                if (length <= suffix_length || length - suffix_length >= UNIT_NAME_SIZE ||
                                strncmp(name + length - suffix_length, suffixes[i],
                                                suffix_length) != 0)
                        continue;
                char stem[UNIT_NAME_SIZE];
                memcpy(stem, name, length - suffix_length);
                stem[length - suffix_length] = 0;
                if (unit_name_is_valid(stem))
                        return i == 0 ? FOLDER_DROP_INS : FOLDER_LINKS;
                for (UnitType type = 0; i == 0 && type < N_UNIT_TYPES; type++)
                        if (strcmp(stem, unit_type_to_string(type)) == 0)
                                return FOLDER_DROP_INS;
        }
        return FOLDER_UNKNOWN;
}

/* Does a relative target lead out of the directory that path is relative to? */
static bool climbs_out(const char *path, const char *target) {
        if (*target == '/')
                return false;
        int depth = 0;
        for (; *path; path++)
                depth += *path == '/';
        while (*target) {
                size_t length = strcspn(target, "/");
                if (length == 2 && memcmp(target, "..", 2) == 0)
                        depth--;
                else if (length > 0 && !(length == 1 && *target == '.'))
                        depth++;
                if (depth < 0)
                        return true;
                target += length;
                target += strspn(target, "/");
        }
        return false;
}

/* units/ is elsewhere in the source than on the host, so its relative links may not leave it: what
 * they mean would change. */
static int check_link(
                const Rendering *rendering, const char *name, const Entry *entry, Error *reterr) {
        size_t n_origin = strlen(entry->origin), n_name = strlen("units/") + strlen(name);
        const char *end = n_origin >= n_name ? entry->origin + n_origin - n_name : "";
        bool in_units = strncmp(end, "units/", strlen("units/")) == 0;
        if (climbs_out(in_units ? name : entry->path, entry->target))
                return rendering_refuse(rendering, entry->origin, 0, reterr,
                                "The link climbs out of %s by '..'; write its target as an "
                                "absolute path",
                                in_units ? "units/" : "etc/");
        return 0;
}

static int note_unit(Rendering *rendering,
                UnitScope scope,
                const char *name,
                const Entry *entry,
                Error *reterr) {
        if (rendering->n_units == rendering->n_units_allocated) {
                size_t n = rendering->n_units_allocated ? rendering->n_units_allocated * 2 : 64;
                RenderedUnit *grown = arena_grow(&rendering->scratch, rendering->units,
                                rendering->n_units, n, sizeof(RenderedUnit));
                if (!grown)
                        return error_oom(reterr);
                rendering->units = grown;
                rendering->n_units_allocated = n;
        }
        rendering->units[rendering->n_units++] =
                        (RenderedUnit){ .entry = entry, .name = name, .scope = scope };
        return 0;
}

/* Each time anew: a content's parsed form does not tell what was refused. What follows reads it all
 * the same. */
static int parse_all(Rendering *rendering,
                Content *content,
                const char *origin,
                const UnitFile **ret_file,
                Error *reterr) {
        char name[SOURCE_MAX_PATH_BYTES * 2];
        source_file_name(rendering->source, origin, name, sizeof(name));
        int r = content_load(rendering->contents, content, reterr);
        if (r >= 0)
                r = unit_file_parse_all(contents_arena(rendering->contents), name, content,
                                rendering->source->faults, ret_file, reterr);
        if (r >= 0)
                content->unit_file = *ret_file;
        return r;
}

int rendering_parse(Rendering *rendering,
                Content *content,
                const char *origin,
                const UnitFile **ret_file,
                Error *reterr) {
        Error error = { 0 };
        if (rendering->source->faults)
                return parse_all(rendering, content, origin, ret_file, reterr);
        int r = unit_file_of(rendering->contents, content, origin, ret_file, &error);
        if (r == -EBADMSG) {
                char name[sizeof(error.message)];
                source_file_name(rendering->source, error.message, name, sizeof(name));
                return error_set(reterr, r, "%s", name);
        }
        return r < 0 ? error_set(reterr, r, "%s", error.message) : 0;
}

/* X-SwitchMethod= is the one flag with words of its own. */
static int check_method(
                Rendering *rendering, const Entry *entry, const UnitLine *line, Error *reterr) {
        static const char *const methods[] = { "", "keep-old", "reload", "restart", "stop-start" };
        if (strcmp(line->key, "X-SwitchMethod") != 0)
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(methods); i++)
                if (strcmp(line->value, methods[i]) == 0)
                        return 0;
        return rendering_refuse(rendering, entry->origin, line->line, reterr,
                        "X-SwitchMethod=%s is none; write keep-old, reload, restart or stop-start",
                        line->value);
}

static int
parse(Rendering *rendering, const Entry *entry, const UnitFile **ret_file, Error *reterr) {
        int r = rendering_parse(rendering, entry->content, entry->origin, ret_file, reterr);
        for (size_t i = 0; r >= 0 && i < (*ret_file)->n_lines; i++)
                r = rendering_go_on(rendering,
                                check_method(rendering, entry, &(*ret_file)->lines[i], reterr),
                                reterr);
        return r;
}

static int check_unit(Rendering *rendering,
                UnitScope scope,
                const char *name,
                const Entry *entry,
                Error *reterr) {
        if (!unit_name_is_valid(name)) {
                if (folder_kind(name, strlen(name)) != FOLDER_UNKNOWN)
                        return rendering_refuse(rendering, entry->origin, 0, reterr,
                                        "Must be a directory; put the files into it");
                return rendering_refuse(rendering, entry->origin, 0, reterr,
                                "No unit can have this name; rename it, or move it out");
        }
        if (rendering_is_mask(entry))
                return 0;
        if (entry->kind == ENTRY_LINK)
                return check_link(rendering, name, entry, reterr);
        const UnitFile *file = NULL;
        int r = parse(rendering, entry, &file, reterr);
        if (r >= 0)
                r = rendering_warn_of_sections(
                                rendering, strrchr(name, '.') + 1, entry, file, reterr);
        return r < 0 ? r : note_unit(rendering, scope, name, entry, reterr);
}

/* Keeps the drop-ins of one directory in the order of their file names. */
static int note_install_drop_in(Rendering *rendering,
                UnitScope scope,
                const char *name,
                const Entry *entry,
                Error *reterr) {
        const char *slash = strchr(name, '/');
        InstallDropIn *drop_in = arena_new(&rendering->scratch, InstallDropIn, 1);
        const char *unit = arena_strndup(
                        &rendering->scratch, name, (size_t) (slash - name) - strlen(".d"));
        if (!drop_in || !unit)
                return error_oom(reterr);
        *drop_in = (InstallDropIn){
                .scope = scope, .unit = unit, .file_name = slash + 1, .entry = entry
        };
        InstallDropIn **place = &rendering->install_drop_ins;
        while (*place && strcmp((*place)->file_name, drop_in->file_name) <= 0)
                place = &(*place)->next;
        drop_in->next = *place;
        *place = drop_in;
        return 0;
}

/* Of foo.service.d/ and service.d/ alike. */
static int warn_of_drop_in(Rendering *rendering,
                const char *name,
                const Entry *entry,
                const UnitFile *file,
                Error *reterr) {
        const char *end = strchr(name, '/') - strlen(".d"), *start = end;
        while (start > name && start[-1] != '.')
                start--;
        char type[16];
        (void) snprintf(type, sizeof(type), "%.*s", (int) (end - start),
                        start); /* fits: it is the type of a unit */
        return rendering_warn_of_sections(rendering, type, entry, file, reterr);
}

static int check_drop_in(Rendering *rendering,
                UnitScope scope,
                const char *name,
                const Entry *entry,
                Error *reterr) {
        const char *file_name = strchr(name, '/') + 1;
        size_t length = strlen(file_name);
        if (*file_name == '.' || strchr(file_name, '/') || length < 5 ||
                        strcmp(file_name + length - 5, ".conf") != 0)
                return 0; /* systemd does not read it */
        if (entry->kind == ENTRY_LINK && !rendering_is_mask(entry))
                return check_link(rendering, name, entry, reterr);
        if (entry->kind != ENTRY_FILE || rendering_is_mask(entry))
                return 0;
        const UnitFile *file = NULL;
        int r = parse(rendering, entry, &file, reterr);
        if (r == 0)
                r = warn_of_drop_in(rendering, name, entry, file, reterr);
        for (size_t i = 0; r == 0 && i < file->n_sections; i++)
                if (strcmp(file->sections[i].name, "Install") == 0)
                        return note_install_drop_in(rendering, scope, name, entry, reterr);
        return r;
}

static int check_dependency(Rendering *rendering,
                UnitScope scope,
                const char *name,
                const Entry *entry,
                Error *reterr) {
        const char *unit = strchr(name, '/') + 1;
        if (!unit_name_is_valid(unit))
                return rendering_refuse(rendering, entry->origin, 0, reterr,
                                "No unit can have this name; rename it, or move it out");
        if (entry->kind != ENTRY_LINK)
                return rendering_refuse(rendering, entry->origin, 0, reterr,
                                "Must be a link to the unit; systemd heeds nothing else here");
        const UnitsRule *disable =
                        scope == SCOPE_SYSTEM ? map_get(&rendering->disabled, unit) : NULL;
        if (disable) {
                unsigned line = disable->line;
                const char *file = profile_conf_file(rendering->conf, &line);
                return rendering_refuse(rendering, entry->origin, 0, reterr,
                                "Enables what %s:%u has in Disable=; take one of them out", file,
                                line);
        }
        return check_link(rendering, name, entry, reterr);
}

int rendering_check_unit_path(Rendering *rendering,
                UnitScope scope,
                const char *name,
                const Entry *entry,
                Error *reterr) {
        size_t length = strcspn(name, "/");
        if (!name[length] && entry->kind != ENTRY_DIRECTORY)
                return check_unit(rendering, scope, name, entry, reterr);
        FolderKind kind = folder_kind(name, length);
        if (kind == FOLDER_UNKNOWN)
                return rendering_refuse(rendering, entry->origin, 0, reterr,
                                "%.*s/ is no directory that systemd reads; there are NAME.d/, "
                                "NAME.wants/, NAME.requires/ "
                                "and NAME.upholds/ of a unit NAME",
                                (int) length, name);
        if (!name[length])
                return 0;
        return kind == FOLDER_DROP_INS ? check_drop_in(rendering, scope, name, entry, reterr)
                                       : check_dependency(rendering, scope, name, entry, reterr);
}
