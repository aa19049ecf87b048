/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/tree.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

Tree *tree_new(void) {
        return calloc(1, sizeof(Tree));
}

Tree *tree_free(Tree *tree) {
        if (tree) {
                strv_done(&tree->warnings);
                arena_done(&tree->arena);
                free(tree);
        }
        return NULL;
}

static int compare_places(
                EntryRoot left_root, const char *left, EntryRoot right_root, const char *right) {
        if (left_root != right_root)
                return left_root < right_root ? -1 : 1;
        return strcmp(left, right);
}

static int compare_entries(const Entry *left, const Entry *right) {
        return compare_places(left->root, left->path, right->root, right->path);
}

static bool string_equal(const char *left, const char *right) {
        return left == right || (left && right && strcmp(left, right) == 0);
}

/* Copies a string of an entry; nearly all owners are root, which needs no copy. */
static int copy_string(Arena *arena, const char *text, const char **ret_copy) {
        if (text && strcmp(text, "root") == 0)
                text = "root";
        else if (text && !(text = arena_strdup(arena, text)))
                return -ENOMEM;
        *ret_copy = text;
        return 0;
}

static int append(Tree *tree, const Entry *entry) {
        if (tree->n_entries == tree->n_allocated) {
                size_t n = tree->n_allocated ? tree->n_allocated * 2 : 64;
                Entry *grown = arena_grow(
                                &tree->arena, tree->entries, tree->n_entries, n, sizeof(Entry));
                if (!grown)
                        return -ENOMEM;
                tree->entries = grown;
                tree->n_allocated = n;
        }
        tree->entries[tree->n_entries++] = *entry;
        return 0;
}

int tree_add(Tree *tree, const Entry *entry) {
        assert(!tree->sealed);
        Entry copy = *entry;
        if (copy_string(&tree->arena, entry->path, &copy.path) < 0 ||
                        copy_string(&tree->arena, entry->owner ? entry->owner : "root",
                                        &copy.owner) < 0 ||
                        copy_string(&tree->arena, entry->group ? entry->group : "root",
                                        &copy.group) < 0 ||
                        copy_string(&tree->arena, entry->target, &copy.target) < 0 ||
                        copy_string(&tree->arena, entry->origin, &copy.origin) < 0 ||
                        copy_string(&tree->arena, entry->layer, &copy.layer) < 0)
                return -ENOMEM;
        return append(tree, &copy);
}

/* The end of the ascending run that begins at start. */
static size_t run_end(Entry *const *entries, size_t start, size_t n_entries) {
        size_t end = start + 1;
        while (end < n_entries && compare_entries(entries[end - 1], entries[end]) <= 0)
                end++;
        return end;
}

/* Merges the neighbouring runs [start, middle) and [middle, end) in place; other has room for the
 * first. */
static void merge_runs(Entry **entries, Entry **other, size_t start, size_t middle, size_t end) {
        size_t left = 0, n_left = middle - start, right = middle;
        memcpy(other, entries + start, n_left * sizeof(Entry *));
        for (size_t i = start; left < n_left; i++)
                if (right == end || compare_entries(other[left], entries[right]) <= 0)
                        entries[i] = other[left++];
                else
                        entries[i] = entries[right++];
}

/* Sources, and the links made from them, come in ascending runs: a merge sort of the runs that are
 * there compares less than qsort(). A run is merged with the one before it unless that is twice as
 * long, so that each run on the stack is at most half of the one below it. */
static void sort_pointers(Entry **entries, Entry **other, size_t n_entries) {
        size_t starts[sizeof(size_t) * 8 + 1], n_runs = 0;
        for (size_t end = 0; end < n_entries;) {
                starts[n_runs++] = end;
                end = run_end(entries, end, n_entries);
                while (n_runs > 1) {
                        size_t start = starts[n_runs - 2], middle = starts[n_runs - 1];
                        if (end < n_entries && middle - start >= 2 * (end - middle))
                                break;
                        merge_runs(entries, other, start, middle, end);
                        n_runs--;
                }
        }
}

static bool is_sorted(const Tree *tree) {
        for (size_t i = 1; i < tree->n_entries; i++)
                if (compare_entries(&tree->entries[i - 1], &tree->entries[i]) >= 0)
                        return false;
        return true;
}

static int check_unique(const Tree *tree, Error *reterr) {
        for (size_t i = 1; i < tree->n_entries; i++) {
                const Entry *left = &tree->entries[i - 1], *right = left + 1;
                if (compare_entries(left, right) == 0)
                        return error_set(reterr, -EEXIST,
                                        "%s%s is there twice, from %s and from %s",
                                        entry_root_prefix(left->root), left->path,
                                        left->origin ? left->origin : "an unknown place",
                                        right->origin ? right->origin : "an unknown place");
        }
        return 0;
}

int tree_fill(Tree *tree, Entry *const *entries, size_t n_entries, Error *reterr) {
        assert(!tree->sealed);
        cleanup_free Entry **pointers = malloc((2 * n_entries + 1) * sizeof(Entry *));
        Entry *sorted = arena_new(&tree->arena, Entry, n_entries + 1);
        if (!pointers || !sorted)
                return error_oom(reterr);
        for (size_t i = 0; i < n_entries; i++)
                pointers[i] = entries[i];
        sort_pointers(pointers, pointers + n_entries, n_entries);
        for (size_t i = 0; i < n_entries; i++)
                sorted[i] = *pointers[i];
        tree->entries = sorted;
        tree->n_entries = tree->n_allocated = n_entries;
        int r = check_unique(tree, reterr);
        if (r < 0)
                return r;
        tree->sealed = true;
        return 0;
}

