/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/initrd_record.h"

#include "state/statement.h"

enum { FIRST_VERSION = 6 }; /* that has the table */

#define LAST_COMMITTED                                                                             \
        "SELECT max(i.switch) FROM initrds AS i JOIN switches AS s ON s.id = i.switch "            \
        "WHERE i.kernel = ?1 AND s.state = 'committed'"

int initrd_record_load(Database *database,
                const char *kernel,
                Arena *arena,
                const char **ret_modules,
                Error *reterr) {
        static const char sql[] = "SELECT modules FROM initrds "
                                  "WHERE kernel = ?1 AND switch = (" LAST_COMMITTED ")";
        cleanup(statement_donep) Statement statement = { 0 };
        *ret_modules = "";
        if (database_version(database) < FIRST_VERSION)
                return 0;
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, kernel);
        r = statement_step(&statement, reterr);
        if (r <= 0)
                return r;
        const char *modules = arena_strdup(arena, statement_text(&statement, 0));
        if (!modules)
                return error_oom(reterr);
        *ret_modules = modules;
        return 0;
}

int initrd_record_is_there(Database *database, Error *reterr) {
        static const char sql[] = "SELECT 1 FROM initrds LIMIT 1";
        cleanup(statement_donep) Statement statement = { 0 };
        if (database_version(database) < FIRST_VERSION)
                return 0;
        int r = statement_open(database, sql, &statement, reterr);
        return r < 0 ? r : statement_step(&statement, reterr);
}

/* Those before the last one that counts never count again. */
static int drop_older(Database *database, const char *kernel, Error *reterr) {
        static const char sql[] = "DELETE FROM initrds "
                                  "WHERE kernel = ?1 AND switch < (" LAST_COMMITTED ")";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, kernel);
        return statement_run(&statement, reterr);
}

int initrd_record_put(Database *database,
                const char *kernel,
                int64_t switch_id,
                const char *modules,
                Error *reterr) {
        static const char sql[] = "INSERT OR REPLACE INTO initrds (kernel, switch, modules) "
                                  "VALUES (?1, ?2, ?3)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = drop_older(database, kernel, reterr);
        if (r >= 0)
                r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, kernel);
        statement_bind_int(&statement, 2, switch_id);
        statement_bind_text(&statement, 3, modules);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

int initrd_record_put_found(
                Database *database, const char *kernel, const char *modules, Error *reterr) {
        static const char sql[] = "INSERT OR REPLACE INTO initrds (kernel, switch, modules) "
                                  "SELECT ?1, id, ?2 FROM switches "
                                  "WHERE state = 'committed' ORDER BY id DESC LIMIT 1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, kernel);
        statement_bind_text(&statement, 2, modules);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : drop_older(database, kernel, reterr);
}
