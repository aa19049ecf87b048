/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/container.h"

#include <errno.h>
#include <string.h>

#define UNIT_PREFIX "container-"
#define UNIT_SUFFIX ".service"
#define SETTINGS_SUFFIX ".nspawn"

enum { NAME_MAX_BYTES = CONTAINER_NAME_SIZE - 1 };

const char *container_name_fault(const char *name) {
        static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-.";
        size_t length = strlen(name), n_suffix = strlen(SETTINGS_SUFFIX);
        if (length == 0)
                return "is no name; write one";
        if (length > NAME_MAX_BYTES)
                return "is longer than the 64 letters that a machine's name can have";
        if (strspn(name, valid) != length)
                return "is no machine's name; it has letters, digits, '-' and '.' alone";
        if (strchr("-.", name[0]) || strchr("-.", name[length - 1]) || strstr(name, "..") ||
                        strstr(name, "-.") || strstr(name, ".-"))
                return "is no machine's name; '-' and '.' stand between letters";
        if (length >= n_suffix && strcmp(name + length - n_suffix, SETTINGS_SUFFIX) == 0)
                return "ends in .nspawn, as the file of its settings does; name it otherwise";
        return NULL;
}

const char *container_profile_fault(const char *profile) {
        size_t n_prefix = strlen(CONTAINER_PROFILES);
        if (strncmp(profile, CONTAINER_PROFILES, n_prefix) != 0)
                return "is no profile of containers; its name is " CONTAINER_PROFILES "NAME";
        return container_name_fault(profile + n_prefix);
}

const Entry *container_settings(const Tree *tree, const char *name) {
        char path[NAME_MAX_BYTES + sizeof(SETTINGS_SUFFIX)];
        if (!tree || strlen(name) > NAME_MAX_BYTES)
                return NULL;
        (void) snprintf(path, sizeof(path), "%s" SETTINGS_SUFFIX, name); /* fits */
        return tree_find(tree, ROOT_CONTAINERS, path);
}

const Entry *container_next(
                const Tree *tree, size_t *position, char ret_name[CONTAINER_NAME_SIZE]) {
        size_t i = *position, n_entries = tree ? tree->n_entries : 0;
        if (i == 0 && tree)
                i = tree_lower_bound(tree, ROOT_CONTAINERS, "");
        for (; i < n_entries && tree->entries[i].root == ROOT_CONTAINERS; i++) {
                const char *path = tree->entries[i].path;
                if (strchr(path, '/'))
                        continue;
                size_t length = strlen(path) - strlen(SETTINGS_SUFFIX);
                (void) snprintf(ret_name, CONTAINER_NAME_SIZE, "%.*s", (int) length,
                                path); /* fits: names are checked */
                *position = i + 1;
                return &tree->entries[i];
        }
        *position = i;
        return NULL;
}

bool container_name_of(const char *unit, char ret_name[CONTAINER_NAME_SIZE]) {
        size_t length = strlen(unit), n_prefix = strlen(UNIT_PREFIX),
               n_suffix = strlen(UNIT_SUFFIX);
        if (length <= n_prefix + n_suffix || length - n_prefix - n_suffix > NAME_MAX_BYTES ||
                        strncmp(unit, UNIT_PREFIX, n_prefix) != 0 ||
                        strcmp(unit + length - n_suffix, UNIT_SUFFIX) != 0)
                return false;
        (void) snprintf(ret_name, CONTAINER_NAME_SIZE, "%.*s", (int) (length - n_prefix - n_suffix),
                        unit + n_prefix); /* fits */
        return true;
}

int container_of_unit(Arena *arena,
                const Tree *before,
                const Tree *after,
                const char *unit,
                const char **ret_name) {
        char found[CONTAINER_NAME_SIZE];
        if (!container_name_of(unit, found))
                return 0;
        if (!container_settings(before, found) && !container_settings(after, found))
                return 0;
        const char *name = arena_strdup(arena, found);
        if (!name)
                return -ENOMEM;
        *ret_name = name;
        return 1;
}

