/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/program.h"

#include "diff/list.h"
#include "diff/tree_link.h"

#include <errno.h>
#include <string.h>

#define ETC "/etc/"

/* In the order in which they are told; what is in no unit of the type is not set. */
static const char *const keys[] = {
        "ExecCondition",
        "ExecStartPre",
        "ExecStart",
        "ExecStartPost",
        "ExecReload",
        "ExecReloadPost",
        "ExecStop",
        "ExecStopPre",
        "ExecStopPost",
};

/* With one of these the unit's files are not those of the host. */
static const char *const other_files[] = {
        "RootDirectory",
        "RootImage",
        "ExtensionDirectories",
        "ExtensionImages",
        "MountImages",
        "BindPaths",
        "BindReadOnlyPaths",
        "TemporaryFileSystem",
};

/* What is there now tells nothing of what will be. */
static const char *const run_time_directories[] = { "/dev/", "/proc/", "/run/", "/sys/", "/tmp/",
        "/var/run/", "/var/tmp/" };

typedef struct Finding {
        const Comparison *comparison;
        Arena *arena; /* the plan's */
        const Unit *unit;
        const char *name;  /* in the plan's arena */
        const char *place; /* of the line at hand, likewise */
        List programs;     /* UnitProgram */
} Finding;

static unsigned keys_of(const UnitText *text) {
        unsigned found = 0;
        TextCursor cursor = { .text = text };
        for (const UnitLine *line; (line = unit_text_next(&cursor));)
                for (size_t i = 0; *line->key == 'E' && i < N_ELEMENTS(keys); i++)
                        if (strcmp(line->key, keys[i]) == 0)
                                found |= 1u << i;
        return found;
}

static bool has_other_files(const UnitText *text) {
        for (size_t i = 0; i < N_ELEMENTS(other_files); i++)
                if (unit_text_value(text, "Service", other_files[i]))
                        return true;
        return false;
}

static bool is_made_at_run_time(const char *path) {
        for (size_t i = 0; i < N_ELEMENTS(run_time_directories); i++)
                if (strncmp(path, run_time_directories[i], strlen(run_time_directories[i])) == 0)
                        return true;
        return false;
}

/* Returns 1 when the tree mounts something at a parent of the path. */
static int is_below_mount(const Finding *finding, const char *path) {
        const UnitSet *set = &finding->comparison->pair->sets[AFTER];
        Arena *arena = finding->comparison->arena;
        if (!set->has_mounts)
                return 0;
        for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
                const char *parent = arena_strndup(arena, path, (size_t) (slash - path));
                const char *mount = parent ? unit_name_from_path(arena, parent, UNIT_MOUNT) : NULL;
                if (!mount)
                        return -ENOMEM;
                if (unit_set_fragment(set, mount))
                        return 1;
        }
        return 0;
}

static int add_program(Finding *finding, const char *key, const char *word) {
        const char *path = word + strspn(word, "@-:+!|");
        bool may_be_missing = memchr(word, '-', (size_t) (path - word));
        if (*path != '/' || may_be_missing || strpbrk(path, "%$") || is_made_at_run_time(path))
                return 0;
        int r = is_below_mount(finding, path);
        if (r != 0)
                return r < 0 ? r : 0;
        UnitProgram *program = arena_new(finding->arena, UnitProgram, 1);
        char *copy = arena_strdup(finding->arena, path);
        if (!program || !copy)
                return -ENOMEM;
        *program = (UnitProgram){
                .unit = finding->name, .key = key, .path = copy, .place = finding->place
        };
        return list_add(&finding->programs, finding->comparison->arena, program);
}

/* Commands are parted by a ";" that stands alone. */
static int add_commands(Finding *finding, const char *key, const char *value) {
        const char *word = NULL;
        bool is_first = true;
        int r;
        while ((r = unit_value_next_word(finding->comparison->arena, &value, &word)) > 0) {
                if (is_first && add_program(finding, key, word) < 0)
                        return -ENOMEM;
                is_first = strcmp(word, ";") == 0;
        }
        return r == -ENOMEM ? r : 0; /* what stands before a quote without an end counts */
}

