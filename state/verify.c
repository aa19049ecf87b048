/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/verify.h"

#include "base/hash.h"
#include "state/statement.h"

#include <errno.h>
#include <string.h>

/* How many problems of a kind are listed; the number also in the queries below. */
enum { MAX_PROBLEMS = 100 };

void verification_done(Verification *verification) {
        strv_done(&verification->problems);
}

/* A query that gives a line of text for each problem. */
static int add_lines(Database *database, const char *sql, Strv *problems, Error *reterr) {
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        while (r >= 0 && (r = statement_step(&statement, reterr)) > 0) {
                const char *line = statement_text(&statement, 0);
                if (strv_add(problems, line ? line : "?") < 0)
                        return error_oom(reterr);
        }
        return r;
}

/* One after the other: what one of them cannot read keeps none of the others from being asked. */
static int check_structure(Database *database, Strv *problems, Error *reterr) {
        static const char sql_integrity[] =
                        "SELECT replace(integrity_check, char(10), ' ') "
                        "FROM pragma_integrity_check(100) WHERE integrity_check <> 'ok'";
        static const char sql_references[] =
                        "SELECT printf('a row of %s refers to a row of %s that is not there', "
                        "\"table\", parent) FROM pragma_foreign_key_check LIMIT 100";
        static const char sql_profiles[] =
                        "SELECT printf('profile %s: generation %d is %s, and is not there', "
                        "p.name, "
                        "n.number, n.what) FROM profiles AS p JOIN (SELECT id, active AS number, "
                        "'active' AS what FROM profiles UNION ALL SELECT id, default_number, 'the "
                        "default' FROM profiles) AS n ON n.id = p.id WHERE n.number > 0 AND NOT "
                        "EXISTS (SELECT 1 FROM generations AS g WHERE g.profile = p.id AND "
                        "g.number = n.number) LIMIT 100";
        static const char sql_numbers[] =
                        "SELECT printf('profile %s: generation %d is above %d, the highest number "
                        "given', p.name, g.number, p.newest) FROM generations AS g JOIN profiles "
                        "AS p ON p.id = g.profile WHERE g.number > p.newest LIMIT 100";
        static const char sql_useless[] =
                        "SELECT printf('profile %s: %s, generations %d to %d: none of these is "
                        "there', p.name, e.path, e.first, e.last) FROM entries AS e JOIN profiles "
                        "AS p ON p.id = e.profile WHERE NOT EXISTS (SELECT 1 FROM generations AS g "
                        "WHERE g.profile = e.profile AND g.number BETWEEN e.first AND e.last) "
                        "LIMIT 100";
        static const char sql_overlaps[] =
                        "SELECT printf('profile %s: %s has two versions in generation %d', p.name, "
                        "v.path, v.first) FROM (SELECT profile, path, first, lag(last) OVER "
                        "(PARTITION BY profile, root, path ORDER BY first, last) AS before FROM "
                        "entries) AS v JOIN profiles AS p ON p.id = v.profile WHERE v.before >= "
                        "v.first LIMIT 100";
        /* SQLite looks at no CHECK of a table without rowids */
        static const char sql_kinds[] =
                        "SELECT printf('profile %s: %s is no entry (kind %d, attributes %d)', "
                        "p.name, e.path, e.kind, e.attributes) FROM entries AS e JOIN profiles AS "
                        "p ON p.id = e.profile WHERE e.attributes NOT BETWEEN 0 AND 65535 OR "
                        "(e.content IS NOT NULL) <> (e.kind = 0) OR (e.target IS NOT NULL) <> "
                        "(e.kind = 1) OR e.first < 1 OR e.last < e.first LIMIT 100";
        /* what the next generation is compared with is found by its last alone */
        static const char sql_open[] =
                        "SELECT printf('profile %s: %s ends with generation %d, and is in the "
                        "newest', p.name, e.path, e.last) FROM profiles AS p JOIN entries AS e ON "
                        "e.profile = p.id WHERE e.last < 2147483647 AND e.last >= (SELECT "
                        "max(number) FROM generations AS g WHERE g.profile = p.id) LIMIT 100";
        static const char *const queries[] = { sql_integrity, sql_references, sql_profiles,
                sql_numbers, sql_kinds, sql_useless, sql_overlaps, sql_open };
        for (size_t i = 0; i < N_ELEMENTS(queries); i++) {
                Error error = { 0 };
                int r = add_lines(database, queries[i], problems, &error);
                if (r == -EBADMSG)
                        r = strv_add(problems, error.message);
                if (r < 0)
                        return r == -ENOMEM ? error_oom(reterr)
                                            : error_set(reterr, r, "%s", error.message);
        }
        return 0;
}

