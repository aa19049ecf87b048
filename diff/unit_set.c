/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_set.h"

#include "diff/mention.h"
#include "diff/tree_link.h"

#include <errno.h>
#include <string.h>

#define DEV_NULL "/dev/null"

enum { MAX_ALIASES = 8 };

const RelationKind unit_link_kinds[3] = { RELATION_WANTS, RELATION_REQUIRES, RELATION_UPHOLDS };

static const char *const link_ends[3] = { ".wants", ".requires", ".upholds" };

static bool ends_with(const char *text, size_t length, const char *end) {
        size_t end_length = strlen(end);
        return length > end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

/* A text that systemd may read and we do not: it is told from others by its digest. (What is
 * rendered was checked; this is what was found on the host.) */
static int set_identity(const UnitSet *set, TextPart *part, const Content *content) {
        char hex[DIGEST_HEX_SIZE];
        part->identity = arena_strdup(set->arena, digest_to_hex(&content->digest, hex));
        return part->identity ? 0 : -ENOMEM;
}

/* The text of a file, or of what a link leads to. An empty one is a mask: identity "". */
static int read_part(const UnitSet *set, const Entry *entry, TextPart *ret_part, Error *reterr) {
        const Entry *file = entry;
        const char *path = NULL;
        *ret_part = (TextPart){ .prefix = entry_root_prefix(entry->root),
                .path = entry->path,
                .origin = entry->origin };
        if (tree_follow(set->tree, set->arena, entry, &file, &path) < 0)
                return error_oom(reterr);
        if (!file || file->kind != ENTRY_FILE) {
                ret_part->identity = path && strcmp(path, DEV_NULL) == 0 ? ""
                                     : path                              ? path
                                                                         : "a directory";
                return 0;
        }
        if (file->content->size_bytes == 0) {
                ret_part->identity = "";
                return 0;
        }
        int r = unit_file_of(set->contents, file->content, entry->path, &ret_part->file, reterr);
        if (r == -EBADMSG)
                return set_identity(set, ret_part, file->content) < 0 ? error_oom(reterr) : 0;
        if (r == 0)
                ret_part->mentions = unit_file_mentions(ret_part->file);
        return r;
}

static Fragment *add_fragment(UnitSet *set, const char *name, const Entry *entry) {
        Fragment *fragment = arena_new(set->arena, Fragment, 1);
        if (list_add(&set->fragments, set->arena, fragment) < 0 ||
                        map_put(&set->fragment_by_name, name, fragment) < 0 ||
                        (set->like && list_add(&set->differing, set->arena, fragment) < 0))
                return NULL;
        fragment->name = name;
        fragment->entry = entry;
        return fragment;
}

static int add_alias(UnitSet *set, const char *alias, const char *name) {
        AliasList *list = arena_new(set->arena, AliasList, 1);
        char *copy = arena_strdup(set->arena, name);
        if (!list || !copy)
                return -ENOMEM;
        *list = (AliasList){ .name = alias, .next = map_get(&set->aliases_of, copy) };
        return map_put(&set->aliases_of, copy, list) < 0
                               ? -ENOMEM
                               : map_put(&set->alias_by_name, alias, copy);
}

bool unit_is_instance_of(const char *name, const char *template_name) {
        size_t length = 0, template_length = 0;
        const char *instance = unit_name_instance(name, &length);
        const char *no_instance = unit_name_instance(template_name, &template_length);
        return instance && no_instance && length > 0 && template_length == 0 &&
               instance - name == no_instance - template_name &&
               memcmp(name, template_name, (size_t) (instance - name)) == 0 &&
               strcmp(instance + length, no_instance) == 0;
}

/* The unit that a link at the place of another one makes an alias of. NULL: none. */
static int alias_target(
                const UnitSet *set, const Entry *entry, const char *name, const char **ret_target) {
        *ret_target = NULL;
        if (entry->kind != ENTRY_LINK)
                return 0;
        const char *path = tree_link_path(set->arena, entry);
        if (!path)
                return -ENOMEM;
        const char *target = strrchr(path, '/') + 1;
        if (strcmp(target, name) != 0 && unit_name_is_valid(target))
                *ret_target = target;
        return 0;
}

/* A file, or a link, at the place of a unit. */
static int add_file(UnitSet *set, const Entry *entry, const char *name, Error *reterr) {
        const char *target = NULL;
        TextPart part = { 0 };
        if (alias_target(set, entry, name, &target) < 0)
                return error_oom(reterr);
        if (target && unit_is_instance_of(
                                      name, target)) /* how instances are linked: no other name */
                return 0;
        int r = target ? 0 : read_part(set, entry, &part, reterr);
        if (r < 0)
                return r;
        Fragment *fragment = add_fragment(set, name, entry);
        if (!fragment || (target && add_alias(set, name, target) < 0))
                return error_oom(reterr);
        fragment->alias_of = target;
        fragment->is_mask = !target && !part.file && !*part.identity;
        if (!fragment->is_mask)
                fragment->part = part;
        return 0;
}

static UnitDirectory *directory_at(UnitSet *set, const char *name, size_t length) {
        UnitDirectory *directory = map_get_n(&set->directory_by_stem, name, length);
        if (directory)
                return directory;
        directory = arena_new(set->arena, UnitDirectory, 1);
        if (!directory || !(directory->stem = arena_strndup(set->arena, name, length)) ||
                        map_put(&set->directory_by_stem, directory->stem, directory) < 0 ||
                        list_add(&set->directories, set->arena, directory) < 0)
                return NULL;
        const char *dot = strrchr(directory->stem, '.'), *at = strchr(directory->stem, '@');
        const char *end = at ? at : dot;
        set->has_prefixes |= end && end > directory->stem && end[-1] == '-';
        return directory;
}

static int add_drop_in(UnitSet *set,
                const Entry *entry,
                UnitDirectory *directory,
                const char *file_name,
                Error *reterr) {
        DropIn *drop_in = arena_new(set->arena, DropIn, 1);
        if (!drop_in)
                return error_oom(reterr);
        int r = read_part(set, entry, &drop_in->part, reterr);
        if (r < 0)
                return r;
        drop_in->file_name = file_name;
        drop_in->entry = entry;
        if (directory->last_drop_in)
                directory->last_drop_in->next = drop_in;
        else
                directory->drop_ins = drop_in;
        directory->last_drop_in = drop_in;
        return 0;
}

/* What lies in DIRECTORY/, which is all of the entries [first, end): links are only noted, drop-ins
 * are read. */
static int add_directory(
                UnitSet *set, const char *name, size_t length, EntryRange range, Error *reterr) {
        for (size_t i = 0; i < N_ELEMENTS(link_ends); i++)
                if (ends_with(name, length, link_ends[i])) {
                        UnitDirectory *directory =
                                        directory_at(set, name, length - strlen(link_ends[i]));
                        if (!directory)
                                return error_oom(reterr);
                        directory->links[i] = range;
                        return 0;
                }
        if (!ends_with(name, length, ".d"))
                return 0;
        for (size_t i = range.first; i < range.end; i++) {
                const Entry *entry = &set->tree->entries[i];
                const char *file_name = entry->path + strlen(set->directory) + length + 1;
                bool is_drop_in = (entry->kind == ENTRY_FILE || entry->kind == ENTRY_LINK) &&
                                  *file_name != '.' && !strchr(file_name, '/') &&
                                  ends_with(file_name, strlen(file_name), ".conf");
                UnitDirectory *directory =
                                is_drop_in ? directory_at(set, name, length - strlen(".d")) : NULL;
                if (is_drop_in && !directory)
                        return error_oom(reterr);
                int r = is_drop_in ? add_drop_in(set, entry, directory, file_name, reterr) : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The fragments of the other set are in the same order: those before name are not in this tree. */
typedef struct LikeCursor {
        size_t next;
} LikeCursor;

static bool is_same_file(const Fragment *fragment, const Entry *entry, const char *name) {
        return fragment->entry && entry->kind == ENTRY_FILE && strcmp(fragment->name, name) == 0 &&
               entry_same_bytes(fragment->entry, entry);
}

/* What is at a unit's place: taken from the other set, where it is the same there. */
static int
add_place(UnitSet *set, const Entry *entry, const char *name, LikeCursor *cursor, Error *reterr) {
        const List *others = set->like ? &set->like->fragments : NULL;
        Fragment *other = NULL;
        for (; others && cursor->next < others->n_items; cursor->next++) {
                other = others->items[cursor->next];
                if (!other->entry || strcmp(other->name, name) >= 0)
                        break;
        }
        if (others && cursor->next < others->n_items && is_same_file(other, entry, name))
                return list_add(&set->fragments, set->arena, other) < 0 ? error_oom(reterr) : 0;
        bool is_place = (entry->kind == ENTRY_FILE || entry->kind == ENTRY_LINK) &&
                        unit_name_is_valid(name);
        return is_place ? add_file(set, entry, name, reterr) : 0;
}

/* The end of the entries below a directory whose first entry is at first. */
static size_t end_of(const Tree *tree, size_t first, size_t prefix_length) {
        const char *prefix = tree->entries[first].path;
        size_t end = first;
        while (end < tree->n_entries && tree->entries[end].root == ROOT_ETC &&
                        strncmp(tree->entries[end].path, prefix, prefix_length) == 0)
                end++;
        return end;
}

static int add_entries(UnitSet *set, Error *reterr) {
        const Tree *tree = set->tree;
        size_t length = strlen(set->directory);
        LikeCursor cursor = { 0 };
        for (size_t i = tree_lower_bound(tree, ROOT_ETC, set->directory); i < tree->n_entries;) {
                const Entry *entry = &tree->entries[i];
                if (entry->root != ROOT_ETC || strncmp(entry->path, set->directory, length) != 0)
                        break;
                const char *name = entry->path + length, *slash = strchr(name, '/');
                size_t end = slash ? end_of(tree, i, (size_t) (slash + 1 - entry->path)) : i + 1;
                int r = slash ? add_directory(set, name, (size_t) (slash - name),
                                                (EntryRange){ i, end }, reterr)
                              : add_place(set, entry, name, &cursor, reterr);
                if (r < 0)
                        return r;
                i = end;
        }
        return 0;
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
                if (unit_set_fragment(set, units[i].name))
                        continue;
                Fragment *fragment = add_fragment(set, units[i].name, NULL);
                const char *path = arena_printf(set->arena, "/etc/fstab:%u", units[i].line);
                if (!fragment || !path)
                        return error_oom(reterr);
                fragment->part = (TextPart){ .prefix = "", .path = path, .file = &units[i].file };
                fragment->fstab = &units[i];
        }
        return 0;
}

/* Alias= of [Install]: one more name, unless something lies at it. */
static int add_install_aliases(UnitSet *set, const Fragment *fragment) {
        const UnitFile *file = fragment->part.file;
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
                        if (unit_name_is_valid(word) && !unit_set_fragment(set, word) &&
                                        !map_get(&set->alias_by_name, word) &&
                                        add_alias(set, word, fragment->name) < 0)
                                return -ENOMEM;
                if (r == -ENOMEM)
                        return r;
        }
        return 0;
}

static int finish_fragments(UnitSet *set) {
        for (size_t i = 0; i < set->fragments.n_items; i++) {
                const Fragment *fragment = set->fragments.items[i];
                size_t length = strlen(fragment->name);
                set->has_mounts |=
                                length > 6 && memcmp(fragment->name + length - 6, ".mount", 6) == 0;
                if (fragment->part.mentions & MENTION_ALIAS &&
                                add_install_aliases(set, fragment) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* What only the other set has is not here: a fragment of no name says so. */
static int hide_others(UnitSet *set) {
        static Fragment nothing;
        for (size_t i = 0, j = 0; set->like && i < set->like->fragments.n_items; i++) {
                Fragment *other = set->like->fragments.items[i];
                for (const Fragment *own; j < set->fragments.n_items; j++) {
                        own = set->fragments.items[j];
                        if (own == other || strcmp(own->name, other->name) >= 0)
                                break;
                }
                if (j < set->fragments.n_items && set->fragments.items[j] == other)
                        continue;
                if (list_add(&set->differing, set->arena, other) < 0)
                        return -ENOMEM;
                if (!map_get(&set->fragment_by_name, other->name) &&
                                map_put(&set->fragment_by_name, other->name, &nothing) < 0)
                        return -ENOMEM;
        }
        return 0;
}

const Fragment *unit_set_fragment(const UnitSet *set, const char *name) {
        const Fragment *fragment = map_get(&set->fragment_by_name, name);
        if (!fragment && set->like)
                fragment = map_get(&set->like->fragment_by_name, name);
        return fragment && fragment->name ? fragment : NULL;
}

/* Does an entry of NAME.wants/ link anything? One to /dev/null takes away what the distribution
 * links. */
static bool is_link(const Entry *entry, const char *name) {
        return entry->kind == ENTRY_LINK &&
               !ends_with(entry->target, strlen(entry->target), "dev/null") && !strchr(name, '/') &&
               unit_name_is_valid(name);
}

bool unit_directory_next(const UnitSet *set,
                const UnitDirectory *directory,
                size_t *position,
                UnitLink *ret_link) {
        for (;; (*position)++) {
                size_t nth = *position, kind = 0;
                while (kind < N_ELEMENTS(directory->links) &&
                                nth >= directory->links[kind].end - directory->links[kind].first) {
                        nth -= directory->links[kind].end - directory->links[kind].first;
                        kind++;
                }
                if (kind == N_ELEMENTS(directory->links))
                        return false;
                const Entry *entry = &set->tree->entries[directory->links[kind].first + nth];
                const char *name = entry->path + strlen(set->directory) + strlen(directory->stem) +
                                   strlen(link_ends[kind]) + 1;
                if (!is_link(entry, name))
                        continue;
                *ret_link = (UnitLink){
                        .name = name, .directory = directory, .kind = unit_link_kinds[kind]
                };
                (*position)++;
                return true;
        }
}

static bool has_same_range(const UnitSet *left, EntryRange l, const UnitSet *right, EntryRange r) {
        if (l.end - l.first != r.end - r.first)
                return false;
        for (; l.first < l.end; l.first++, r.first++) {
                const Entry *l_entry = &left->tree->entries[l.first],
                            *r_entry = &right->tree->entries[r.first];
                if (strcmp(l_entry->path, r_entry->path) != 0 || l_entry->kind != r_entry->kind ||
                                (l_entry->kind == ENTRY_LINK &&
                                                strcmp(l_entry->target, r_entry->target) != 0))
                        return false;
        }
        return true;
}

static bool has_same_links(const UnitSet *left, const UnitSet *right) {
        if (left->directories.n_items != right->directories.n_items)
                return false;
        for (size_t i = 0; i < left->directories.n_items; i++) {
                const UnitDirectory *l = left->directories.items[i],
                                    *r = right->directories.items[i];
                for (size_t j = 0; j < N_ELEMENTS(l->links); j++)
                        if (!has_same_range(left, l->links[j], right, r->links[j]))
                                return false;
        }
        return true;
}

static int add_link(UnitSet *set, const UnitLink *link) {
        UnitLink *copy = arena_memdup(set->arena, link, sizeof(*link));
        if (!copy)
                return -ENOMEM;
        copy->next = map_get(&set->link_by_name, link->name);
        if (map_put(&set->link_by_name, link->name, copy) < 0)
                return -ENOMEM;
        return strchr(link->name, '@') ? list_add(&set->instance_links, set->arena, copy) : 0;
}

static int add_links(UnitSet *set) {
        set->same_links = set->like && has_same_links(set, set->like);
        for (size_t i = 0; !set->same_links && i < set->directories.n_items; i++) {
                UnitLink link;
                for (size_t position = 0; unit_directory_next(
                                     set, set->directories.items[i], &position, &link);)
                        if (add_link(set, &link) < 0)
                                return -ENOMEM;
        }
        return 0;
}

const UnitLink *unit_set_links(const UnitSet *set, const char *name) {
        return map_get(set->same_links ? &set->like->link_by_name : &set->link_by_name, name);
}

int unit_set_init(UnitSet *set, const UnitSet *like, const UnitSetInput *input, Error *reterr) {
        *set = (UnitSet){
                .arena = input->arena,
                .tree = input->tree,
                .contents = input->contents,
                .directory = input->directory,
                .like = like,
        };
        int r = add_entries(set, reterr);
        if (r == 0 && hide_others(set) < 0)
                r = error_oom(reterr);
        if (r == 0 && strcmp(set->directory, "systemd/system/") == 0)
                r = add_fstab(set, reterr);
        if (r < 0)
                return r;
        return finish_fragments(set) < 0 || add_links(set) < 0 ? error_oom(reterr) : 0;
}

void unit_set_done(UnitSet *set) {
        map_done(&set->fragment_by_name);
        map_done(&set->directory_by_stem);
        map_done(&set->alias_by_name);
        map_done(&set->aliases_of);
        map_done(&set->link_by_name);
}

/* One step: the name that a link, Alias= or, for an instance, its template's link leads to. NULL:
 * none, or (*ret_r) no memory. */
static const char *alias_step(const UnitSet *set, const char *name, int *ret_r) {
        *ret_r = 0;
        const char *target = map_get(&set->alias_by_name, name);
        if (!target) {
                if (!unit_name_is_instance(name) || unit_set_fragment(set, name))
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
