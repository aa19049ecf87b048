/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_set.h"

#include "diff/tree_link.h"

#include <errno.h>
#include <string.h>

#define DEV_NULL "/dev/null"

enum { MAX_ALIASES = 8 };

static bool ends_with(const char *text, size_t length, const char *end) {
        size_t end_length = strlen(end);
        return length > end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

static TextPart *part_new(const UnitSet *set, const Entry *entry) {
        const char *prefix = entry_root_prefix(entry->root);
        size_t prefix_length = strlen(prefix), length = strlen(entry->path);
        TextPart *part = arena_new(set->arena, TextPart, 1);
        char *path = arena_alloc(set->arena, prefix_length + length + 1);
        if (!part || !path)
                return NULL;
        memcpy(path, prefix, prefix_length);
        memcpy(path + prefix_length, entry->path, length);
        part->path = path;
        part->origin = entry->origin ? entry->origin : path;
        return part;
}

/* A text that systemd may read and we do not: it is told from others by its digest. (What is
 * rendered was checked; this is what was found on the host.) */
static int set_identity(const UnitSet *set, TextPart *part, const Content *content) {
        char hex[DIGEST_HEX_SIZE];
        part->identity = arena_strdup(set->arena, digest_to_hex(&content->digest, hex));
        return part->identity ? 0 : -ENOMEM;
}

/* The text of a file, or of what a link leads to. An empty one is a mask: identity "". */
static int read_part(const UnitSet *set, const Entry *entry, TextPart **ret_part, Error *reterr) {
        const Entry *file = entry;
        const char *path = NULL;
        TextPart *part = part_new(set, entry);
        if (!part || tree_follow(set->tree, set->arena, entry, &file, &path) < 0)
                return error_oom(reterr);
        *ret_part = part;
        if (!file || file->kind != ENTRY_FILE) {
                part->identity = path && strcmp(path, DEV_NULL) == 0 ? ""
                                 : path                              ? path
                                                                     : "a directory";
                return 0;
        }
        if (file->content->size_bytes == 0) {
                part->identity = "";
                return 0;
        }
        int r = unit_file_of(set->contents, file->content, part->origin, &part->file, reterr);
        if (r != -EBADMSG)
                return r;
        return set_identity(set, part, file->content) < 0 ? error_oom(reterr) : 0;
}

static Fragment *add_fragment(UnitSet *set, const char *name) {
        if (set->n_fragments == set->n_fragments_allocated) {
                size_t n = set->n_fragments_allocated ? set->n_fragments_allocated * 2 : 64;
                set->fragments = arena_grow(set->arena, set->fragments, set->n_fragments, n,
                                sizeof(Fragment *));
                set->n_fragments_allocated = set->fragments ? n : 0;
        }
        Fragment *fragment = set->fragments ? arena_new(set->arena, Fragment, 1) : NULL;
        if (!fragment || map_put(&set->fragment_by_name, name, fragment) < 0)
                return NULL;
        fragment->name = name;
        set->fragments[set->n_fragments++] = fragment;
        return fragment;
}

static int add_alias(UnitSet *set, const char *alias, const char *name) {
        AliasList *list = arena_new(set->arena, AliasList, 1);
        if (!list)
                return -ENOMEM;
        *list = (AliasList){ .name = alias, .next = map_get(&set->aliases_of, name) };
        if (map_put(&set->aliases_of, name, list) < 0)
                return -ENOMEM;
        return map_put(&set->alias_by_name, alias, arena_strdup(set->arena, name));
}

/* foo@x.service -> foo@.service is how instances are linked: no file of its own, and no other name.
 */
bool unit_is_instance_of(const char *name, const char *target) {
        size_t length = 0, target_length = 0;
        const char *instance = unit_name_instance(name, &length);
        const char *target_instance = unit_name_instance(target, &target_length);
        return instance && target_instance && length > 0 && target_length == 0 &&
               instance - name == target_instance - target &&
               memcmp(name, target, (size_t) (instance - name)) == 0;
}

/* A file, or a link, at the place of a unit. */
static int add_file(UnitSet *set, const Entry *entry, const char *name, Error *reterr) {
        const char *path = NULL;
        if (entry->kind == ENTRY_LINK) {
                path = tree_link_path(set->arena, entry);
                if (!path)
                        return error_oom(reterr);
                const char *target = strrchr(path, '/') + 1;
                bool is_alias = strcmp(target, name) != 0 && unit_name_is_valid(target);
                if (is_alias && unit_is_instance_of(name, target)) /* how instances are linked: no
                                                                      other name */
                        return 0;
                if (is_alias) {
                        Fragment *fragment = add_fragment(set, name);
                        if (!fragment || add_alias(set, name, target) < 0)
                                return error_oom(reterr);
                        fragment->alias_of = target;
                        return 0;
                }
        }
        TextPart *part = NULL;
        int r = read_part(set, entry, &part, reterr);
        if (r < 0)
                return r;
        Fragment *fragment = add_fragment(set, name);
        if (!fragment)
                return error_oom(reterr);
        fragment->is_mask = !part->file && !*part->identity;
        fragment->part = fragment->is_mask ? NULL : part;
        set->has_mounts |= unit_name_type(name) == UNIT_MOUNT;
        return 0;
}

static UnitDirectory *directory_at(UnitSet *set, const char *name, size_t length) {
        UnitDirectory *directory = map_get_n(&set->directory_by_stem, name, length);
        if (directory)
                return directory;
        if (set->n_directories == set->n_directories_allocated) {
                size_t n = set->n_directories_allocated ? set->n_directories_allocated * 2 : 16;
                set->directories = arena_grow(set->arena, set->directories, set->n_directories, n,
                                sizeof(UnitDirectory *));
                set->n_directories_allocated = set->directories ? n : 0;
        }
        directory = set->directories ? arena_new(set->arena, UnitDirectory, 1) : NULL;
        if (!directory || !(directory->stem = arena_strndup(set->arena, name, length)) ||
                        map_put(&set->directory_by_stem, directory->stem, directory) < 0)
                return NULL;
        const char *dot = strrchr(directory->stem, '.'), *at = strchr(directory->stem, '@');
        const char *end = at ? at : dot;
        set->has_prefixes |= end && end > directory->stem && end[-1] == '-';
        set->directories[set->n_directories++] = directory;
        return directory;
}

static int add_drop_in(UnitSet *set,
                const Entry *entry,
                UnitDirectory *directory,
                const char *file_name,
                Error *reterr) {
        TextPart *part = NULL;
        int r = read_part(set, entry, &part, reterr);
        if (r < 0)
                return r;
        DropIn *drop_in = arena_new(set->arena, DropIn, 1);
        if (!drop_in)
                return error_oom(reterr);
        *drop_in = (DropIn){ .file_name = file_name, .part = part };
        if (directory->last_drop_in)
                directory->last_drop_in->next = drop_in;
        else
                directory->drop_ins = drop_in;
        directory->last_drop_in = drop_in;
        return 0;
}

static int add_link(UnitSet *set, UnitDirectory *directory, const char *name, RelationKind kind) {
        UnitLink *link = arena_new(set->arena, UnitLink, 1);
        if (!link)
                return -ENOMEM;
        *link = (UnitLink){ .name = name, .kind = kind };
        if (directory->last_link)
                directory->last_link->next = link;
        else
                directory->links = link;
        directory->last_link = link;
        return 0;
}

/* Does a link in NAME.wants/ link anything? One to /dev/null takes away what the distribution
 * links. */
static int is_link(const UnitSet *set, const Entry *entry, const char *name) {
        if (entry->kind != ENTRY_LINK || !unit_name_is_valid(name))
                return 0;
        const char *path = tree_link_path(set->arena, entry);
        return path ? strcmp(path, DEV_NULL) != 0 : -ENOMEM;
}

/* DIRECTORY/NAME of an entry below the directory of units. */
static int add_in_directory(UnitSet *set,
                const Entry *entry,
                const char *path,
                const char *slash,
                Error *reterr) {
        static const struct {
                const char *end;
                RelationKind kind;
        } kinds[] = {
                { ".wants", RELATION_WANTS },
                { ".requires", RELATION_REQUIRES },
                { ".upholds", RELATION_UPHOLDS },
        };
        const char *name = slash + 1;
        size_t length = (size_t) (slash - path);
        if (ends_with(path, length, ".d") && *name != '.' &&
                        ends_with(name, strlen(name), ".conf")) {
                UnitDirectory *directory = directory_at(set, path, length - 2);
                return directory ? add_drop_in(set, entry, directory, name, reterr)
                                 : error_oom(reterr);
        }
        for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
                if (!ends_with(path, length, kinds[i].end))
                        continue;
                int r = is_link(set, entry, name);
                if (r <= 0)
                        return r < 0 ? error_oom(reterr) : 0;
                UnitDirectory *directory = directory_at(set, path, length - strlen(kinds[i].end));
                return directory && add_link(set, directory, name, kinds[i].kind) == 0
                                       ? 0
                                       : error_oom(reterr);
        }
        return 0;
}

