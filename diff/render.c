/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/render.h"

#include "base/path.h"
#include "diff/glob.h"
#include "diff/rendering.h"

#include <errno.h>
#include <string.h>

enum { LINK_MAX_TARGET_BYTES = 4095 };

/* Names and sizes that no later part has to think of. */
static int check_entry(const Rendering *rendering, const SourceEntry *entry, Error *reterr) {
        size_t depth = 1;
        for (const char *p = entry->path, *part = p;; p++) {
                if (((unsigned char) *p < ' ' && *p) || *p == 0x7f)
                        return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                                        "A control character in the name; rename it");
                if (*p && *p != '/')
                        continue;
                size_t length = (size_t) (p - part);
                if (length == 0 || (length == 1 && *part == '.') ||
                                (length == 2 && memcmp(part, "..", 2) == 0))
                        return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                                        "'.', '..' or nothing as a name in the path; write the "
                                        "path that is meant");
                if (!*p) {
                        if (p - entry->path > SOURCE_MAX_PATH_BYTES)
                                return rendering_refuse(rendering, source_entry_file(entry), 0,
                                                reterr, "A path of more than %d bytes; shorten it",
                                                SOURCE_MAX_PATH_BYTES);
                        break;
                }
                part = p + 1;
                if (++depth > SOURCE_MAX_DEPTH)
                        return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                                        "More than %d directories deep; move it up",
                                        SOURCE_MAX_DEPTH);
        }
        if (entry->kind == SOURCE_FILE && entry->content->size_bytes > SOURCE_MAX_FILE_BYTES)
                return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                                "A file of more than %d MiB; keep it out of the configuration",
                                SOURCE_MAX_FILE_BYTES / 1024 / 1024);
        size_t target = entry->kind == SOURCE_LINK ? strlen(entry->target) : 1;
        if (target == 0 || target > LINK_MAX_TARGET_BYTES)
                return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                                "A link to nothing, or to more than %d bytes; write its target",
                                LINK_MAX_TARGET_BYTES);
        return 0;
}

static int place_etc(
                Rendering *rendering, const SourceEntry *from, const char *below, Error *reterr) {
        if (strcmp(below, ".sysswitch") == 0 || strncmp(below, ".sysswitch/", 11) == 0)
                return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                "/etc/.sysswitch is where a switch is prepared; rename it");
        Arena *arena = &rendering->tree->arena;
        const char *origin = arena_strdup(arena, source_entry_file(from));
        const char *path = arena_strdup(arena, below);
        if (!origin || !path)
                return error_oom(reterr);
        Entry *entry = NULL;
        int r = rendering_place_from(rendering, from, ROOT_ETC, path, origin, &entry, reterr);
        for (UnitScope scope = 0; r == 0 && scope < N_UNIT_SCOPES; scope++) {
                size_t length = strlen(unit_scope_directory(scope));
                if (strncmp(path, unit_scope_directory(scope), length) == 0)
                        r = rendering_check_unit_path(
                                        rendering, scope, path + length, entry, reterr);
        }
        return r;
}

static int place_units(
                Rendering *rendering, const SourceEntry *from, const char *below, Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        const char *directory = unit_scope_directory(SCOPE_SYSTEM);
        const char *origin = arena_strdup(arena, source_entry_file(from));
        const char *path = JOIN(arena, directory, below);
        if (!origin || !path)
                return error_oom(reterr);
        Entry *entry = NULL;
        int r = rendering_place_from(rendering, from, ROOT_ETC, path, origin, &entry, reterr);
        if (r < 0)
                return r;
        return rendering_check_unit_path(
                        rendering, SCOPE_SYSTEM, path + strlen(directory), entry, reterr);
}

static int place_hook(
                Rendering *rendering, const SourceEntry *from, const char *below, Error *reterr) {
        if (from->kind != SOURCE_FILE || strchr(below, '/'))
                return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                "hooks/ holds executable files and nothing else; move it out");
        if (!from->executable)
                return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                "A hook that is not executable; chmod +x it, or move it out");
        Arena *arena = &rendering->tree->arena;
        const char *origin = arena_strdup(arena, source_entry_file(from));
        const char *path = arena_strdup(arena, below);
        if (!origin || !path)
                return error_oom(reterr);
        return rendering_place_from(rendering, from, ROOT_HOOKS, path, origin, NULL, reterr);
}

