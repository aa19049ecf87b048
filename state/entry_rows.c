/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/entry_rows.h"

#include "state/statement.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* These numbers are in the database. */
static_assert(ROOT_ETC == 0 && ROOT_HOOKS == 1 && ROOT_PROFILE == 2 && ROOT_CONTAINERS == 3 &&
                                ROOT_LIB == 4,
                "roots are stored as numbers");
static_assert(ENTRY_FILE == 0 && ENTRY_LINK == 1 && ENTRY_DIRECTORY == 2 && ENTRY_ABSENT == 3 &&
                                N_ENTRY_KINDS == 4,
                "kinds are stored as numbers");

/* The column of this name. */
enum { MODE_MASK = 07777, KIND_SHIFT = 12, KIND_MASK = 3, IMPLIED_SHIFT = 14, SECRET_SHIFT = 15 };

static int64_t attributes_of(const Entry *entry) {
        return (entry->mode & MODE_MASK) | (int64_t) entry->kind << KIND_SHIFT |
               (int64_t) entry->implied << IMPLIED_SHIFT | (int64_t) entry->secret << SECRET_SHIFT;
}

int entry_row_end(Database *database,
                int64_t profile,
                const Entry *entry,
                int64_t number,
                Error *reterr) {
        static const char sql[] = "UPDATE entries SET last = ?4 - 1 "
                                  "WHERE profile = ?1 AND last = 2147483647 "
                                  "AND root = ?2 AND path = ?3";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, entry->root);
        statement_bind_text(&statement, 3, entry->path);
        statement_bind_int(&statement, 4, number);
        r = statement_run(&statement, reterr);
        if (r == 0)
                return error_set(reterr, -EINVAL,
                                "%s%s: is not in generation %lld, which it is to be replaced in",
                                entry_root_prefix(entry->root), entry->path,
                                (long long) number - 1);
        return r < 0 ? r : 0;
}

/* Root, as nearly all are, is NULL. */
static const char *owner_to_column(const char *owner) {
        return strcmp(owner, "root") == 0 ? NULL : owner;
}

static const char *owner_from_column(const char *text) {
        return text ? text : "root";
}

