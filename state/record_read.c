/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/record.h"
#include "state/statement.h"

#include <errno.h>
#include <string.h>

#define IS_PRUNED(number)                                                                          \
        number " > 0 AND NOT EXISTS (SELECT 1 FROM generations AS g WHERE g.profile = s.profile "  \
               "AND g.number = " number ")"
#define RECORD_COLUMNS                                                                             \
        "s.id, s.state, s.from_number, s.to_number, s.is_dirty, s.started_usec, s.ended_usec, "    \
        "s.exit_status, s.n_actions, s.n_failed, p.name, s.verb, s.origin, s.commit_id, s.user, "  \
        "s.message, " IS_PRUNED("s.from_number") ", " IS_PRUNED("s.to_number")
#define RECORD_TABLES " FROM switches AS s JOIN profiles AS p ON p.id = s.profile "
enum {
        COLUMN_EXIT_STATUS = 7,
        COLUMN_FIRST_TEXT = 10,
        COLUMN_IS_PRUNED = 16,
        COLUMN_PLAN_JSON = 18
};

static int read_state(const Statement *statement, SwitchState *ret_state, Error *reterr) {
        const char *text = statement_text(statement, 1);
        for (SwitchState state = SWITCH_INTENT; text && state <= SWITCH_UNDONE; state++)
                if (strcmp(switch_state_to_string(state), text) == 0) {
                        *ret_state = state;
                        return 0;
                }
        return database_fail_damaged(statement->database, "a switch in an unknown state", reterr);
}

static int read_record(
                const Statement *statement, Arena *arena, SwitchRecord *ret_record, Error *reterr) {
        bool has_ended = sqlite3_column_type(statement->handle, COLUMN_EXIT_STATUS) != SQLITE_NULL;
        SwitchRecord record = {
                .id = statement_int(statement, 0),
                .from_number = statement_int(statement, 2),
                .to_number = statement_int(statement, 3),
                .is_dirty = statement_int(statement, 4),
                .started_usec = (uint64_t) statement_int(statement, 5),
                .ended_usec = (uint64_t) statement_int(statement, 6), /* NULL: 0 */
                .exit_status = has_ended ? (int) statement_int(statement, COLUMN_EXIT_STATUS) : -1,
                .n_actions = (unsigned) statement_int(statement, 8),
                .n_failed = (unsigned) statement_int(statement, 9),
                .is_from_pruned = statement_int(statement, COLUMN_IS_PRUNED),
                .is_to_pruned = statement_int(statement, COLUMN_IS_PRUNED + 1),
        };
        const char **texts[] = { &record.profile, &record.verb, &record.origin, &record.commit,
                &record.user, &record.message };
        int r = read_state(statement, &record.state, reterr);
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(texts); i++)
                r = statement_text_keep(
                                statement, COLUMN_FIRST_TEXT + (int) i, arena, texts[i], reterr);
        if (r < 0)
                return r;
        *ret_record = record;
        return 0;
}

int record_list(Database *database,
                const char *profile,
                size_t limit,
                Arena *arena,
                SwitchRecord **ret_records,
                size_t *ret_n_records,
                Error *reterr) {
        static const char sql[] = "SELECT " RECORD_COLUMNS RECORD_TABLES
                                  "WHERE s.profile IN (SELECT id FROM profiles "
                                  "WHERE ?1 IS NULL OR name = ?1) "
                                  "ORDER BY s.id DESC LIMIT ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, limit ? (int64_t) limit : -1); /* below 0: all */
        SwitchRecord *records = NULL;
        size_t n_records = 0, n_allocated = 0;
        while ((r = statement_step(&statement, reterr)) > 0) {
                if (n_records == n_allocated) {
                        n_allocated = n_allocated ? n_allocated * 2 : 16;
                        records = arena_grow(
                                        arena, records, n_records, n_allocated, sizeof(*records));
                        if (!records)
                                return error_oom(reterr);
                }
                r = read_record(&statement, arena, &records[n_records], reterr);
                if (r < 0)
                        return r;
                n_records++;
        }
        if (r < 0)
                return r;
        *ret_records = records;
        *ret_n_records = n_records;
        return 0;
}

static int read_newest(
                Statement *statement, Arena *arena, SwitchRecord *ret_record, Error *reterr) {
        int r = statement_step(statement, reterr);
        if (r <= 0)
                return r;
        r = read_record(statement, arena, ret_record, reterr);
        return r < 0 ? r : 1;
}

/* The first version whose switches can wait for a confirmation. */
enum { VERSION_OF_CONFIRM = 3 };

static int read_confirm_by(Database *database, SwitchRecord *record, Error *reterr) {
        static const char sql[] = "SELECT confirm_by_usec FROM switches WHERE id = ?1";
        if (database_version(database) < VERSION_OF_CONFIRM)
                return 0;
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, record->id);
        r = statement_step(&statement, reterr);
        if (r > 0)
                record->confirm_by_usec = (uint64_t) statement_int(&statement, 0); /* NULL: 0 */
        return r;
}

int record_open_switch(Database *database, Arena *arena, SwitchRecord *ret_record, Error *reterr) {
        static const char sql[] = "SELECT " RECORD_COLUMNS RECORD_TABLES
                                  "WHERE s.id = (SELECT max(id) FROM switches "
                                  "INDEXED BY switches_open "
                                  "WHERE state IN ('intent', 'staged'))";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r >= 0)
                r = read_newest(&statement, arena, ret_record, reterr);
        return r > 0 ? read_confirm_by(database, ret_record, reterr) : r;
}

