/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: the inside of a Database, and its statements, each prepared once
 * and kept by the address of its text. */

#include "base/arena.h"
#include "state/database.h"

#include <sqlite3.h>
#include <stddef.h>

enum { DATABASE_MAX_STATEMENTS = 96 };

struct Database {
        sqlite3 *handle;
        char *path; /* of the file, for messages */
        DatabaseMode mode;
        int version;
        int n_wal_pages;   /* as of the last commit */
        bool was_migrated; /* just now */
        bool is_unsynced;  /* the transaction that is open */
        struct PreparedStatement {
                const char *sql;
                sqlite3_stmt *handle;
        } statements[DATABASE_MAX_STATEMENTS];
        size_t n_statements;
};

/* Folds SQLite's result code, and the connection's message, into reterr. Returns a negative errno.
 */
int database_fail(const Database *database, int code, Error *reterr);
/* Rewrites the file without what is free in it; outside of a transaction. The copy is made in
 * memory: what is secret is on no other file system. */
int database_vacuum(Database *database, Error *reterr) must_check;
/* For what no statement of ours can have written: -EBADMSG. */
int database_fail_damaged(const Database *database, const char *what, Error *reterr);

typedef struct Statement {
        Database *database;
        sqlite3_stmt *handle;
        int code; /* the first bind that did not work; told by the next step */
} Statement;

/* sql has static storage and is in use at most once at a time. Parameters are ?1, ?2 …; what is
 * bound lives until statement_done(). */
int statement_open(Database *database, const char *sql, Statement *ret_statement, Error *reterr)
                must_check;
void statement_done(Statement *statement);
static inline void statement_donep(Statement *statement) {
        statement_done(statement);
}

void statement_bind_int(Statement *statement, int index, int64_t value);
void statement_bind_text(Statement *statement, int index, const char *text); /* NULL: NULL */
void statement_bind_blob(Statement *statement,
                int index,
                const void *data,
                size_t size_bytes); /* NULL data: NULL */

/* 1: a row; 0: the end. */
int statement_step(Statement *statement, Error *reterr) must_check;
/* Runs one that gives no rows, and makes it ready to be bound and run again. Returns the number of
 * rows changed. */
int statement_run(Statement *statement, Error *reterr) must_check;

static inline int64_t statement_int(const Statement *statement, int column) {
        return sqlite3_column_int64(statement->handle, column);
}
/* NULL for NULL; lives until the next step. */
static inline const char *statement_text(const Statement *statement, int column) {
        return (const char *) sqlite3_column_text(statement->handle, column);
}
/* Copies of a text or NULL. Return 0 or -ENOMEM. */
int statement_text_copy(
                const Statement *statement, int column, char **ret_text, Error *reterr) must_check;
int statement_text_keep(const Statement *statement,
                int column,
                Arena *arena,
                const char **ret_text,
                Error *reterr) must_check;