/* Where a content is, for people. */
static int find_path(Database *database, int64_t content, char **ret_path, Error *reterr) {
        static const char sql[] =
                        "SELECT coalesce((SELECT path FROM entries WHERE content = ?1 LIMIT 1), "
                        "(SELECT path FROM displaced WHERE content = ?1 LIMIT 1), "
                        "(SELECT path FROM saved WHERE content = ?1 LIMIT 1), 'nothing')";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, content);
        r = statement_step(&statement, reterr);
        return r < 0 ? r : statement_text_copy(&statement, 0, ret_path, reterr);
}

/* Returns 1 when the row has what its digest says. */
static int is_whole(const Statement *statement, Error *reterr) {
        const void *wanted = sqlite3_column_blob(statement->handle, 1);
        const void *data = sqlite3_column_blob(statement->handle, 2);
        size_t size = (size_t) sqlite3_column_bytes(statement->handle, 2);
        Digest digest;
        if (!data && sqlite3_errcode(sqlite3_db_handle(statement->handle)) == SQLITE_NOMEM)
                return error_oom(reterr);
        int r = digest_of(size ? data : "", size, &digest);
        if (r < 0)
                return error_set(reterr, r, "Cannot compute a SHA-256 digest");
        return sqlite3_column_bytes(statement->handle, 1) == (int) sizeof(digest) &&
               memcmp(wanted, &digest, sizeof(digest)) == 0;
}

static int add_altered(Database *database, int64_t content, Strv *problems, Error *reterr) {
        cleanup_free char *path = NULL;
        int r = find_path(database, content, &path, reterr);
        if (r < 0)
                return r;
        cleanup_free char *line = NULL;
        if (asprintf(&line, "the content of %s is not what was stored", path) < 0) {
                line = NULL;
                return error_oom(reterr);
        }
        return strv_add(problems, line) < 0 ? error_oom(reterr) : 0;
}

static int check_contents(Database *database, Verification *verification, Error *reterr) {
        static const char sql[] = "SELECT id, digest, data FROM contents";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        size_t n_altered = 0;
        while (r >= 0 && (r = statement_step(&statement, reterr)) > 0) {
                verification->n_contents++;
                r = is_whole(&statement, reterr);
                if (r == 0 && ++n_altered <= MAX_PROBLEMS)
                        r = add_altered(database, statement_int(&statement, 0),
                                        &verification->problems, reterr);
        }
        return r;
}

static int count_rows(Database *database, Verification *verification, Error *reterr) {
        static const char sql[] = "SELECT (SELECT count(*) FROM generations), (SELECT count(*) "
                                  "FROM entries)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r >= 0)
                r = statement_step(&statement, reterr);
        if (r < 0)
                return r;
        verification->n_generations = statement_int(&statement, 0);
        verification->n_entries = statement_int(&statement, 1);
        return 0;
}

int database_verify(Database *database, Verification *ret_verification, Error *reterr) {
        cleanup(verification_donep) Verification verification = { 0 };
        Error error = { 0 };
        int r = check_structure(database, &verification.problems, reterr);
        if (r < 0)
                return r;
        r = check_contents(database, &verification, &error);
        if (r >= 0)
                r = count_rows(database, &verification, &error);
        if (r == -EBADMSG && strv_add(&verification.problems, error.message) < 0)
                return error_oom(reterr);
        if (r < 0 && r != -EBADMSG)
                return error_set(reterr, r, "%s", error.message);
        *ret_verification = verification;
        verification = (Verification){ 0 };
        return 0;
}