static int add_entry(UnitSet *set, const Entry *entry, const char *path, Error *reterr) {
        if (entry->kind != ENTRY_FILE && entry->kind != ENTRY_LINK)
                return 0;
        const char *slash = strchr(path, '/');
        if (!slash)
                return unit_name_is_valid(path) ? add_file(set, entry, path, reterr) : 0;
        return strchr(slash + 1, '/') ? 0 : add_in_directory(set, entry, path, slash, reterr);
}

/* Files of /etc come before what a generator makes of fstab. */
static int add_fstab(UnitSet *set, Error *reterr) {
        const Entry *entry = tree_find(set->tree, ROOT_ETC, "fstab");
        if (!entry || entry->kind != ENTRY_FILE)
                return 0;
        int r = content_load(set->contents, entry->content, reterr);
        if (r < 0)
                return r;
        FstabUnit *units = NULL;
        size_t n_units = 0;
        if (fstab_parse(set->arena, entry->content->data, entry->content->size_bytes, &units,
                            &n_units) < 0)
                return error_oom(reterr);
        for (size_t i = 0; i < n_units; i++) {
                if (map_get(&set->fragment_by_name, units[i].name))
                        continue;
                Fragment *fragment = add_fragment(set, units[i].name);
                TextPart *part = arena_new(set->arena, TextPart, 1);
                if (!fragment || !part ||
                                !(part->path = arena_printf(
                                                  set->arena, "/etc/fstab:%u", units[i].line)))
                        return error_oom(reterr);
                part->origin = part->path;
                part->file = &units[i].file;
                fragment->part = part;
                fragment->fstab = &units[i];
                set->has_mounts = true;
        }
        return 0;
}

