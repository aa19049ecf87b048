/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/stored_content.h"

#include "state/statement.h"

#include <errno.h>
#include <string.h>

/* A content that something is wrong with is not named by its digest: it may be a secret's. */

int database_content_loader(
                void *userdata, const Content *content, char **ret_data, Error *reterr) {
        static const char sql[] = "SELECT data FROM contents WHERE digest = ?1";
        Database *database = userdata;
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_blob(&statement, 1, &content->digest, sizeof(content->digest));
        r = statement_step(&statement, reterr);
        if (r < 0)
                return r;
        if (r == 0)
                return error_set(reterr, -ENOENT,
                                "%s: A content is not stored; sysswitch verify names what has it",
                                database->path);
        const void *data = sqlite3_column_blob(statement.handle, 0);
        size_t size = (size_t) sqlite3_column_bytes(statement.handle, 0);
        Digest digest;
        r = digest_of(size ? data : "", size, &digest);
        if (r < 0)
                return error_set(reterr, r, "Cannot compute a SHA-256 digest");
        if (!digest_equal(&digest, &content->digest) || size != content->size_bytes)
                return database_fail_damaged(database,
                                "a content is not what was stored; sysswitch verify names it",
                                reterr);
        char *copy = malloc(size + 1);
        if (!copy)
                return error_oom(reterr);
        if (size)
                memcpy(copy, data, size);
        copy[size] = 0;
        *ret_data = copy;
        return 0;
}

int database_find_content(
                Database *database, const Digest *digest, int64_t *ret_id, Error *reterr) {
        static const char sql[] = "SELECT id FROM contents WHERE digest = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_blob(&statement, 1, digest, sizeof(*digest));
        r = statement_step(&statement, reterr);
        if (r > 0)
                *ret_id = statement_int(&statement, 0);
        return r;
}

static int insert_content(
                Database *database, const Content *content, int64_t *ret_id, Error *reterr) {
        static const char sql[] = "INSERT INTO contents (digest, size_bytes, data) "
                                  "VALUES (?1, ?2, ?3)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_blob(&statement, 1, &content->digest, sizeof(content->digest));
        statement_bind_int(&statement, 2, (int64_t) content->size_bytes);
        statement_bind_blob(&statement, 3, content->data, content->size_bytes);
        r = statement_run(&statement, reterr);
        if (r < 0)
                return r;
        *ret_id = sqlite3_last_insert_rowid(database->handle);
        return 0;
}

int database_store_content(Database *database,
                Contents *contents,
                Content *content,
                int64_t *ret_id,
                Error *reterr) {
        int r = database_find_content(database, &content->digest, ret_id, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        if (!content->data) {
                if (!contents)
                        return error_set(reterr, -ENODATA, "A content is not at hand");
                r = content_load(contents, content, reterr);
                if (r < 0)
                        return r;
        }
        return insert_content(database, content, ret_id, reterr);
}