int record_last_commit(Database *database,
                const char *profile,
                Arena *arena,
                SwitchRecord *ret_record,
                Error *reterr) {
        static const char sql[] = "SELECT " RECORD_COLUMNS RECORD_TABLES
                                  "WHERE p.name = ?1 AND s.state = 'committed' "
                                  "AND s.verb NOT IN ('boot', 'startup') "
                                  "ORDER BY s.id DESC LIMIT 1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        return read_newest(&statement, arena, ret_record, reterr);
}

int record_last_origin(Database *database,
                const char *profile,
                int64_t number,
                Arena *arena,
                SwitchRecord *ret_record,
                Error *reterr) {
        static const char sql[] = "SELECT " RECORD_COLUMNS RECORD_TABLES
                                  "WHERE p.name = ?1 AND s.state = 'committed' "
                                  "AND s.to_number = ?2 AND s.origin IS NOT NULL "
                                  "ORDER BY s.id DESC LIMIT 1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, number);
        return read_newest(&statement, arena, ret_record, reterr);
}

int record_get(Database *database,
                int64_t id,
                Arena *arena,
                SwitchRecord *ret_record,
                Error *reterr) {
        static const char sql[] =
                        "SELECT " RECORD_COLUMNS ", s.plan_json" RECORD_TABLES "WHERE s.id = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        r = statement_step(&statement, reterr);
        if (r == 0)
                return error_set(reterr, -ENOENT, "There is no switch %lld: see \"log\"",
                                (long long) id);
        SwitchRecord record;
        if (r > 0)
                r = read_record(&statement, arena, &record, reterr);
        if (r >= 0)
                r = statement_text_keep(
                                &statement, COLUMN_PLAN_JSON, arena, &record.plan_json, reterr);
        if (r < 0)
                return r;
        *ret_record = record;
        return 0;
}

int record_default_at(Database *database,
                const char *profile,
                uint64_t usec,
                int64_t *ret_number,
                Error *reterr) {
        static const char sql[] = "SELECT s.to_number" RECORD_TABLES
                                  "WHERE p.name = ?1 AND s.state = 'committed' "
                                  "AND s.verb NOT IN ('test', 'startup') "
                                  "AND s.ended_usec <= ?2 "
                                  "ORDER BY s.id DESC LIMIT 1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, (int64_t) usec);
        r = statement_step(&statement, reterr);
        if (r < 0)
                return r;
        *ret_number = r > 0 ? statement_int(&statement, 0) : 0;
        return 0;
}

int record_was_at_work(Database *database, uint64_t usec, Error *reterr) {
        static const char sql[] = "SELECT 1 FROM switches WHERE started_usec <= ?1 "
                                  "AND (ended_usec IS NULL OR ended_usec >= ?1) LIMIT 1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, (int64_t) usec);
        return statement_step(&statement, reterr);
}

static int read_action(const Statement *statement,
                Arena *arena,
                SwitchActionRecord *ret_action,
                Error *reterr) {
        const char *verb_text = statement_text(statement, 2);
        int verb = verb_text ? verb_from_string(verb_text) : -EINVAL;
        if (verb < 0)
                return database_fail_damaged(
                                statement->database, "an action of an unknown verb", reterr);
        SwitchActionRecord action = {
                .sequence = (unsigned) statement_int(statement, 0),
                .uid = (uint32_t) statement_int(statement, 1),
                .verb = (Verb) verb,
                .duration_usec = (uint64_t) statement_int(statement, 3),
        };
        const char **texts[] = { &action.unit, &action.reason, &action.outcome,
                &action.before_state, &action.owes };
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                int r = statement_text_keep(statement, 4 + (int) i, arena, texts[i], reterr);
                if (r < 0)
                        return r;
        }
        *ret_action = action;
        return 0;
}

/* The first version whose skips have what they leave to be done. */
enum { VERSION_OF_OWES = 7 };

int record_actions(Database *database,
                int64_t id,
                Arena *arena,
                SwitchActionRecord **ret_actions,
                size_t *ret_n_actions,
                Error *reterr) {
        static const char sql[] = "SELECT sequence, uid, verb, duration_usec, unit, reason, "
                                  "outcome, before_state, owes FROM switch_actions "
                                  "WHERE switch = ?1 ORDER BY sequence";
        static const char sql_before[] = "SELECT sequence, uid, verb, duration_usec, unit, reason, "
                                         "outcome, before_state, NULL FROM switch_actions "
                                         "WHERE switch = ?1 ORDER BY sequence";
        bool has_owes = database_version(database) >= VERSION_OF_OWES;
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, has_owes ? sql : sql_before, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        SwitchActionRecord *actions = NULL;
        size_t n_actions = 0, n_allocated = 0;
        while ((r = statement_step(&statement, reterr)) > 0) {
                if (n_actions == n_allocated) {
                        n_allocated = n_allocated ? n_allocated * 2 : 16;
                        actions = arena_grow(
                                        arena, actions, n_actions, n_allocated, sizeof(*actions));
                        if (!actions)
                                return error_oom(reterr);
                }
                r = read_action(&statement, arena, &actions[n_actions], reterr);
                if (r < 0)
                        return r;
                n_actions++;
        }
        if (r < 0)
                return r;
        *ret_actions = actions;
        *ret_n_actions = n_actions;
        return 0;
}