static bool has_section(const UnitFile *file, const char *name) {
        for (size_t i = 0; i < file->n_sections; i++)
                if (strcmp(file->sections[i].name, name) == 0)
                        return true;
        return false;
}

/* Alias= of [Install]: one more name, unless something lies at it. */
static int add_install_aliases(UnitSet *set, const Fragment *fragment) {
        const UnitFile *file = fragment->part->file;
        for (size_t i = 0; i < file->n_lines; i++) {
                const UnitLine *line = &file->lines[i];
                if (strcmp(line->section, "Install") != 0 || strcmp(line->key, "Alias") != 0)
                        continue;
                const char *value = unit_name_expand(set->arena, fragment->name, line->value),
                           *word = NULL;
                if (!value)
                        return -ENOMEM;
                int r;
                while ((r = unit_value_next_name(set->arena, &value, &word)) > 0)
                        if (unit_name_is_valid(word) && !map_get(&set->fragment_by_name, word) &&
                                        !map_get(&set->alias_by_name, word) &&
                                        add_alias(set, word, fragment->name) < 0)
                                return -ENOMEM;
                if (r == -ENOMEM)
                        return r;
        }
        return 0;
}

int unit_set_init(UnitSet *set,
                Arena *arena,
                const Tree *tree,
                Contents *contents,
                const char *directory,
                Error *reterr) {
        *set = (UnitSet){
                .arena = arena, .tree = tree, .contents = contents, .directory = directory
        };
        size_t length = strlen(directory);
        for (size_t i = tree_lower_bound(tree, ROOT_ETC, directory); i < tree->n_entries; i++) {
                const Entry *entry = &tree->entries[i];
                if (entry->root != ROOT_ETC || strncmp(entry->path, directory, length) != 0)
                        break;
                int r = add_entry(set, entry, entry->path + length, reterr);
                if (r < 0)
                        return r;
        }
        if (strcmp(directory, "systemd/system/") == 0) {
                int r = add_fstab(set, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < set->n_fragments; i++) {
                const Fragment *fragment = set->fragments[i];
                if (fragment->part && fragment->part->file &&
                                has_section(fragment->part->file, "Install") &&
                                add_install_aliases(set, fragment) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

void unit_set_done(UnitSet *set) {
        map_done(&set->fragment_by_name);
        map_done(&set->directory_by_stem);
        map_done(&set->alias_by_name);
        map_done(&set->aliases_of);
}

/* One step: the name that a link, Alias= or, for an instance, its template's link leads to. NULL:
 * none, or (*ret_r) no memory. */
static const char *alias_step(const UnitSet *set, const char *name, int *ret_r) {
        *ret_r = 0;
        const char *target = map_get(&set->alias_by_name, name);
        if (!target) {
                if (!unit_name_is_instance(name) || map_get(&set->fragment_by_name, name))
                        return NULL;
                const char *template_name = unit_name_template_of(set->arena, name);
                target = template_name ? map_get(&set->alias_by_name, template_name) : NULL;
                *ret_r = template_name ? 0 : -ENOMEM;
                if (!target)
                        return NULL;
        }
        size_t length = 0;
        const char *instance = unit_name_instance(name, &length);
        if (instance && length > 0 && unit_name_is_template(target)) {
                const char *text = arena_strndup(set->arena, instance, length);
                target = text ? unit_name_with_instance(set->arena, target, text) : NULL;
                *ret_r = target ? 0 : -ENOMEM;
        }
        return target;
}

const char *unit_set_real_name(const UnitSet *set, const char *name) {
        if (set->alias_by_name.n_items == 0)
                return name;
        for (int i = 0; i < MAX_ALIASES; i++) {
                int r = 0;
                const char *target = alias_step(set, name, &r);
                if (r < 0)
                        return NULL;
                if (!target)
                        return name;
                name = target;
        }
        return name;
}
