/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/displaced.h"

#include "state/deletion.h"
#include "state/found_row.h"
#include "state/packaged.h"
#include "state/profile.h"
#include "state/statement.h"

#include <errno.h>

typedef struct FoundList {
        Found *items;
        size_t n_items, n_allocated;
} FoundList;

static int add_found(FoundList *list, Arena *arena, const Found *found) {
        if (list->n_items == list->n_allocated) {
                size_t n = list->n_allocated ? list->n_allocated * 2 : 16;
                Found *grown = arena_grow(arena, list->items, list->n_items, n, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                list->items = grown;
                list->n_allocated = n;
        }
        list->items[list->n_items++] = *found;
        return 0;
}

/* All rows of a statement with FOUND_COLUMNS. */
static int
read_rows(Statement *statement, Contents *contents, Arena *arena, FoundList *list, Error *reterr) {
        int r;
        while ((r = statement_step(statement, reterr)) > 0) {
                Found found;
                EntryRoot its_root;
                r = found_read(statement, contents, arena, &its_root, &found, reterr);
                if (r < 0)
                        return r;
                if (add_found(list, arena, &found) < 0)
                        return error_oom(reterr);
        }
        return r;
}

int displaced_load(Database *database,
                const char *profile,
                EntryRoot root,
                Contents *contents,
                Arena *arena,
                Found **ret_found,
                size_t *ret_n_found,
                Error *reterr) {
        static const char sql[] = "SELECT " FOUND_COLUMNS "FROM displaced AS f" FOUND_JOIN
                                  "WHERE f.profile = (SELECT id FROM profiles WHERE name = ?1) "
                                  "AND f.root = ?2 ORDER BY f.path";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, root);
        FoundList list = { 0 };
        r = read_rows(&statement, contents, arena, &list, reterr);
        if (r < 0)
                return r;
        *ret_found = list.items;
        *ret_n_found = list.n_items;
        return 0;
}

static int read_one(Database *database,
                const DisplacedPaths *asked,
                const char *path,
                Contents *contents,
                Arena *arena,
                FoundList *list,
                Error *reterr) {
        static const char sql[] = "SELECT " FOUND_COLUMNS "FROM displaced AS f" FOUND_JOIN
                                  "WHERE f.profile = (SELECT id FROM profiles WHERE name = ?1) "
                                  "AND f.root = ?2 AND f.path = ?3";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, asked->profile);
        statement_bind_int(&statement, 2, asked->root);
        statement_bind_text(&statement, 3, path);
        return read_rows(&statement, contents, arena, list, reterr);
}

int displaced_find(Database *database,
                const DisplacedPaths *asked,
                Contents *contents,
                Arena *arena,
                Found **ret_found,
                size_t *ret_n_found,
                Error *reterr) {
        FoundList list = { 0 };
        for (size_t i = 0; i < asked->paths->n_items; i++) {
                size_t n_before = list.n_items;
                int r = read_one(database, asked, asked->paths->items[i], contents, arena, &list,
                                reterr);
                if (r >= 0 && list.n_items > n_before)
                        r = packaged_is_there(database, asked->profile, asked->root,
                                        asked->paths->items[i], reterr);
                if (r < 0)
                        return r;
                if (r > 0)
                        list.items[n_before].packaged = PACKAGED_LISTED;
        }
        *ret_found = list.items;
        *ret_n_found = list.n_items;
        return 0;
}

static int
is_there(Database *database, int64_t profile, EntryRoot root, const char *path, Error *reterr) {
        static const char sql[] = "SELECT 1 FROM displaced "
                                  "WHERE profile = ?1 AND root = ?2 AND path = ?3";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, root);
        statement_bind_text(&statement, 3, path);
        return statement_step(&statement, reterr);
}

int displaced_put(Database *database,
                const char *profile,
                EntryRoot root,
                const Found *found,
                Contents *contents,
                int64_t switch_id,
                Error *reterr) {
        static const char sql[] = "INSERT INTO displaced (profile, root, path, switch, kind, "
                                  "mode, uid, gid, mtime_nsec, content, target, xattrs) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        int64_t id = 0, content = 0;
        int r = profile_id(database, profile, &id, reterr);
        if (r >= 0)
                r = is_there(database, id, root, found->path, reterr);
        if (r == 0)
                r = found_store_content(database, contents, found, &content, reterr);
        else
                return r < 0 ? r : 0;
        if (r < 0)
                return r;
        cleanup(statement_donep) Statement statement = { 0 };
        r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        statement_bind_int(&statement, 2, root);
        statement_bind_text(&statement, 3, found->path);
        statement_bind_int(&statement, 4, switch_id);
        found_bind(&statement, 5, found, content);
        r = statement_run(&statement, reterr);
        if (r < 0 || found->packaged == PACKAGED_NOT)
                return r < 0 ? r : 0;
        return packaged_put(database, id, root, found->path, reterr);
}

int displaced_drop(Database *database,
                const char *profile,
                EntryRoot root,
                const char *path,
                Error *reterr) {
        static const char sql[] = "DELETE FROM displaced "
                                  "WHERE profile = (SELECT id FROM profiles WHERE name = ?1) "
                                  "AND root = ?2 AND path = ?3 RETURNING content";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, root);
        statement_bind_text(&statement, 3, path);
        return deletion_run(&statement, &(Deleted){ 0 }, reterr);
}

int displaced_drop_unmanaged(
                Database *database, const char *profile, int64_t number, Error *reterr) {
        static const char sql[] = "DELETE FROM displaced "
                                  "WHERE profile = (SELECT id FROM profiles WHERE name = ?1) "
                                  "AND (root, path) NOT IN (SELECT e.root, e.path "
                                  "FROM entries AS e JOIN profiles AS p ON p.id = e.profile "
                                  "WHERE p.name = ?1 AND e.first <= ?2 AND e.last >= ?2) "
                                  "RETURNING content";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        return deletion_run(&statement, &(Deleted){ 0 }, reterr);
}

/* Reads all of displaced, which is as long as files were in the way: an undo is rare, an index
 * would be written always. */
int displaced_undo(Database *database, int64_t switch_id, Error *reterr) {
        static const char sql[] = "DELETE FROM displaced WHERE switch = ?1 RETURNING content";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, switch_id);
        return deletion_run(&statement, &(Deleted){ 0 }, reterr);
}
