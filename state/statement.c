/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/statement.h"

#include <assert.h>
#include <string.h>

static sqlite3_stmt *find_prepared(const Database *database, const char *sql) {
        for (size_t i = 0; i < database->n_statements; i++)
                if (database->statements[i].sql == sql)
                        return database->statements[i].handle;
        return NULL;
}

int statement_open(Database *database, const char *sql, Statement *ret_statement, Error *reterr) {
        sqlite3_stmt *handle = find_prepared(database, sql);
        if (!handle) {
                assert(database->n_statements < N_ELEMENTS(database->statements));
                int code = sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                &handle, NULL);
                /* our texts are right: what they name is not there */
                if ((code & 0xff) == SQLITE_ERROR)
                        return database_fail_damaged(
                                        database, sqlite3_errmsg(database->handle), reterr);
                if (code != SQLITE_OK)
                        return database_fail(database, code, reterr);
                database->statements[database->n_statements++] =
                                (struct PreparedStatement){ .sql = sql, .handle = handle };
        }
        assert(!sqlite3_stmt_busy(handle));
        *ret_statement = (Statement){ .database = database, .handle = handle };
        return 0;
}

void statement_done(Statement *statement) {
        if (!statement->handle)
                return;
        (void) sqlite3_reset(
                        statement->handle); /* repeats the error of the last step, which was told */
        (void) sqlite3_clear_bindings(statement->handle); /* always SQLITE_OK */
        statement->handle = NULL;
}

static void note(Statement *statement, int code) {
        if (statement->code == SQLITE_OK)
                statement->code = code;
}

void statement_bind_int(Statement *statement, int index, int64_t value) {
        note(statement, sqlite3_bind_int64(statement->handle, index, value));
}

void statement_bind_text(Statement *statement, int index, const char *text) {
        note(statement, sqlite3_bind_text(statement->handle, index, text, -1, SQLITE_STATIC));
}

void statement_bind_blob(Statement *statement, int index, const void *data, size_t size_bytes) {
        note(statement, sqlite3_bind_blob64(
                                        statement->handle, index, data, size_bytes, SQLITE_STATIC));
}

int statement_step(Statement *statement, Error *reterr) {
        int code = statement->code;
        if (code == SQLITE_OK)
                code = sqlite3_step(statement->handle);
        if (code == SQLITE_ROW)
                return 1;
        if (code == SQLITE_DONE)
                return 0;
        return database_fail(statement->database, code, reterr);
}

int statement_run(Statement *statement, Error *reterr) {
        int r = statement_step(statement, reterr);
        if (r < 0)
                return r;
        assert(r == 0);
        int n_changes = sqlite3_changes(statement->database->handle);
        (void) sqlite3_reset(statement->handle); /* it ended well */
        return n_changes;
}

int statement_text_copy(const Statement *statement, int column, char **ret_text, Error *reterr) {
        const char *text = statement_text(statement, column);
        char *copy = text ? strdup(text) : NULL;
        if (!copy && sqlite3_column_type(statement->handle, column) != SQLITE_NULL)
                return error_oom(reterr);
        *ret_text = copy;
        return 0;
}

int statement_text_keep(const Statement *statement,
                int column,
                Arena *arena,
                const char **ret_text,
                Error *reterr) {
        const char *text = statement_text(statement, column);
        char *copy = text ? arena_strdup(arena, text) : NULL;
        if (!copy && sqlite3_column_type(statement->handle, column) != SQLITE_NULL)
                return error_oom(reterr);
        *ret_text = copy;
        return 0;
}