int entry_row_begin(Database *database,
                int64_t profile,
                const Entry *entry,
                int64_t content,
                int64_t number,
                Error *reterr) {
        static const char sql[] = "INSERT INTO entries (profile, last, root, path, first, "
                                  "attributes, owner, owner_group, content, target) "
                                  "VALUES (?1, 2147483647, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, entry->root);
        statement_bind_text(&statement, 3, entry->path);
        statement_bind_int(&statement, 4, number);
        statement_bind_int(&statement, 5, attributes_of(entry));
        statement_bind_text(&statement, 6, owner_to_column(entry->owner));
        statement_bind_text(&statement, 7, owner_to_column(entry->group));
        if (entry->kind == ENTRY_FILE)
                statement_bind_int(&statement, 8, content);
        if (entry->kind == ENTRY_LINK)
                statement_bind_text(&statement, 9, entry->target);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

/* The data come along for what every run reads: units and their drop-ins, fstab and profile.conf
 * (root 2). */
#define ENTRY_COLUMNS                                                                              \
        "e.root, e.path, e.attributes, e.owner, e.owner_group, e.target, c.digest, c.size_bytes, " \
        "CASE WHEN e.root = 2 OR e.root = 0 AND "                                                  \
        "(e.path > 'systemd/' AND e.path < 'systemd0' OR e.path = 'fstab') THEN c.data END "
#define ENTRY_JOIN " LEFT JOIN contents AS c ON c.id = e.content "

enum {
        COLUMN_ROOT,
        COLUMN_PATH,
        COLUMN_ATTRIBUTES,
        COLUMN_OWNER,
        COLUMN_GROUP,
        COLUMN_TARGET,
        COLUMN_DIGEST,
        COLUMN_SIZE,
        COLUMN_DATA,
};

static int read_data(
                const Statement *statement, Contents *contents, Content *content, Error *reterr) {
        const void *data = sqlite3_column_blob(statement->handle, COLUMN_DATA);
        size_t size = (size_t) sqlite3_column_bytes(statement->handle, COLUMN_DATA);
        if (size != content->size_bytes)
                return database_fail_damaged(
                                statement->database, "a content has another size", reterr);
        char *copy = malloc(size + 1);
        if (!copy)
                return error_oom(reterr);
        if (size)
                memcpy(copy, data, size);
        copy[size] = 0;
        return contents_give_data(contents, content, copy, reterr);
}

static int
read_content(const Statement *statement, Contents *contents, Content **ret_content, Error *reterr) {
        sqlite3_stmt *handle = statement->handle;
        Digest digest;
        const void *bytes = sqlite3_column_blob(handle, COLUMN_DIGEST);
        if (!bytes || sqlite3_column_bytes(handle, COLUMN_DIGEST) != (int) sizeof(digest))
                return database_fail_damaged(statement->database, "a content is missing", reterr);
        memcpy(&digest, bytes, sizeof(digest));
        Content *content = NULL;
        int r = contents_add_known(contents, &digest,
                        (size_t) statement_int(statement, COLUMN_SIZE), &content, reterr);
        if (r >= 0 && !content->data && sqlite3_column_type(handle, COLUMN_DATA) == SQLITE_BLOB)
                r = read_data(statement, contents, content, reterr);
        if (r < 0)
                return r;
        *ret_content = content;
        return 0;
}

static int read_entry(const Statement *statement, Contents *contents, Tree *tree, Error *reterr) {
        int64_t root = statement_int(statement, COLUMN_ROOT);
        int64_t attributes = statement_int(statement, COLUMN_ATTRIBUTES);
        if (root < 0 || root >= N_ENTRY_ROOTS)
                return database_fail_damaged(
                                statement->database, "an entry of an unknown root", reterr);
        Entry entry = {
                .root = (EntryRoot) root,
                .kind = (EntryKind) (attributes >> KIND_SHIFT & KIND_MASK),
                .path = statement_text(statement, COLUMN_PATH),
                .mode = attributes & MODE_MASK,
                .implied = attributes >> IMPLIED_SHIFT & 1,
                .secret = attributes >> SECRET_SHIFT & 1,
                .owner = owner_from_column(statement_text(statement, COLUMN_OWNER)),
                .group = owner_from_column(statement_text(statement, COLUMN_GROUP)),
        };
        if (entry.kind == ENTRY_LINK &&
                        sqlite3_column_type(statement->handle, COLUMN_TARGET) == SQLITE_NULL)
                return database_fail_damaged(statement->database, "a link without target", reterr);
        if (entry.kind == ENTRY_LINK)
                entry.target = statement_text(statement, COLUMN_TARGET);
        if (!entry.path || (entry.kind == ENTRY_LINK && !entry.target))
                return error_oom(reterr); /* neither is NULL in the table */
        if (entry.kind == ENTRY_FILE) {
                int r = read_content(statement, contents, &entry.content, reterr);
                if (r < 0)
                        return r;
        }
        return tree_add(tree, &entry) < 0 ? error_oom(reterr) : 0;
}

static int read_entries(Statement *statement, Contents *contents, Tree *tree, Error *reterr) {
        for (;;) {
                int r = statement_step(statement, reterr);
                if (r > 0)
                        r = read_entry(statement, contents, tree, reterr);
                else
                        return r;
                if (r < 0)
                        return r;
        }
}

int entry_rows_at(Database *database,
                int64_t profile,
                int64_t number,
                Contents *contents,
                Tree *tree,
                Error *reterr) {
        static const char sql[] = "SELECT " ENTRY_COLUMNS "FROM entries AS e" ENTRY_JOIN
                                  "WHERE e.profile = ?1 AND e.last >= ?2 AND e.first <= ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        return read_entries(&statement, contents, tree, reterr);
}

int entry_rows_ended(Database *database,
                int64_t profile,
                int64_t low,
                int64_t high,
                Contents *contents,
                Tree *tree,
                Error *reterr) {
        static const char sql[] =
                        "SELECT " ENTRY_COLUMNS "FROM entries AS e" ENTRY_JOIN
                        "WHERE e.profile = ?1 AND e.last >= ?2 AND e.last < ?3 AND e.first <= ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, low);
        statement_bind_int(&statement, 3, high);
        return read_entries(&statement, contents, tree, reterr);
}

int entry_rows_begun(Database *database,
                int64_t profile,
                int64_t low,
                int64_t high,
                Contents *contents,
                Tree *tree,
                Error *reterr) {
        static const char sql[] =
                        "SELECT " ENTRY_COLUMNS
                        "FROM entries AS e INDEXED BY entries_by_first" ENTRY_JOIN
                        "WHERE e.profile = ?1 AND e.first > ?2 AND e.first <= ?3 AND e.last >= ?3";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, low);
        statement_bind_int(&statement, 3, high);
        return read_entries(&statement, contents, tree, reterr);
}
