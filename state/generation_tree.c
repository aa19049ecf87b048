/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/entry_rows.h"
#include "state/generation.h"
#include "state/statement.h"

#include <errno.h>

/* The profile's row, when it has a generation of this number. */
static int find_profile(Database *database,
                const char *profile,
                int64_t number,
                int64_t *ret_id,
                Error *reterr) {
        static const char sql[] = "SELECT g.profile "
                                  "FROM generations AS g JOIN profiles AS p ON p.id = g.profile "
                                  "WHERE p.name = ?1 AND g.number = ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        r = statement_step(&statement, reterr);
        if (r == 0)
                return generation_fail_missing(database, profile, number, reterr);
        if (r < 0)
                return r;
        *ret_id = statement_int(&statement, 0);
        return 0;
}

int generation_load(Database *database,
                const char *profile,
                int64_t number,
                Contents *contents,
                Tree **ret_tree,
                Error *reterr) {
        cleanup(tree_freep) Tree *tree = tree_new();
        if (!tree)
                return error_oom(reterr);
        int64_t id = 0;
        int r = number ? find_profile(database, profile, number, &id, reterr) : 0;
        if (r >= 0 && number)
                r = entry_rows_at(database, id, number, contents, tree, reterr);
        if (r >= 0)
                r = tree_seal(tree, reterr);
        if (r < 0)
                return r;
        *ret_tree = TAKE(tree);
        return 0;
}

int generation_confs(Database *database,
                const char *profile,
                Contents *contents,
                Arena *arena,
                GenerationConf **ret_confs,
                size_t *ret_n_confs,
                Error *reterr) {
        static const char sql[] =
                        "SELECT e.first, e.last, c.data FROM profiles AS p "
                        "JOIN entries AS e ON e.profile = p.id AND e.root = 2 "
                        "JOIN contents AS c ON c.id = e.content WHERE p.name = ?1 ORDER BY e.first";
        cleanup(statement_donep) Statement statement = { 0 };
        GenerationConf *confs = NULL;
        size_t n = 0, n_allocated = 0;
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        while ((r = statement_step(&statement, reterr)) > 0) {
                if (n == n_allocated) {
                        n_allocated = n_allocated * 2 + 8;
                        confs = arena_grow(arena, confs, n, n_allocated, sizeof(*confs));
                        if (!confs)
                                return error_oom(reterr);
                }
                confs[n].first = statement_int(&statement, 0);
                confs[n].last = statement_int(&statement, 1);
                r = contents_add(contents, sqlite3_column_blob(statement.handle, 2),
                                (size_t) sqlite3_column_bytes(statement.handle, 2),
                                &confs[n].content, reterr);
                if (r < 0)
                        return r;
                n++;
        }
        *ret_confs = confs;
        *ret_n_confs = n;
        return r;
}

int generation_texts_since(Database *database,
                const char *profile,
                const char *path,
                uint64_t usec,
                Strv *ret_texts,
                Error *reterr) {
        /* in this order: a path has few versions */
        static const char sql[] =
                        "SELECT DISTINCT c.data FROM profiles AS p "
                        "CROSS JOIN entries AS e ON e.profile = p.id AND e.root = 0 AND e.path = "
                        "?2 "
                        "CROSS JOIN switches AS s ON s.profile = p.id AND s.started_usec >= ?3 "
                        "AND s.state <> 'intent' "
                        "AND (s.from_number BETWEEN e.first AND e.last "
                        "OR s.to_number BETWEEN e.first AND e.last) "
                        "JOIN contents AS c ON c.id = e.content WHERE p.name = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_text(&statement, 2, path);
        statement_bind_int(&statement, 3, (int64_t) usec);
        while ((r = statement_step(&statement, reterr)) > 0) {
                const void *data = sqlite3_column_blob(statement.handle, 0);
                size_t size = (size_t) sqlite3_column_bytes(statement.handle, 0);
                if (data && strv_add_n(ret_texts, data, size) < 0)
                        return error_oom(reterr);
        }
        return r;
}

static int load_two(Database *database,
                int64_t profile,
                const int64_t numbers[2],
                Contents *contents,
                Tree *const trees[2],
                Error *reterr) {
        if (numbers[0] == numbers[1])
                return 0;
        if (numbers[0] == 0) /* the empty tree has no rows */
                return entry_rows_at(database, profile, numbers[1], contents, trees[1], reterr);
        int r = entry_rows_ended(
                        database, profile, numbers[0], numbers[1], contents, trees[0], reterr);
        if (r >= 0)
                r = entry_rows_begun(database, profile, numbers[0], numbers[1], contents, trees[1],
                                reterr);
        return r;
}

int generation_compare(Database *database,
                const char *profile,
                int64_t before,
                int64_t after,
                Contents *contents,
                Tree **ret_before,
                Tree **ret_after,
                Error *reterr) {
        const int64_t numbers[2] = { before < after ? before : after,
                before < after ? after : before };
        cleanup(tree_freep) Tree *low = tree_new();
        cleanup(tree_freep) Tree *high = tree_new();
        if (!low || !high)
                return error_oom(reterr);
        int64_t id = 0;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(numbers); i++)
                if (numbers[i] != 0)
                        r = find_profile(database, profile, numbers[i], &id, reterr);
        if (r >= 0)
                r = load_two(database, id, numbers, contents, (Tree *const[]){ low, high }, reterr);
        if (r >= 0)
                r = tree_seal(low, reterr);
        if (r >= 0)
                r = tree_seal(high, reterr);
        if (r < 0)
                return r;
        *ret_before = before < after ? TAKE(low) : TAKE(high);
        *ret_after = before < after ? TAKE(high) : TAKE(low);
        return 0;
}