/* They are rendered once all else is placed. */
static int place_container(
                Rendering *rendering, const SourceEntry *from, const char *below, Error *reterr) {
        (void) rendering, (void) from, (void) below, (void) reterr;
        return 0;
}

/* What a source holds at its top besides profile.conf. */
static const struct {
        const char *name;
        int (*place)(Rendering *rendering,
                        const SourceEntry *from,
                        const char *below,
                        Error *reterr);
} directories[] = {
        { "etc", place_etc },
        { "units", place_units },
        { "hooks", place_hook },
        { "containers", place_container },
};

static int place_source_entry(Rendering *rendering, const SourceEntry *from, Error *reterr) {
        if (source_leaves_out(from->path))
                return 0;
        int r = check_entry(rendering, from, reterr);
        if (r < 0)
                return r;
        if (strcmp(from->path, "profile.conf") == 0)
                return rendering_place_from(rendering, from, ROOT_PROFILE, "profile.conf",
                                "profile.conf", NULL, reterr);
        size_t length = strcspn(from->path, "/");
        for (size_t i = 0; i < N_ELEMENTS(directories); i++) {
                if (strncmp(from->path, directories[i].name, length) != 0 ||
                                directories[i].name[length])
                        continue;
                if (from->path[length])
                        return directories[i].place(
                                        rendering, from, from->path + length + 1, reterr);
                if (from->kind != SOURCE_DIRECTORY)
                        return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                                        "Must be a directory; rename what is there");
                return 0;
        }
        r = rendering_place_lib(rendering, from, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        const char *top = arena_strndup(&rendering->scratch, from->path, length);
        if (!top)
                return error_oom(reterr);
        if (from->path[length] && source_find(rendering->source, top))
                return 0; /* told of the directory */
        return rendering_refuse(rendering, source_entry_file(from), 0, reterr,
                        "A source holds profile.conf, etc/, units/, containers/, hooks/ and what "
                        "[Kernel] names; move or remove it (README*, LICENSE* and .git* are passed "
                        "over)");
}

