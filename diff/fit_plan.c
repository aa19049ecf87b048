/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/fit_plan.h"

#include "diff/fit_decide.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Walks the paths of two trees in one root side by side. */
typedef struct Pairs {
        const Entry *old, *old_end, *new, *new_end;
} Pairs;

static void range_of(
                const Tree *tree, EntryRoot root, const Entry **ret_first, const Entry **ret_end) {
        *ret_first = *ret_end = NULL;
        if (!tree || tree->n_entries == 0)
                return;
        *ret_first = tree->entries + tree_lower_bound(tree, root, "");
        *ret_end = tree->entries + tree_lower_bound(tree, root + 1, "");
}

static Pairs pairs_start(const FitInput *input) {
        Pairs pairs;
        range_of(input->old, input->root, &pairs.old, &pairs.old_end);
        range_of(input->new, input->root, &pairs.new, &pairs.new_end);
        return pairs;
}

static bool pairs_next(Pairs *pairs, const Entry **ret_old, const Entry **ret_new) {
        bool has_old = pairs->old != pairs->old_end, has_new = pairs->new != pairs->new_end;
        if (!has_old && !has_new)
                return false;
        int order = !has_old ? 1 : !has_new ? -1 : strcmp(pairs->old->path, pairs->new->path);
        *ret_old = order <= 0 ? pairs->old : NULL;
        *ret_new = order >= 0 ? pairs->new : NULL;
        if (order <= 0)
                pairs->old++;
        if (order >= 0)
                pairs->new ++;
        return true;
}

static size_t count_most(const FitInput *input) {
        Pairs pairs = pairs_start(input);
        return (size_t) (pairs.old_end - pairs.old) + (size_t) (pairs.new_end - pairs.new);
}

int fit_plan_seek(
                const FitInput *input, bool check_all, Sought **ret_sought, size_t *ret_n_sought) {
        cleanup_free Sought *sought = calloc(count_most(input) + 1, sizeof(Sought));
        if (!sought)
                return -ENOMEM;
        size_t n = 0;
        const Entry *old, *new;
        for (Pairs pairs = pairs_start(input); pairs_next(&pairs, &old, &new);)
                sought[n++] = (Sought){
                        .path = old ? old->path : new->path,
                        .whole = check_all || !old || !new || !entry_equal(old, new),
                };
        *ret_sought = TAKE(sought);
        *ret_n_sought = n;
        return 0;
}

/* The items that may act, sorted by path. */
typedef struct Items {
        const FitInput *input;
        Arena *arena; /* the plan's */
        FitItem *items;
        size_t n_items;
} Items;

static void items_donep(Items *items) {
        free(items->items);
}

