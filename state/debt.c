/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/debt.h"

#include "state/profile.h"
#include "state/statement.h"

#include <errno.h>
#include <string.h>

static int read_debt(const Statement *statement, Arena *arena, Debt *ret_debt, Error *reterr) {
        const char *verb_text = statement_text(statement, 2);
        int verb = verb_text ? verb_from_string(verb_text) : -EINVAL;
        const char *cause_text = statement_text(statement, 3);
        int cause = cause_text ? debt_cause_from_string(cause_text) : -EINVAL;
        if (verb < 0 || cause < 0)
                return database_fail_damaged(
                                statement->database, "a debt of an unknown kind", reterr);
        Debt debt = {
                .uid = (uint32_t) statement_int(statement, 0),
                .verb = (Verb) verb,
                .cause = (DebtCause) cause,
                .since_usec = (uint64_t) statement_int(statement, 6),
                .switch_id = statement_int(statement, 7), /* NULL: 0 */
        };
        int r = statement_text_keep(statement, 1, arena, &debt.unit, reterr);
        if (r >= 0)
                r = statement_text_keep(statement, 4, arena, &debt.reason, reterr);
        if (r >= 0)
                r = statement_text_keep(statement, 5, arena, &debt.invocation_id, reterr);
        if (r < 0)
                return r;
        *ret_debt = debt;
        return 0;
}

int debt_load(Database *database,
                const char *profile,
                Arena *arena,
                Debt **ret_debts,
                size_t *ret_n_debts,
                Error *reterr) {
        static const char sql[] = "SELECT uid, unit, verb, cause, reason, invocation_id, "
                                  "since_usec, switch FROM debt "
                                  "WHERE profile = (SELECT id FROM profiles WHERE name = ?1) "
                                  "ORDER BY uid DESC, unit";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        Debt *debts = NULL;
        size_t n_debts = 0, n_allocated = 0;
        while ((r = statement_step(&statement, reterr)) > 0) {
                if (n_debts == n_allocated) {
                        n_allocated = n_allocated ? n_allocated * 2 : 16;
                        debts = arena_grow(arena, debts, n_debts, n_allocated, sizeof(*debts));
                        if (!debts)
                                return error_oom(reterr);
                }
                r = read_debt(&statement, arena, &debts[n_debts], reterr);
                if (r < 0)
                        return r;
                n_debts++;
        }
        if (r < 0)
                return r;
        *ret_debts = debts;
        *ret_n_debts = n_debts;
        return 0;
}

int debt_put(Database *database, const char *profile, const Debt *debt, Error *reterr) {
        static const char sql[] = "INSERT INTO debt (profile, uid, unit, verb, cause, reason, "
                                  "invocation_id, since_usec, switch) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
                                  "ON CONFLICT (profile, uid, unit) DO UPDATE SET verb = ?4, "
                                  "cause = ?5, reason = ?6, invocation_id = ?7, "
                                  "since_usec = min(since_usec, ?8), switch = ?9";
        int64_t id = 0;
        int r = profile_id(database, profile, &id, reterr);
        if (r < 0)
                return r;
        cleanup(statement_donep) Statement statement = { 0 };
        r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        statement_bind_int(&statement, 2, debt->uid);
        statement_bind_text(&statement, 3, debt->unit);
        statement_bind_text(&statement, 4, verb_to_string(debt->verb));
        statement_bind_text(&statement, 5, debt_cause_to_string(debt->cause));
        statement_bind_text(&statement, 6, debt->reason);
        statement_bind_text(&statement, 7, debt->invocation_id ? debt->invocation_id : "");
        statement_bind_int(&statement, 8, (int64_t) debt->since_usec);
        if (debt->switch_id)
                statement_bind_int(&statement, 9, debt->switch_id);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

int debt_clear(Database *database,
                const char *profile,
                const char *unit,
                uint32_t uid,
                Error *reterr) {
        static const char sql[] = "DELETE FROM debt "
                                  "WHERE profile = (SELECT id FROM profiles WHERE name = ?1) "
                                  "AND unit = ?2 AND uid = ?3";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_text(&statement, 2, unit);
        statement_bind_int(&statement, 3, uid);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

int debt_undo(Database *database, int64_t switch_id, Error *reterr) {
        static const char sql[] = "DELETE FROM debt WHERE switch = ?1 AND since_usec >= "
                                  "(SELECT started_usec FROM switches WHERE id = ?1)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, switch_id);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}
