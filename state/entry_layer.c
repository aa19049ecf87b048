/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/entry_layer.h"

#include "state/profile.h"
#include "state/statement.h"

#include <string.h>

/* The first version that has the table. */
enum { VERSION_OF_LAYERS = 5 };

/* Each path that has a row, with the one that holds for number. */
static int read_layers(
                Database *database, int64_t profile, int64_t number, Tree *tree, Error *reterr) {
        static const char sql[] = "SELECT root, path, layer, max(first) FROM entry_layers "
                                  "WHERE profile = ?1 AND first <= ?2 GROUP BY root, path";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        while ((r = statement_step(&statement, reterr)) > 0) {
                const char *path = statement_text(&statement, 1);
                const char *layer = statement_text(&statement, 2);
                EntryRoot root = (EntryRoot) statement_int(&statement, 0);
                const Entry *entry = path ? tree_find(tree, root, path) : NULL;
                if (!entry || !layer)
                        continue;
                Entry *own = &tree->entries[entry - tree->entries];
                own->layer = arena_strdup(&tree->arena, layer);
                if (!own->layer)
                        return error_oom(reterr);
        }
        return r;
}

static int insert_layer(Database *database,
                int64_t profile,
                const Entry *entry,
                int64_t number,
                Error *reterr) {
        static const char sql[] = "INSERT INTO entry_layers (profile, root, path, first, layer) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, entry->root);
        statement_bind_text(&statement, 3, entry->path);
        statement_bind_int(&statement, 4, number);
        statement_bind_text(&statement, 5, entry->layer);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

static bool same_layer(const Entry *left, const Entry *right) {
        if (!left->layer || !right->layer)
                return !left->layer && !right->layer;
        return strcmp(left->layer, right->layer) == 0;
}

static bool has_layers(const Tree *tree) {
        for (size_t i = 0; i < tree->n_entries; i++)
                if (tree->entries[i].layer)
                        return true;
        return false;
}

/* Returns 1 or 0. */
static int knows_layers(Database *database, int64_t profile, Error *reterr) {
        static const char sql[] = "SELECT 1 FROM entry_layers WHERE profile = ?1 LIMIT 1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        return statement_step(&statement, reterr);
}

/* The tree as it would be of no layer. */
static int copy_plain(const Tree *tree, Tree **ret_plain, Error *reterr) {
        cleanup(tree_freep) Tree *plain = tree_new();
        if (!plain)
                return error_oom(reterr);
        for (size_t i = 0; i < tree->n_entries; i++) {
                Entry entry = tree->entries[i];
                entry.layer = NULL;
                if (tree_add(plain, &entry) < 0)
                        return error_oom(reterr);
        }
        int r = tree_seal(plain, reterr);
        if (r >= 0)
                *ret_plain = TAKE(plain);
        return r;
}

int entry_layers_store(Database *database,
                const char *profile,
                int64_t number,
                const Tree *tree,
                Error *reterr) {
        int64_t id = 0;
        int r = profile_id(database, profile, &id, reterr);
        if (r >= 0 && !has_layers(tree)) {
                r = knows_layers(database, id, reterr);
                if (r == 0)
                        return 0;
        }
        cleanup(tree_freep) Tree *known = NULL;
        if (r >= 0)
                r = copy_plain(tree, &known, reterr);
        if (r >= 0)
                r = read_layers(database, id, number, known, reterr);
        for (size_t i = 0; r >= 0 && i < tree->n_entries; i++)
                if (!same_layer(&tree->entries[i], &known->entries[i]))
                        r = insert_layer(database, id, &tree->entries[i], number, reterr);
        return r;
}

int entry_layers_load(Database *database,
                const char *profile,
                int64_t number,
                Tree *tree,
                Error *reterr) {
        int64_t id = 0;
        if (database_version(database) < VERSION_OF_LAYERS)
                return 0;
        int r = profile_id(database, profile, &id, reterr);
        return r < 0 ? r : read_layers(database, id, number, tree, reterr);
}