/* path need not end with a NUL. */
static FitItem *items_find(const Items *items, const char *path, size_t length) {
        size_t low = 0, high = items->n_items;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                FitItem *item = &items->items[middle];
                int order = strncmp(item->path, path, length);
                if (order == 0 && item->path[length] == 0)
                        return item;
                if (order < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static FitItem *items_find_parent(const Items *items, const char *path) {
        const char *slash = strrchr(path, '/');
        return slash ? items_find(items, path, (size_t) (slash - path)) : NULL;
}

/* An entry that is the same in both trees, and there, and no package's in place of ours:
 * nothing more to know. */
static bool is_settled(
                const FitInput *input, const Entry *old, const Entry *new, const Found *found) {
        if (!old || !new || input->force)
                return false;
        return found->kind != FOUND_NOTHING && found->packaged != PACKAGED_AS_SHIPPED &&
               entry_equal(old, new);
}

static const Found *next_displaced(const FitInput *input, const char *path, size_t *position) {
        while (*position < input->n_displaced && strcmp(input->displaced[*position].path, path) < 0)
                ++*position;
        if (*position == input->n_displaced || strcmp(input->displaced[*position].path, path) != 0)
                return NULL;
        return &input->displaced[*position];
}

/* Parents come before what is below them: a parent is decided when its children ask. */
static int decide_items(Items *items) {
        const FitInput *input = items->input;
        size_t n_found = 0, n_displaced = 0;
        const Entry *old, *new;
        for (Pairs pairs = pairs_start(input); pairs_next(&pairs, &old, &new); n_found++) {
                const Found *found = &input->found[n_found];
                assert(old || new);
                const char *path = old ? old->path : new->path;
                assert(n_found < input->n_found && strcmp(found->path, path) == 0);
                if (is_settled(input, old, new, found))
                        continue;
                const FitItem *blocker = NULL;
                if (found->kind == FOUND_BLOCKED)
                        blocker = items_find(items, found->blocked_by, strlen(found->blocked_by));
                FitItem *item = &items->items[items->n_items];
                *item = (FitItem){ .path = path, .old = old, .new = new, .found = found };
                item->displaced = old ? next_displaced(input, path, &n_displaced) : NULL;
                int r = fit_decide(input, blocker, items->arena, item);
                if (r < 0)
                        return r;
                item->n_children = found->n_children;
                items->n_items++;
        }
        return 0;
}

/* A directory that no tree declares. */
static const Entry *plain_directory(const Items *items, const char *path) {
        Entry *entry = arena_new(items->arena, Entry, 1);
        if (entry)
                *entry = (Entry){
                        .root = items->input->root,
                        .kind = ENTRY_DIRECTORY,
                        .path = path,
                        .mode = 0755,
                        .implied = true,
                        .owner = "root",
                        .group = "root",
                };
        return entry;
}

static int add_missing(Items *items, const char *path, size_t length) {
        char *copy = arena_strndup(items->arena, path, length);
        Found *found = arena_new(items->arena, Found, 1);
        FitItem *grown = reallocarray(items->items, items->n_items + 1, sizeof(FitItem));
        if (grown)
                items->items = grown;
        if (!copy || !found || !grown)
                return -ENOMEM;
        *found = (Found){ .kind = FOUND_NOTHING, .path = copy };
        items->items[items->n_items++] = (FitItem){ .path = copy, .found = found };
        return 0;
}

/* Lets the directory at the path's first length bytes, which is missing, come. Only n_sorted items
 * are in order. */
static int require_directory(Items *items, size_t n_sorted, const char *path, size_t length) {
        const Items sorted = { .items = items->items, .n_items = n_sorted };
        FitItem *item = items_find(&sorted, path, length);
        for (size_t i = n_sorted; !item && i < items->n_items; i++)
                if (strncmp(items->items[i].path, path, length) == 0 &&
                                items->items[i].path[length] == 0)
                        item = &items->items[i];
        if (!item) {
                int r = add_missing(items, path, length);
                if (r < 0)
                        return r;
                item = &items->items[items->n_items - 1];
        }
        if (item->acts)
                return 0;
        item->acts = true;
        item->verb = FIT_PLACE;
        item->entry = plain_directory(items, item->path);
        return item->entry ? 0 : -ENOMEM;
}

static int compare_items(const void *left, const void *right) {
        return strcmp(((const FitItem *) left)->path, ((const FitItem *) right)->path);
}

/* What is given back may lie in a directory that was removed meanwhile and that no tree declares.
 */
static int require_parents(Items *items) {
        size_t n_sorted = items->n_items;
        for (size_t i = 0; i < n_sorted; i++) {
                const char *path = items->items[i].path,
                           *missing = items->items[i].found->blocked_by;
                if (!items->items[i].acts || items->items[i].verb != FIT_PLACE || !missing)
                        continue;
                for (size_t length = strlen(missing); path[length] == '/';
                                length += 1 + strcspn(path + length + 1, "/")) {
                        int r = require_directory(items, n_sorted, path, length);
                        if (r < 0)
                                return r;
                }
        }
        if (items->n_items > n_sorted)
                qsort(items->items, items->n_items, sizeof(FitItem), compare_items);
        return 0;
}

/* A directory can only go once it is empty: what this fit takes out of it is counted off, what
 * comes is counted in. */
static void settle_directories(Items *items) {
        for (size_t i = items->n_items; i-- > 0;) { /* children are settled before their parents */
                FitItem *item = &items->items[i];
                bool goes = item->verb == FIT_REMOVE || item->verb == FIT_EXCHANGE;
                if (item->acts && goes && item->found->kind == FOUND_DIRECTORY &&
                                item->n_children > 0) {
                        if (item->is_optional)
                                item->acts = false;
                        else
                                item->in_the_way = "is a directory that is not empty";
                }
                FitItem *parent = item->acts ? items_find_parent(items, item->path) : NULL;
                if (parent && item->verb == FIT_REMOVE)
                        parent->n_children--;
                else if (parent && item->verb == FIT_PLACE)
                        parent->n_children++;
        }
}

static bool is_refused(const FitInput *input, const FitItem *item) {
        return item->acts &&
               (item->in_the_way || (item->is_edited && !input->force && !input->save_edited));
}

static void add_conflict(const FitInput *input, FitPlan *plan, const FitItem *item) {
        plan->conflicts[plan->n_conflicts++] = (FitConflict){
                .kind = item->in_the_way ? CONFLICT_IN_THE_WAY : CONFLICT_EDITED,
                .root = input->root,
                .path = item->path,
                .what = item->in_the_way ? item->in_the_way : fit_item_edit(item),
        };
}

static void add_operation(const FitInput *input, FitPlan *plan, const FitItem *item) {
        bool is_record = item->verb == FIT_RECORD;
        plan->operations[plan->n_operations++] = (FitOperation){
                .verb = item->verb,
                .root = input->root,
                .path = item->path,
                .entry = is_record || item->give_back ? NULL : item->entry,
                .give_back = is_record ? NULL : item->give_back,
                .found = item->found,
                .keep_displaced = item->keep_displaced,
                .renews_displaced = item->renews_displaced,
                .keep_saved = item->is_edited,
                .drop_displaced = item->drop_displaced,
        };
}

static void add_operations(const FitInput *input,
                FitPlan *plan,
                const Items *items,
                bool (*takes)(FitVerb verb)) {
        for (size_t i = 0; i < items->n_items; i++)
                if (items->items[i].acts && takes(items->items[i].verb) &&
                                !is_refused(input, &items->items[i]))
                        add_operation(input, plan, &items->items[i]);
}

static bool brings(FitVerb verb) {
        return verb == FIT_PLACE || verb == FIT_EXCHANGE;
}

static bool is_in_place(FitVerb verb) {
        return verb == FIT_ATTRIBUTES || verb == FIT_RECORD;
}

static int fill(const FitInput *input, FitPlan *plan, const Items *items) {
        plan->operations = arena_new(&plan->arena, FitOperation, items->n_items);
        plan->conflicts = arena_new(&plan->arena, FitConflict, items->n_items);
        if (!plan->operations || !plan->conflicts)
                return -ENOMEM;
        for (size_t i = 0; i < items->n_items; i++)
                if (is_refused(input, &items->items[i]))
                        add_conflict(input, plan, &items->items[i]);
        for (size_t i = items->n_items; i-- > 0;) {
                const FitItem *item = &items->items[i];
                if (item->acts && item->verb == FIT_REMOVE && !is_refused(input, item))
                        add_operation(input, plan, item);
        }
        add_operations(input, plan, items, brings);
        add_operations(input, plan, items, is_in_place);
        return 0;
}

int fit_plan_new(const FitInput *input, FitPlan **ret_plan, Error *reterr) {
        cleanup(fit_plan_freep) FitPlan *plan = calloc(1, sizeof(FitPlan));
        if (!plan)
                return error_oom(reterr);
        cleanup(items_donep) Items items = { .input = input, .arena = &plan->arena };
        items.items = calloc(count_most(input) + 1, sizeof(FitItem));
        if (!items.items || decide_items(&items) < 0 || require_parents(&items) < 0)
                return error_oom(reterr);
        settle_directories(&items);
        if (fill(input, plan, &items) < 0)
                return error_oom(reterr);
        *ret_plan = TAKE(plan);
        return 0;
}

static void *join(Arena *arena,
                const void *first,
                size_t n_first,
                const void *second,
                size_t n_second,
                size_t item_bytes) {
        char *joined = arena_alloc(arena, (n_first + n_second + 1) * item_bytes);
        if (joined && n_first > 0)
                memcpy(joined, first, n_first * item_bytes);
        if (joined && n_second > 0)
                memcpy(joined + n_first * item_bytes, second, n_second * item_bytes);
        return joined;
}

int fit_plan_join(FitPlan *plan, const FitPlan *other) {
        FitOperation *operations = join(&plan->arena, plan->operations, plan->n_operations,
                        other->operations, other->n_operations, sizeof(FitOperation));
        FitConflict *conflicts = join(&plan->arena, plan->conflicts, plan->n_conflicts,
                        other->conflicts, other->n_conflicts, sizeof(FitConflict));
        if (!operations || !conflicts)
                return -ENOMEM;
        plan->operations = operations;
        plan->n_operations += other->n_operations;
        plan->conflicts = conflicts;
        plan->n_conflicts += other->n_conflicts;
        return 0;
}

FitPlan *fit_plan_free(FitPlan *plan) {
        if (plan) {
                arena_done(&plan->arena);
                free(plan);
        }
        return NULL;
}
