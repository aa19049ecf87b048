/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/deletion.h"

typedef struct Ids {
        int64_t *items;
        size_t n_items, n_allocated;
} Ids;

static void ids_donep(Ids *ids) {
        free(ids->items);
}

static int add_id(Ids *ids, int64_t id, Error *reterr) {
        if (ids->n_items == ids->n_allocated) {
                size_t n = ids->n_allocated ? ids->n_allocated * 2 : 64;
                int64_t *grown = reallocarray(ids->items, n, sizeof(*grown));
                if (!grown)
                        return error_oom(reterr);
                ids->items = grown;
                ids->n_allocated = n;
        }
        ids->items[ids->n_items++] = id;
        return 0;
}

/* Each EXISTS is one look into an index. */
static int delete_unused(Database *database, int64_t id, Deleted *deleted, Error *reterr) {
        static const char sql[] = "DELETE FROM contents WHERE id = ?1 "
                                  "AND NOT EXISTS (SELECT 1 FROM entries WHERE content = ?1) "
                                  "AND NOT EXISTS (SELECT 1 FROM displaced WHERE content = ?1) "
                                  "AND NOT EXISTS (SELECT 1 FROM saved WHERE content = ?1) "
                                  "RETURNING size_bytes";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        r = statement_step(&statement, reterr);
        if (r <= 0)
                return r;
        deleted->n_contents++;
        deleted->size_bytes += (uint64_t) statement_int(&statement, 0);
        return statement_step(&statement, reterr); /* to the end: only then it is done */
}

int deletion_run(Statement *statement, Deleted *deleted, Error *reterr) {
        cleanup(ids_donep) Ids ids = { 0 };
        int r;
        while ((r = statement_step(statement, reterr)) > 0) {
                deleted->n_rows++;
                if (sqlite3_column_type(statement->handle, 0) == SQLITE_NULL)
                        continue;
                r = add_id(&ids, statement_int(statement, 0), reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; r >= 0 && i < ids.n_items; i++)
                r = delete_unused(statement->database, ids.items[i], deleted, reterr);
        return r;
}