const char *container_root(Arena *arena, const char *name, const ContainerRule *rule) {
        return rule && rule->root ? rule->root : arena_printf(arena, CONTAINER_ROOTS "/%s", name);
}

const ContainerRule *container_rule(const ProfileConf *conf, const char *name) {
        for (size_t i = 0; conf && i < conf->n_containers; i++)
                if (strcmp(conf->containers[i].name, name) == 0)
                        return &conf->containers[i];
        return NULL;
}

int container_roots(Arena *arena,
                const Tree *tree,
                Contents *contents,
                const ContainerRoot **ret_roots,
                size_t *ret_n_roots,
                Error *reterr) {
        const ProfileConf *conf = NULL;
        size_t n_roots = 0, position = 0;
        int r = profile_conf_of(arena, tree, contents, &conf, reterr);
        if (r < 0)
                return r;
        ContainerRoot *roots = arena_new(arena, ContainerRoot, (tree ? tree->n_entries : 0) + 1);
        if (!roots)
                return error_oom(reterr);
        for (char name[CONTAINER_NAME_SIZE]; container_next(tree, &position, name);) {
                ContainerRoot *root = &roots[n_roots++];
                root->name = arena_strdup(arena, name);
                root->path = root->name ? container_root(arena, root->name,
                                                          container_rule(conf, name))
                                        : NULL;
                if (!root->path)
                        return error_oom(reterr);
        }
        *ret_roots = roots;
        *ret_n_roots = n_roots;
        return 0;
}

/* "NAME/etc/motd" is motd below the container's /etc. */
static bool look_inside(const Entry *entry, size_t n_prefix, Entry *ret_entry) {
        const char *path = entry->path + n_prefix;
        *ret_entry = *entry;
        if (strncmp(path, "etc/", 4) == 0) {
                ret_entry->root = ROOT_ETC;
                ret_entry->path = path + 4;
        } else {
                ret_entry->root = ROOT_PROFILE;
                ret_entry->path = path;
        }
        return *ret_entry->path != 0;
}

int container_place(Tree *tree, const char *name, const Tree *inside) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < inside->n_entries; i++) {
                Entry entry = inside->entries[i];
                cleanup_free char *path = NULL;
                if (asprintf(&path, "%s%s%s", name, entry.root == ROOT_ETC ? "/etc/" : "/",
                                    entry.path) < 0)
                        return -ENOMEM;
                entry.root = ROOT_CONTAINERS;
                entry.path = path;
                r = tree_add(tree, &entry);
        }
        return r;
}

int container_inside(const Tree *tree, const char *name, Tree **ret_tree, Error *reterr) {
        cleanup(tree_freep) Tree *inside = tree_new();
        char prefix[NAME_MAX_BYTES + 2];
        if (!inside)
                return error_oom(reterr);
        (void) snprintf(prefix, sizeof(prefix), "%.64s/", name); /* fits */
        size_t n_prefix = strlen(prefix), n_entries = 0;
        size_t first = tree ? tree_lower_bound(tree, ROOT_CONTAINERS, prefix) : 0, end = first;
        while (tree && end < tree->n_entries && tree->entries[end].root == ROOT_CONTAINERS &&
                        strncmp(tree->entries[end].path, prefix, n_prefix) == 0)
                end++;
        inside->entries = arena_new(&inside->arena, Entry, end - first + 1);
        if (!inside->entries)
                return error_oom(reterr);
        inside->n_allocated = end - first + 1;
        for (size_t i = first; i < end; i++)
                if (look_inside(&tree->entries[i], n_prefix, &inside->entries[n_entries]))
                        n_entries++;
        inside->n_entries = n_entries;
        int r = tree_seal(inside, reterr);
        if (r >= 0)
                *ret_tree = TAKE(inside);
        return r;
}
