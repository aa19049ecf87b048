/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/pin.h"

#include "state/generation.h"
#include "state/statement.h"

static int
change(Database *database, const char *sql, const char *profile, int64_t number, Error *reterr) {
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        return statement_run(&statement, reterr);
}

int pin_set(Database *database, const char *profile, int64_t number, bool pinned, Error *reterr) {
        static const char sql_add[] = "INSERT INTO pins (profile, number) "
                                      "SELECT id, ?2 FROM profiles WHERE name = ?1 "
                                      "ON CONFLICT (profile, number) DO NOTHING";
        static const char sql_remove[] = "DELETE FROM pins WHERE number = ?2 AND profile = "
                                         "(SELECT id FROM profiles WHERE name = ?1)";
        cleanup(generation_donep) Generation generation = { 0 };
        int r = generation_get(database, profile, number, &generation, reterr);
        return r < 0 ? r : change(database, pinned ? sql_add : sql_remove, profile, number, reterr);
}
