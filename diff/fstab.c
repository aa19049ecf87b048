/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/fstab.h"

#include "base/map.h"
#include "diff/unit_name.h"

#include <errno.h>
#include <string.h>

#define WHITE_SPACE " \t"

enum Field { WHAT, WHERE, TYPE, OPTIONS, DUMP, PASS, N_FIELDS };

typedef struct Line {
        const char *fields[N_FIELDS];
        unsigned number;
} Line;

/* The octal escapes of fstab(5), \040 and the like, in place. */
static void unescape(char *field) {
        char *out = field;
        for (const char *p = field; *p;) {
                bool is_octal = p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
                                p[2] <= '7' && p[3] >= '0' && p[3] <= '7';
                if (is_octal) {
                        *out++ = (char) ((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
                        p += 4;
                } else
                        *out++ = *p++;
        }
        *out = 0;
}

/* Cuts the text up in place; what is not there keeps its default. Returns how many fields there
 * are. */
static size_t split(char *text, const char **fields) {
        size_t n = 0;
        for (; n < N_FIELDS; n++) {
                text += strspn(text, WHITE_SPACE);
                if (!*text || (n == 0 && *text == '#'))
                        break;
                char *field = text;
                text += strcspn(text, WHITE_SPACE);
                if (*text)
                        *text++ = 0;
                unescape(field);
                fields[n] = field;
        }
        return n;
}

/* The value of an option ("" when it has none) of a list, the last one; NULL: not in it. */
static const char *option(Arena *arena, const char *options, const char *name) {
        const char *value = NULL;
        size_t name_length = strlen(name);
        while (*options) {
                size_t length = strcspn(options, ",");
                if (length >= name_length && memcmp(options, name, name_length) == 0) {
                        if (length == name_length)
                                value = "";
                        else if (options[name_length] == '=')
                                value = arena_strndup(arena, options + name_length + 1,
                                                length - name_length - 1);
                }
                options += length;
                options += strspn(options, ",");
        }
        return value;
}

static bool has_option(Arena *arena, const char *options, const char *name) {
        return option(arena, options, name) != NULL;
}

static bool is_network(Arena *arena, const char *type, const char *options) {
        static const char *const types[] = { "afs", "ceph", "cifs", "davfs", "gfs", "gfs2",
                "glusterfs", "lustre", "ncp", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2",
                "sshfs", "smb3", "smbfs", "virtiofs" };
        if (has_option(arena, options, "_netdev"))
                return true;
        if (strncmp(type, "fuse.", 5) == 0)
                type += 5;
        for (size_t i = 0; i < N_ELEMENTS(types); i++)
                if (strcmp(type, types[i]) == 0)
                        return true;
        return false;
}

/* LABEL=data -> /dev/disk/by-label/data */
static const char *device_of(Arena *arena, const char *what) {
        static const struct {
                const char *tag, *directory;
        } tags[] = {
                { "LABEL=", "label" },
                { "UUID=", "uuid" },
                { "PARTLABEL=", "partlabel" },
                { "PARTUUID=", "partuuid" },
        };
        for (size_t i = 0; i < N_ELEMENTS(tags); i++) {
                size_t length = strlen(tags[i].tag);
                if (strncmp(what, tags[i].tag, length) != 0)
                        continue;
                const char *value = what + length;
                size_t value_length = strlen(value);
                if (value_length > 1 && *value == '"' && value[value_length - 1] == '"') {
                        value++;
                        value_length -= 2;
                }
                return arena_printf(arena, "/dev/disk/by-%s/%.*s", tags[i].directory,
                                (int) value_length, value);
        }
        return what;
}

static void add_setting(FstabUnit *unit,
                UnitLine *lines,
                const char *section,
                const char *key,
                const char *value) {
        if (value)
                lines[unit->file.n_lines++] = (UnitLine){
                        .section = section, .key = key, .value = value, .line = unit->line
                };
        unit->file.lines = lines;
}

static int fill(Arena *arena, const Line *line, const char *section, FstabUnit *unit) {
        const char *const *fields = line->fields;
        UnitLine *lines = arena_new(arena, UnitLine, N_FIELDS + 1);
        if (!lines)
                return -ENOMEM;
        unit->line = line->number;
        bool is_automount = strcmp(section, "Automount") == 0,
             is_swap = strcmp(section, "Swap") == 0;
        if (!is_automount) {
                add_setting(unit, lines, section, "What", fields[WHAT]);
                add_setting(unit, lines, section, "Options", fields[OPTIONS]);
                add_setting(unit, lines, "Unit", "fstab dump", fields[DUMP]);
                add_setting(unit, lines, "Unit", "fstab pass", fields[PASS]);
        } else
                add_setting(unit, lines, section, "TimeoutIdleSec",
                                option(arena, fields[OPTIONS], "x-systemd.idle-timeout"));
        if (!is_swap)
                add_setting(unit, lines, section, "Where", fields[WHERE]);
        if (!is_swap && !is_automount)
                add_setting(unit, lines, section, "Type", fields[TYPE]);
        return 0;
}

typedef struct Units {
        Arena *arena;
        FstabUnit *units;
        size_t n_units, n_allocated;
        Map names;
} Units;

/* Returns the new unit, or NULL: there is one of that name, or (*ret_r) memory is short. */
static FstabUnit *add_unit(
                Units *units, const Line *line, const char *path, UnitType type, int *ret_r) {
        const char *name = unit_name_from_path(units->arena, path, type);
        *ret_r = name ? 0 : -ENOMEM;
        if (!name || map_get(&units->names, name))
                return NULL;
        if (units->n_units == units->n_allocated) {
                units->n_allocated = units->n_allocated ? units->n_allocated * 2 : 16;
                units->units = arena_grow(units->arena, units->units, units->n_units,
                                units->n_allocated, sizeof(FstabUnit));
        }
        const char *section = type == UNIT_SWAP    ? "Swap"
                              : type == UNIT_MOUNT ? "Mount"
                                                   : "Automount";
        FstabUnit *unit = units->units ? &units->units[units->n_units] : NULL;
        *ret_r = -ENOMEM;
        if (!unit || map_put(&units->names, name, units) < 0 ||
                        fill(units->arena, line, section, unit) < 0)
                return NULL;
        *ret_r = 0;
        unit->name = name;
        units->n_units++;
        return unit;
}

static int add_mount(Units *units, const Line *line) {
        const char *options = line->fields[OPTIONS], *where = line->fields[WHERE];
        const char *target = is_network(units->arena, line->fields[TYPE], options)
                                             ? "remote-fs.target"
                                             : "local-fs.target";
        bool is_automount = has_option(units->arena, options, "x-systemd.automount");
        bool is_off = has_option(units->arena, options, "noauto") &&
                      !has_option(units->arena, options, "auto");
        bool is_required = !has_option(units->arena, options, "nofail");
        int r = 0;
        FstabUnit *mount = add_unit(units, line, where, UNIT_MOUNT, &r);
        if (!mount)
                return r;
        if (!is_automount && !is_off) {
                mount->wanted_by = target;
                mount->is_required = is_required;
        }
        FstabUnit *automount =
                        is_automount ? add_unit(units, line, where, UNIT_AUTOMOUNT, &r) : NULL;
        if (automount && !is_off) {
                automount->wanted_by = target;
                automount->is_required = is_required;
        }
        return r;
}

static int add_swap(Units *units, const Line *line) {
        const char *options = line->fields[OPTIONS];
        const char *what = device_of(units->arena, line->fields[WHAT]);
        if (!what)
                return -ENOMEM;
        int r = 0;
        FstabUnit *swap = add_unit(units, line, what, UNIT_SWAP, &r);
        if (swap && !has_option(units->arena, options, "noauto")) {
                swap->wanted_by = "swap.target";
                swap->is_required = !has_option(units->arena, options, "nofail");
        }
        return r;
}

static int add_line(Units *units, char *text, unsigned number) {
        Line line = {
                .fields = { [OPTIONS] = "defaults", [DUMP] = "0", [PASS] = "0" },
                .number = number,
        };
        if (split(text, line.fields) <= TYPE)
                return 0;
        if (strcmp(line.fields[TYPE], "swap") == 0)
                return add_swap(units, &line);
        return *line.fields[WHERE] == '/' ? add_mount(units, &line) : 0;
}

int fstab_parse(Arena *arena,
                const char *data,
                size_t length,
                FstabUnit **ret_units,
                size_t *ret_n_units) {
        char *text = arena_strndup(arena, data, length);
        if (!text)
                return -ENOMEM;
        Units units = { .arena = arena };
        int r = 0;
        unsigned number = 0;
        for (char *line; r >= 0 && (line = strsep(&text, "\n"));)
                r = add_line(&units, line, ++number);
        map_done(&units.names);
        *ret_units = units.units;
        *ret_n_units = units.n_units;
        return r;
}
