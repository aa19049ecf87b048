/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/packaged.h"

#include "base/clock.h"
#include "state/statement.h"

enum { FIRST_VERSION = 4 }; /* that has the tables */

int packaged_put(Database *database,
                int64_t profile,
                EntryRoot root,
                const char *path,
                Error *reterr) {
        static const char sql[] = "INSERT OR IGNORE INTO packaged (profile, root, path) "
                                  "VALUES (?1, ?2, ?3)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, profile);
        statement_bind_int(&statement, 2, root);
        statement_bind_text(&statement, 3, path);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

int packaged_is_there(Database *database,
                const char *profile,
                EntryRoot root,
                const char *path,
                Error *reterr) {
        static const char sql[] = "SELECT 1 FROM packaged "
                                  "WHERE profile = (SELECT id FROM profiles WHERE name = ?1) "
                                  "AND root = ?2 AND path = ?3";
        cleanup(statement_donep) Statement statement = { 0 };
        if (database_version(database) < FIRST_VERSION)
                return 0;
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        statement_bind_int(&statement, 2, root);
        statement_bind_text(&statement, 3, path);
        return statement_step(&statement, reterr);
}

int renewal_put(Database *database, int64_t saved_id, Error *reterr) {
        static const char sql[] = "INSERT INTO renewals (saved) VALUES (?1)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, saved_id);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

#define OF_SWITCH "FROM saved AS s JOIN renewals AS r ON r.saved = s.id WHERE s.switch = ?1"

/* What was displaced before is something else: it is saved. Never is a content without an owner on
 * the way. */
static int save_older(Database *database, int64_t switch_id, Error *reterr) {
        static const char sql[] =
                        "INSERT INTO saved (profile, root, path, switch, saved_usec, secret, kind, "
                        "mode, uid, gid, mtime_nsec, content, target, xattrs) "
                        "SELECT d.profile, d.root, d.path, s.switch, ?2, s.secret, d.kind, d.mode, "
                        "d.uid, d.gid, d.mtime_nsec, d.content, d.target, d.xattrs "
                        "FROM saved AS s JOIN renewals AS r ON r.saved = s.id "
                        "JOIN displaced AS d ON (d.profile, d.root, d.path) = "
                        "(s.profile, s.root, s.path) "
                        "WHERE s.switch = ?1 AND (d.kind <> s.kind "
                        "OR d.content IS NOT s.content OR d.target IS NOT s.target)";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, switch_id);
        statement_bind_int(&statement, 2, (int64_t) now_realtime_usec());
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

static int run_for_switch(Database *database, const char *sql, int64_t switch_id, Error *reterr) {
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, switch_id);
        r = statement_run(&statement, reterr);
        return r < 0 ? r : 0;
}

int renewal_commit(Database *database, int64_t switch_id, Error *reterr) {
        static const char sql_drop[] = "DELETE FROM displaced WHERE (profile, root, path) IN "
                                       "(SELECT s.profile, s.root, s.path " OF_SWITCH ")";
        static const char sql_displace[] =
                        "INSERT INTO displaced (profile, root, path, switch, kind, mode, uid, gid, "
                        "mtime_nsec, content, target, xattrs) "
                        "SELECT s.profile, s.root, s.path, s.switch, s.kind, s.mode, s.uid, s.gid, "
                        "s.mtime_nsec, s.content, s.target, s.xattrs " OF_SWITCH;
        static const char sql_mark[] = "INSERT INTO packaged (profile, root, path) "
                                       "SELECT s.profile, s.root, s.path " OF_SWITCH;
        static const char sql_end[] = "DELETE FROM saved WHERE id IN (SELECT s.id " OF_SWITCH ")";
        int r = save_older(database, switch_id, reterr);
        if (r >= 0)
                r = run_for_switch(database, sql_drop, switch_id, reterr);
        if (r >= 0)
                r = run_for_switch(database, sql_displace, switch_id, reterr);
        if (r >= 0)
                r = run_for_switch(database, sql_mark, switch_id, reterr);
        return r < 0 ? r : run_for_switch(database, sql_end, switch_id, reterr);
}
