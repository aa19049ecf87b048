/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/record.h"

#include "state/profile.h"
#include "state/statement.h"

#include <errno.h>
#include <string.h>

static const char *const states[] = {
        [SWITCH_INTENT] = "intent",
        [SWITCH_STAGED] = "staged",
        [SWITCH_COMMITTED] = "committed",
        [SWITCH_UNDONE] = "undone",
};

const char *switch_state_to_string(SwitchState state) {
        return states[state];
}

bool record_moves_active(const SwitchRecord *record) {
        return strcmp(record->verb, "boot") != 0;
}

bool record_moves_default(const SwitchRecord *record) {
        return strcmp(record->verb, "test") != 0 && strcmp(record->verb, "startup") != 0;
}

static int insert_record(Database *database, int64_t profile, SwitchRecord *record, Error *reterr) {
        static const char sql[] = "INSERT INTO switches (profile, state, verb, from_number, "
                                  "to_number, origin, commit_id, is_dirty, user, started_usec, "
                                  "ended_usec, exit_status, n_actions, n_failed, message, "
                                  "plan_json) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
                                  "?13, ?14, ?15, ?16)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_text(&statement, 2, switch_state_to_string(record->state));
        statement_bind_text(&statement, 3, record->verb);
        statement_bind_int(&statement, 4, record->from_number);
        statement_bind_int(&statement, 5, record->to_number);
        statement_bind_text(&statement, 6, record->origin);
        statement_bind_text(&statement, 7, record->commit);
        statement_bind_int(&statement, 8, record->is_dirty);
        statement_bind_text(&statement, 9, record->user);
        statement_bind_int(&statement, 10, (int64_t) record->started_usec);
        if (record->ended_usec) {
                statement_bind_int(&statement, 11, (int64_t) record->ended_usec);
                statement_bind_int(&statement, 12, record->exit_status);
        }
        statement_bind_int(&statement, 13, record->n_actions);
        statement_bind_int(&statement, 14, record->n_failed);
        statement_bind_text(&statement, 15, record->message);
        statement_bind_text(&statement, 16, record->plan_json);
        r = statement_run(&statement, reterr);
        if (r >= 0)
                record->id = sqlite3_last_insert_rowid(database->handle);
        return r < 0 ? r : 0;
}

static int insert_actions(Database *database,
                int64_t id,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) {
        static const char sql[] = "INSERT INTO switch_actions (switch, sequence, unit, uid, verb, "
                                  "reason, outcome, before_state, duration_usec, owes) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        for (size_t i = 0; r >= 0 && i < n_actions; i++) {
                statement_bind_int(&statement, 1, id);
                statement_bind_int(&statement, 2, actions[i].sequence);
                statement_bind_text(&statement, 3, actions[i].unit);
                statement_bind_int(&statement, 4, actions[i].uid);
                statement_bind_text(&statement, 5, verb_to_string(actions[i].verb));
                statement_bind_text(&statement, 6, actions[i].reason);
                statement_bind_text(&statement, 7, actions[i].outcome);
                statement_bind_text(&statement, 8, actions[i].before_state);
                statement_bind_int(&statement, 9, (int64_t) actions[i].duration_usec);
                statement_bind_text(&statement, 10, actions[i].owes);
                r = statement_run(&statement, reterr);
        }
        return r < 0 ? r : 0;
}

int record_begin(Database *database,
                SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) {
        int64_t profile = 0;
        int r = profile_id(database, record->profile, &profile, reterr);
        record->n_actions = (unsigned) n_actions;
        if (r >= 0)
                r = insert_record(database, profile, record, reterr);
        if (r >= 0)
                r = insert_actions(database, record->id, actions, n_actions, reterr);
        return r;
}