/* The value is that of the line itself, no copy. */
static int find_place(Finding *finding, const char *value) {
        TextCursor cursor = { .text = &finding->unit->text };
        const UnitLine *line = unit_text_next(&cursor);
        while (line && line->value != value)
                line = unit_text_next(&cursor);
        const TextPart *part = line ? finding->unit->text.parts[cursor.nth_part] : NULL;
        finding->place = part && part->origin ? arena_printf(finding->arena, "%s:%u", part->origin,
                                                                line->line)
                                              : NULL;
        return part && part->origin && !finding->place ? -ENOMEM : 0;
}

static int add_unit(Finding *finding) {
        static const char *const sections[N_UNIT_TYPES] = {
                [UNIT_SERVICE] = "Service",
                [UNIT_SOCKET] = "Socket",
        };
        const UnitText *text = &finding->unit->text;
        const char *section = sections[finding->unit->type];
        unsigned found = section ? keys_of(text) : 0;
        if (!found || has_other_files(text))
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
                const char *const *values = NULL;
                size_t n_values = 0;
                if (!(found & 1u << i))
                        continue;
                if (unit_text_values(finding->comparison->arena, text, section, keys[i], &values,
                                    &n_values) < 0)
                        return -ENOMEM;
                for (size_t j = 0; j < n_values; j++)
                        if (find_place(finding, values[j]) < 0 ||
                                        add_commands(finding, keys[i], values[j]) < 0)
                                return -ENOMEM;
        }
        return 0;
}

int program_find(const Comparison *comparison,
                Arena *arena,
                const UnitPlan *plan,
                UnitProgram **ret_programs,
                size_t *ret_n_programs) {
        Finding finding = { .comparison = comparison, .arena = arena };
        for (size_t i = 0; i < plan->n_changed; i++) {
                finding.name = plan->changed[i].unit;
                finding.unit = comparison_find(comparison, finding.name)->units[AFTER];
                if (add_unit(&finding) < 0)
                        return -ENOMEM;
        }
        UnitProgram *programs = arena_new(arena, UnitProgram, finding.programs.n_items + 1);
        if (!programs)
                return -ENOMEM;
        for (size_t i = 0; i < finding.programs.n_items; i++)
                programs[i] = *(const UnitProgram *) finding.programs.items[i];
        *ret_programs = programs;
        *ret_n_programs = finding.programs.n_items;
        return 0;
}

static bool is_there(const Entry *entry) {
        return entry && entry->kind != ENTRY_ABSENT;
}

/* Where the path leads when a parent of it is a link of the tree; the path itself when none is. */
static const char *follow_parents(Arena *arena, const Tree *tree, const char *path) {
        for (const char *slash = path + strlen(ETC); (slash = strchr(slash, '/')); slash++) {
                char *parent = arena_strndup(
                                arena, path + strlen(ETC), (size_t) (slash - path) - strlen(ETC));
                const Entry *entry = parent ? tree_find(tree, ROOT_ETC, parent) : NULL;
                if (!parent)
                        return NULL;
                if (!entry || entry->kind != ENTRY_LINK)
                        continue;
                const char *target = tree_link_path(arena, entry);
                return target ? arena_printf(arena, "%s%s", target, slash) : NULL;
        }
        return path;
}

static int place_of_entry(const Entry *entry) {
        return entry->kind == ENTRY_FILE && entry->mode & 0111 ? PROGRAM_COMES : PROGRAM_IS_PLAIN;
}

int program_place(const Tree *before,
                const Tree *after,
                Arena *arena,
                const char *path,
                const char **ret_path) {
        enum { MAX_LINKS = 16 };
        for (size_t i = 0; i < MAX_LINKS && strncmp(path, ETC, strlen(ETC)) == 0; i++) {
                const char *led = follow_parents(arena, after, path);
                if (!led)
                        return -ENOMEM;
                if (led != path) {
                        path = led;
                        continue;
                }
                const Entry *entry = tree_find(after, ROOT_ETC, path + strlen(ETC));
                if (!is_there(entry)) {
                        if (is_there(tree_find(before, ROOT_ETC, path + strlen(ETC))))
                                return PROGRAM_LEAVES;
                        break;
                }
                if (entry->kind != ENTRY_LINK)
                        return place_of_entry(entry);
                path = tree_link_path(arena, entry);
                if (!path)
                        return -ENOMEM;
        }
        *ret_path = path;
        return PROGRAM_ELSEWHERE;
}
