/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A row of entries is a version of a path, valid from first to last. It goes when no generation
 * that is left lies in this range; else it stays as it is, whatever was pruned inside.
 *
 * 1. Only rows that lie wholly in a gap, between two neighbours that are left, can go: those that
 * ended in the gap are visited, and they lie side by side.
 * 2. The rows whose last is open are the newest generation's: what the next one is compared with.
 * When the newest are pruned, the rows of the one that is the newest then are open again. */
#include "state/prune.h"

#include "state/deletion.h"
#include "state/entry_rows.h"
#include "state/generation.h"
#include "state/profile.h"

#include <errno.h>

enum { MIN_FREE_PAGES = 16 }; /* less is not worth it, whatever its share */

typedef struct Gap {
        int64_t before, after; /* numbers that are left: 0, or LAST_OPEN + 1, where there is none */
} Gap;

/* Pins are refused by the database itself, too. */
static int check(Database *database, const char *profile, int64_t number, Error *reterr) {
        cleanup(generation_donep) Generation generation = { 0 };
        cleanup(profile_donep) Profile row = { 0 };
        int r = generation_get(database, profile, number, &generation, reterr);
        if (r >= 0)
                r = profile_load(database, profile, &row, reterr);
        if (r < 0)
                return r;
        const char *what = number == row.active           ? "active"
                           : number == row.default_number ? "the default"
                           : generation.is_pinned         ? "pinned"
                                                          : NULL;
        if (what)
                return error_set(reterr, -EINVAL, "Generation %lld of profile %s is %s",
                                (long long) number, profile, what);
        return 0;
}

static int delete_generation(Database *database, int64_t profile, int64_t number, Error *reterr) {
        static const char sql[] = "DELETE FROM generations WHERE profile = ?1 AND number = ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        return statement_run(&statement, reterr);
}

static int find_gap(
                Database *database, int64_t profile, int64_t number, Gap *ret_gap, Error *reterr) {
        static const char sql[] =
                        "SELECT (SELECT max(number) FROM generations WHERE profile = ?1 AND "
                        "number < ?2), (SELECT min(number) FROM generations WHERE profile = ?1 AND "
                        "number > ?2)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        r = statement_step(&statement, reterr);
        if (r < 0)
                return r;
        int64_t after = statement_int(&statement, 1);
        *ret_gap = (Gap){ .before = statement_int(&statement, 0), /* NULL: 0 */
                .after = after ? after : (int64_t) LAST_OPEN + 1 };
        return 0;
}

/* By the primary key: what ended within the gap. */
static int delete_within(
                Database *database, int64_t profile, Gap gap, Deleted *deleted, Error *reterr) {
        static const char sql[] = "DELETE FROM entries WHERE profile = ?1 "
                                  "AND last > ?2 AND last < ?3 AND first > ?2 RETURNING content";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, gap.before);
        statement_bind_int(&statement, 3, gap.after);
        return deletion_run(&statement, deleted, reterr);
}

/* Nothing stands in the way: what was open at these paths began later, and is gone. */
static int open_again(Database *database, int64_t profile, int64_t newest, Error *reterr) {
        static const char sql[] = "UPDATE entries SET last = 2147483647 WHERE profile = ?1 "
                                  "AND last >= ?2 AND last < 2147483647 AND first <= ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, newest);
        return statement_run(&statement, reterr);
}

static int close_gap(
                Database *database, int64_t profile, Gap gap, Deleted *deleted, Error *reterr) {
        int r = delete_within(database, profile, gap, deleted, reterr);
        if (r >= 0 && gap.after > LAST_OPEN && gap.before > 0)
                r = open_again(database, profile, gap.before, reterr);
        return r;
}

/* Its digests are to have their contents stored. */
static int empty_stat_cache(Database *database, Error *reterr) {
        static const char sql[] = "DELETE FROM stat_cache";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        return r < 0 ? r : statement_run(&statement, reterr);
}

/* A row goes that holds for no generation that is left, or for a path that none has. Who never had
 * layers pays nothing. */
static int delete_layers(Database *database, int64_t profile, Error *reterr) {
        static const char sql[] =
                        "DELETE FROM entry_layers AS l WHERE profile = ?1 AND (NOT EXISTS (SELECT "
                        "1 FROM generations AS g WHERE g.profile = ?1 AND g.number >= l.first AND "
                        "g.number < ifnull((SELECT min(n.first) FROM entry_layers AS n WHERE "
                        "n.profile = ?1 AND n.root = l.root AND n.path = l.path AND "
                        "n.first > l.first), 9223372036854775807)) OR (l.root, l.path) NOT IN "
                        "(SELECT root, path FROM entries WHERE profile = ?1))";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

int generations_prune(Database *database,
                const char *profile,
                const int64_t *numbers,
                size_t n_numbers,
                PruneResult *ret_result,
                Error *reterr) {
        int64_t id = 0;
        Deleted deleted = { 0 };
        Gap gap = { 0 };
        int r = profile_id(database, profile, &id, reterr);
        for (size_t i = 0; r >= 0 && i < n_numbers; i++) {
                r = check(database, profile, numbers[i], reterr);
                if (r >= 0)
                        r = delete_generation(database, id, numbers[i], reterr);
        }
        for (size_t i = 0; r >= 0 && i < n_numbers; i++) {
                if (numbers[i] < gap.after)
                        continue; /* of the gap that was just closed */
                r = find_gap(database, id, numbers[i], &gap, reterr);
                if (r >= 0)
                        r = close_gap(database, id, gap, &deleted, reterr);
        }
        if (r >= 0 && n_numbers > 0)
                r = delete_layers(database, id, reterr);
        if (r >= 0 && deleted.n_rows > 0)
                r = empty_stat_cache(database, reterr);
        if (r < 0)
                return r;
        *ret_result = (PruneResult){ .n_entries = deleted.n_rows,
                .n_contents = deleted.n_contents,
                .size_bytes = deleted.size_bytes };
        return 0;
}

static int count_pages(Database *database, int64_t *ret_free, int64_t *ret_all, Error *reterr) {
        static const char sql[] = "SELECT freelist_count, page_count "
                                  "FROM pragma_freelist_count, pragma_page_count";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r >= 0)
                r = statement_step(&statement, reterr);
        if (r < 0)
                return r;
        *ret_free = statement_int(&statement, 0);
        *ret_all = statement_int(&statement, 1);
        return 0;
}

int database_compact(Database *database, Error *reterr) {
        int64_t n_free = 0, n_pages = 0;
        int r = count_pages(database, &n_free, &n_pages, reterr);
        if (r < 0 || n_free < MIN_FREE_PAGES || n_free * 4 < n_pages)
                return r < 0 ? r : 0;
        r = database_vacuum(database, reterr);
        return r < 0 ? r : 1;
}