int tree_seal(Tree *tree, Error *reterr) {
        if (is_sorted(tree)) {
                tree->sealed = true;
                return 0;
        }
        cleanup_free Entry **pointers = malloc(tree->n_entries * sizeof(Entry *));
        if (!pointers)
                return error_oom(reterr);
        for (size_t i = 0; i < tree->n_entries; i++)
                pointers[i] = &tree->entries[i];
        return tree_fill(tree, pointers, tree->n_entries, reterr);
}

size_t tree_lower_bound(const Tree *tree, EntryRoot root, const char *path) {
        size_t low = 0, high = tree->n_entries;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                const Entry *entry = &tree->entries[middle];
                if (compare_places(entry->root, entry->path, root, path) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

const Entry *tree_find(const Tree *tree, EntryRoot root, const char *path) {
        assert(tree->sealed);
        size_t i = tree_lower_bound(tree, root, path);
        if (i == tree->n_entries)
                return NULL;
        const Entry *entry = &tree->entries[i];
        return compare_places(entry->root, entry->path, root, path) == 0 ? entry : NULL;
}

/* Contents of one pool are compared as pointers; those of two pools by their digests. */
static bool content_equal(const Content *left, const Content *right) {
        return left == right || (left && right && digest_equal(&left->digest, &right->digest));
}

bool entry_same_bytes(const Entry *left, const Entry *right) {
        bool left_there = left && left->kind != ENTRY_ABSENT;
        bool right_there = right && right->kind != ENTRY_ABSENT;
        if (!left_there || !right_there)
                return left_there == right_there;
        return left->kind == right->kind && content_equal(left->content, right->content) &&
               string_equal(left->target, right->target);
}

bool entry_equal(const Entry *left, const Entry *right) {
        return left->root == right->root && left->kind == right->kind &&
               left->mode == right->mode && left->implied == right->implied &&
               left->secret == right->secret && string_equal(left->path, right->path) &&
               string_equal(left->owner, right->owner) && string_equal(left->group, right->group) &&
               string_equal(left->target, right->target) &&
               content_equal(left->content, right->content);
}

/* Walks two sorted trees side by side: each step gives the next place, with the entry of either
 * tree there. */
typedef struct Walk {
        const Entry *left, *left_end, *right, *right_end;
} Walk;

static Walk walk_start(const Tree *left, const Tree *right) {
        assert(!left || left->sealed);
        assert(!right || right->sealed);
        Walk walk = { 0 };
        if (left && left->n_entries) {
                walk.left = left->entries;
                walk.left_end = left->entries + left->n_entries;
        }
        if (right && right->n_entries) {
                walk.right = right->entries;
                walk.right_end = right->entries + right->n_entries;
        }
        return walk;
}

static bool walk_next(Walk *walk, TreeChange *ret) {
        bool has_left = walk->left != walk->left_end, has_right = walk->right != walk->right_end;
        if (!has_left && !has_right)
                return false;
        int order = !has_left ? 1 : !has_right ? -1 : compare_entries(walk->left, walk->right);
        ret->before = order <= 0 ? walk->left++ : NULL;
        ret->after = order >= 0 ? walk->right++ : NULL;
        return true;
}

int tree_compare(const Tree *before,
                const Tree *after,
                TreeChange **ret_changes,
                size_t *ret_n_changes) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0, n_allocated = 0;
        Walk walk = walk_start(before, after);
        TreeChange change;
        while (walk_next(&walk, &change)) {
                if (change.before && change.after && entry_equal(change.before, change.after))
                        continue;
                if (n_changes == n_allocated) {
                        n_allocated = n_allocated ? n_allocated * 2 : 16;
                        TreeChange *grown = reallocarray(changes, n_allocated, sizeof(TreeChange));
                        if (!grown)
                                return -ENOMEM;
                        changes = grown;
                }
                changes[n_changes++] = change;
        }
        *ret_changes = TAKE(changes);
        *ret_n_changes = n_changes;
        return 0;
}

int tree_overlay(const Tree *below, const Tree *above, Tree **ret_tree, Error *reterr) {
        cleanup(tree_freep) Tree *tree = tree_new();
        if (!tree)
                return error_oom(reterr);
        tree->n_allocated = (below ? below->n_entries : 0) + (above ? above->n_entries : 0);
        tree->entries = arena_new(&tree->arena, Entry, tree->n_allocated);
        if (!tree->entries)
                return error_oom(reterr);
        Walk walk = walk_start(below, above);
        TreeChange place;
        while (walk_next(&walk, &place))
                tree->entries[tree->n_entries++] = place.after ? *place.after : *place.before;
        tree->sealed = true;
        *ret_tree = TAKE(tree);
        return 0;
}

const char *entry_kind_to_string(EntryKind kind) {
        static const char *const names[N_ENTRY_KINDS] = {
                [ENTRY_FILE] = "file",
                [ENTRY_LINK] = "link",
                [ENTRY_DIRECTORY] = "directory",
                [ENTRY_ABSENT] = "absent",
        };
        return names[kind];
}

const char *entry_root_prefix(EntryRoot root) {
        static const char *const prefixes[N_ENTRY_ROOTS] = {
                [ROOT_ETC] = "/etc/",
                [ROOT_HOOKS] = "hooks/",
                [ROOT_PROFILE] = "",
                [ROOT_CONTAINERS] = "containers/",
                [ROOT_LIB] = "/lib/",
        };
        return prefixes[root];
}