static int read_conf(Rendering *rendering, Error *reterr) {
        static const ProfileConf none;
        const SourceEntry *entry = source_find(rendering->source, "profile.conf");
        rendering->conf = &none;
        if (!entry)
                return 0;
        if (entry->kind != SOURCE_FILE)
                return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                                "Must be a file; replace what is there");
        const char *name = arena_printf(
                        &rendering->scratch, "%s/profile.conf", rendering->source->name);
        if (!name)
                return error_oom(reterr);
        /* those of layers were told when they were read, each by itself */
        cleanup_strv Strv told = { 0 };
        Strv *faults = rendering->source->faults;
        int r = profile_conf_parse_all(&rendering->scratch, name, rendering->contents,
                        entry->content, faults && rendering->source->n_layers > 0 ? &told : faults,
                        &rendering->conf, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < rendering->conf->n_disable; i++) {
                UnitsRule *rule = arena_memdup(&rendering->scratch, &rendering->conf->disable[i],
                                sizeof(UnitsRule));
                if (!rule || map_put(&rendering->disabled, rule->unit, rule) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int set_attributes(Rendering *rendering, Entry *entry, const FileRule *rule, Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        if (rule->owner && !(entry->owner = arena_strdup(arena, rule->owner)))
                return error_oom(reterr);
        if (rule->group && !(entry->group = arena_strdup(arena, rule->group)))
                return error_oom(reterr);
        if (rule->mode >= 0)
                entry->mode = (uint16_t) rule->mode;
        if (rule->secret >= 0)
                entry->secret = rule->secret;
        if (entry->kind == ENTRY_DIRECTORY)
                entry->implied = false;
        return 0;
}

/* A glob is for files: a directory gets attributes only under its own name, for 0600 is no mode of
 * a directory. */
static int apply_to_matches(Rendering *rendering, const FileRule *rule, Error *reterr) {
        for (size_t i = 0; i < rendering->n_entries; i++) {
                Entry *entry = rendering->entries[i];
                if (entry->root != ROOT_ETC || entry->kind != ENTRY_FILE ||
                                !glob_match(rule->path, entry->path))
                        continue;
                int r = set_attributes(rendering, entry, rule, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Returns 1: what the rule is of was taken away by a nearer layer. */
static int is_taken_away(Rendering *rendering, const FileRule *rule, Error *reterr) {
        const char *path = arena_printf(&rendering->scratch, "etc/%s", rule->path);
        int r = path ? profile_conf_takes_away(
                                       &rendering->scratch, rendering->conf, path, rule->line)
                     : -ENOMEM;
        return r < 0 ? error_oom(reterr) : r;
}

static int apply_file_rule(Rendering *rendering, const FileRule *rule, Error *reterr) {
        if (glob_is_pattern(rule->path))
                return apply_to_matches(rendering, rule, reterr);
        Entry *entry = rendering_at(rendering, rule->path);
        int r = entry ? 0 : is_taken_away(rendering, rule, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!entry)
                return rendering_refuse(rendering, "profile.conf", rule->line, reterr,
                                "Path=%s: There is no such file in etc/; add it, or correct the "
                                "path",
                                rule->path);
        if (entry->kind == ENTRY_LINK)
                return rendering_refuse(rendering, "profile.conf", rule->line, reterr,
                                "Path=%s is a link, which has no mode and owner of its own; name "
                                "its target",
                                rule->path);
        if (entry->kind == ENTRY_DIRECTORY && rule->secret > 0)
                return rendering_refuse(rendering, "profile.conf", rule->line, reterr,
                                "Path=%s is a directory, and Secret= is for files; write %s/**",
                                rule->path, rule->path);
        return set_attributes(rendering, entry, rule, reterr);
}

/* The longest, as one may lie in another. */
static const char *layer_of(const Source *source, const char *origin) {
        const char *found = NULL;
        for (size_t i = 0; i < source->n_layers; i++)
                if (path_is_below(origin, source->layers[i]) &&
                                (!found || strlen(found) < strlen(source->layers[i])))
                        found = source->layers[i];
        return found;
}

static int note_layers(Rendering *rendering, Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        for (size_t i = 0; rendering->source->n_layers > 0 && i < rendering->n_entries; i++) {
                Entry *entry = rendering->entries[i];
                const char *layer = layer_of(rendering->source, entry->origin);
                entry->layer = layer ? arena_strdup(arena, layer) : NULL;
                if (layer && !entry->layer)
                        return error_oom(reterr);
        }
        return 0;
}

static int render_all(Rendering *rendering, Error *reterr) {
        const Source *source = rendering->source;
        if (source->n_entries > SOURCE_MAX_ENTRIES)
                return error_set(reterr, -EBADMSG, "%s: More than %d files; split it up",
                                source->name, SOURCE_MAX_ENTRIES);
        int r = rendering_go_on(rendering, read_conf(rendering, reterr), reterr);
        for (size_t i = 0; r == 0 && i < source->n_entries; i++)
                r = rendering_go_on(rendering,
                                place_source_entry(rendering, &source->entries[i], reterr), reterr);
        if (r == 0)
                r = rendering_check_lib(rendering, reterr);
        if (r == 0)
                r = rendering_add_kernel(rendering, reterr);
        if (r == 0)
                r = rendering_add_initrd(rendering, reterr);
        if (r == 0)
                r = rendering_add_containers(rendering, reterr);
        for (size_t i = 0; r == 0 && i < rendering->conf->n_files; i++)
                r = rendering_go_on(rendering,
                                apply_file_rule(rendering, &rendering->conf->files[i], reterr),
                                reterr);
        if (r == 0)
                r = rendering_add_enablement(rendering, reterr);
        if (r == 0)
                r = rendering_warn_of_units(rendering, reterr);
        if (r == 0)
                r = rendering_warn_of_drop_ins(rendering, reterr);
        if (r == 0)
                r = rendering_warn_of_files(rendering, reterr);
        if (r == 0)
                r = note_layers(rendering, reterr);
        if (r == 0)
                r = tree_fill(rendering->tree, rendering->entries, rendering->n_entries, reterr);
        return r;
}

int render(const Source *source,
                Contents *contents,
                const Distribution *distribution,
                Tree **ret_tree,
                Error *reterr) {
        cleanup(tree_freep) Tree *tree = tree_new();
        if (!tree)
                return error_oom(reterr);
        Rendering rendering = {
                .source = source,
                .contents = contents,
                .distribution = distribution,
                .tree = tree,
        };
        int r = render_all(&rendering, reterr);
        map_done(&rendering.placed);
        map_done(&rendering.placed_lib);
        map_done(&rendering.disabled);
        arena_done(&rendering.scratch);
        if (r < 0)
                return r;
        *ret_tree = TAKE(tree);
        return 0;
}
