/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/profile.h"

#include "state/statement.h"

#include <string.h>

void profile_done(Profile *profile) {
        free(profile->name);
        free(profile->source);
        *profile = (Profile){ 0 };
}

static int read_row(Database *database, Profile *profile, Error *reterr) {
        static const char sql[] = "SELECT active, default_number, newest, source, "
                                  "(SELECT max(number) FROM generations WHERE profile = p.id) "
                                  "FROM profiles AS p WHERE name = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile->name);
        r = statement_step(&statement, reterr);
        if (r <= 0)
                return r;
        profile->active = statement_int(&statement, 0);
        profile->default_number = statement_int(&statement, 1);
        profile->newest = statement_int(&statement, 2);
        profile->newest_stored = statement_int(&statement, 4); /* NULL: 0 */
        return statement_text_copy(&statement, 3, &profile->source, reterr);
}

int profile_load(Database *database, const char *name, Profile *ret_profile, Error *reterr) {
        cleanup(profile_donep) Profile profile = { .name = strdup(name) };
        if (!profile.name)
                return error_oom(reterr);
        int r = database ? read_row(database, &profile, reterr) : 0;
        if (r < 0)
                return r;
        *ret_profile = profile;
        profile = (Profile){ 0 };
        return 0;
}

static int make(Database *database, const char *name, Error *reterr) {
        static const char sql[] = "INSERT INTO profiles (name) VALUES (?1) ON CONFLICT DO NOTHING";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, name);
        return statement_run(&statement, reterr);
}

static int find_id(Database *database, const char *name, int64_t *ret_id, Error *reterr) {
        static const char sql[] = "SELECT id FROM profiles WHERE name = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, name);
        r = statement_step(&statement, reterr);
        if (r > 0)
                *ret_id = statement_int(&statement, 0);
        return r;
}

int profile_id(Database *database, const char *name, int64_t *ret_id, Error *reterr) {
        int r = find_id(database, name, ret_id, reterr);
        if (r == 0)
                r = make(database, name, reterr);
        else
                return r < 0 ? r : 0;
        if (r >= 0)
                r = find_id(database, name, ret_id, reterr);
        return r < 0 ? r : 0;
}

int profile_set_active(Database *database,
                const char *name,
                int64_t active,
                int64_t default_number,
                Error *reterr) {
        static const char sql[] = "UPDATE profiles SET active = ?2, default_number = ?3 "
                                  "WHERE id = ?1";
        int64_t id = 0;
        int r = profile_id(database, name, &id, reterr);
        if (r < 0)
                return r;
        cleanup(statement_donep) Statement statement = { 0 };
        r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        statement_bind_int(&statement, 2, active);
        statement_bind_int(&statement, 3, default_number);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

int profile_set_source(Database *database, const char *name, const char *source, Error *reterr) {
        static const char sql[] = "UPDATE profiles SET source = ?2 WHERE id = ?1";
        int64_t id = 0;
        int r = profile_id(database, name, &id, reterr);
        if (r < 0)
                return r;
        cleanup(statement_donep) Statement statement = { 0 };
        r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        statement_bind_text(&statement, 2, source);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}