int record_supersede(Database *database, int64_t id, Error *reterr) {
        /* what has no result and no files had nothing to do */
        static const char sql[] =
                        "DELETE FROM switches WHERE id = (SELECT old.id "
                        "FROM switches AS new JOIN switches AS old ON old.id = "
                        "(SELECT max(id) FROM switches WHERE profile = new.profile AND id < ?1) "
                        "WHERE new.id = ?1 AND old.state = 'committed' AND old.exit_status = 0 "
                        "AND old.message IS NULL AND old.n_actions = 0 "
                        "AND json_type(old.plan_json, '$.result') IS NULL "
                        "AND json_array_length(old.plan_json, '$.files') = 0 "
                        "AND old.from_number = old.to_number "
                        "AND old.from_number = new.from_number "
                        "AND old.to_number = new.to_number AND old.verb = new.verb "
                        "AND old.origin IS new.origin AND old.commit_id IS new.commit_id "
                        "AND old.is_dirty = new.is_dirty AND old.user IS new.user "
                        "AND NOT EXISTS (SELECT 1 FROM debt WHERE switch = old.id) "
                        "AND NOT EXISTS (SELECT 1 FROM displaced WHERE switch = old.id) "
                        "AND NOT EXISTS (SELECT 1 FROM saved WHERE switch = old.id) "
                        "AND NOT EXISTS (SELECT 1 FROM initrds WHERE switch = old.id))";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

static int fail_ended(int64_t id, Error *reterr) {
        return error_set(reterr, -EINVAL, "Switch %lld has ended already, or there is none",
                        (long long) id);
}

int record_set_state(Database *database, int64_t id, SwitchState state, Error *reterr) {
        static const char sql[] = "UPDATE switches SET state = ?2 "
                                  "WHERE id = ?1 AND state IN ('intent', 'staged')";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        statement_bind_text(&statement, 2, switch_state_to_string(state));
        r = statement_run(&statement, reterr);
        if (r == 0)
                return fail_ended(id, reterr);
        return r < 0 ? r : 0;
}

static int finish_record(Database *database, const SwitchRecord *record, Error *reterr) {
        static const char sql[] = "UPDATE switches SET state = ?2, ended_usec = ?3, "
                                  "exit_status = ?4, n_failed = ?5, message = ?6, "
                                  "plan_json = coalesce(?7, plan_json) "
                                  "WHERE id = ?1 AND ended_usec IS NULL "
                                  "AND state IN ('intent', 'staged', ?2)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, record->id);
        statement_bind_text(&statement, 2, switch_state_to_string(record->state));
        statement_bind_int(&statement, 3, (int64_t) record->ended_usec);
        statement_bind_int(&statement, 4, record->exit_status);
        statement_bind_int(&statement, 5, record->n_failed);
        statement_bind_text(&statement, 6, record->message);
        statement_bind_text(&statement, 7, record->plan_json);
        r = statement_run(&statement, reterr);
        if (r == 0)
                return fail_ended(record->id, reterr);
        return r < 0 ? r : 0;
}

static int finish_actions(Database *database,
                int64_t id,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) {
        static const char sql[] = "UPDATE switch_actions SET outcome = ?3, "
                                  "before_state = coalesce(?4, before_state), duration_usec = ?5 "
                                  "WHERE switch = ?1 AND sequence = ?2";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        for (size_t i = 0; r >= 0 && i < n_actions; i++) {
                statement_bind_int(&statement, 1, id);
                statement_bind_int(&statement, 2, actions[i].sequence);
                statement_bind_text(&statement, 3, actions[i].outcome);
                statement_bind_text(&statement, 4, actions[i].before_state);
                statement_bind_int(&statement, 5, (int64_t) actions[i].duration_usec);
                r = statement_run(&statement, reterr);
        }
        return r < 0 ? r : 0;
}

int record_finish(Database *database,
                const SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) {
        int r = finish_record(database, record, reterr);
        return r < 0 ? r : finish_actions(database, record->id, actions, n_actions, reterr);
}

static int hold_record(Database *database, const SwitchRecord *record, Error *reterr) {
        static const char sql[] = "UPDATE switches SET exit_status = ?2, n_failed = ?3, "
                                  "message = ?4, plan_json = coalesce(?5, plan_json), "
                                  "confirm_by_usec = ?6 WHERE id = ?1 AND state = 'staged'";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, record->id);
        statement_bind_int(&statement, 2, record->exit_status);
        statement_bind_int(&statement, 3, record->n_failed);
        statement_bind_text(&statement, 4, record->message);
        statement_bind_text(&statement, 5, record->plan_json);
        statement_bind_int(&statement, 6, (int64_t) record->confirm_by_usec);
        r = statement_run(&statement, reterr);
        if (r == 0)
                return fail_ended(record->id, reterr);
        return r < 0 ? r : 0;
}

int record_hold(Database *database,
                const SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) {
        int r = hold_record(database, record, reterr);
        return r < 0 ? r : finish_actions(database, record->id, actions, n_actions, reterr);
}

int record_end_hold(Database *database, int64_t id, Error *reterr) {
        static const char sql[] = "UPDATE switches SET confirm_by_usec = NULL WHERE id = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}
