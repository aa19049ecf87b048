/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"
#include "state/displaced.h"
#include "state/found_row.h"
#include "state/profile.h"
#include "state/statement.h"

#include <errno.h>

int saved_put(Database *database,
                const char *profile,
                EntryRoot root,
                const Found *found,
                bool secret,
                Contents *contents,
                int64_t switch_id,
                int64_t *ret_id,
                Error *reterr) {
        static const char sql[] = "INSERT INTO saved (profile, root, path, switch, saved_usec, "
                                  "secret, kind, mode, uid, gid, mtime_nsec, content, target, "
                                  "xattrs) "
                                  "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
                                  "?13, ?14)";
        int64_t id = 0, content = 0;
        int r = profile_id(database, profile, &id, reterr);
        if (r >= 0)
                r = found_store_content(database, contents, found, &content, reterr);
        if (r < 0)
                return r;
        cleanup(statement_donep) Statement statement = { 0 };
        r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        statement_bind_int(&statement, 2, root);
        statement_bind_text(&statement, 3, found->path);
        statement_bind_int(&statement, 4, switch_id);
        statement_bind_int(&statement, 5, (int64_t) now_realtime_usec());
        statement_bind_int(&statement, 6, secret);
        found_bind(&statement, 7, found, content);
        r = statement_run(&statement, reterr);
        if (r < 0)
                return r;
        *ret_id = sqlite3_last_insert_rowid(database->handle);
        return 0;
}

#define SAVED_COLUMNS FOUND_COLUMNS ", f.id, f.switch, f.saved_usec, f.secret "

static int read_saved(const Statement *statement,
                Contents *contents,
                Arena *arena,
                SavedFile *ret_file,
                Error *reterr) {
        SavedFile file = {
                .id = statement_int(statement, N_FOUND_COLUMNS),
                .switch_id = statement_int(statement, N_FOUND_COLUMNS + 1),
                .saved_usec = (uint64_t) statement_int(statement, N_FOUND_COLUMNS + 2),
                .secret = statement_int(statement, N_FOUND_COLUMNS + 3),
        };
        int r = found_read(statement, contents, arena, &file.root, &file.found, reterr);
        if (r < 0)
                return r;
        *ret_file = file;
        return 0;
}

int saved_list(Database *database,
                const char *profile,
                Contents *contents,
                Arena *arena,
                SavedFile **ret_files,
                size_t *ret_n_files,
                Error *reterr) {
        static const char sql[] =
                        "SELECT " SAVED_COLUMNS "FROM saved AS f" FOUND_JOIN
                        "WHERE f.profile = (SELECT id FROM profiles WHERE name = ?1) ORDER BY f.id";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_text(&statement, 1, profile);
        SavedFile *files = NULL;
        size_t n_files = 0, n_allocated = 0;
        while ((r = statement_step(&statement, reterr)) > 0) {
                if (n_files == n_allocated) {
                        n_allocated = n_allocated ? n_allocated * 2 : 16;
                        files = arena_grow(arena, files, n_files, n_allocated, sizeof(*files));
                        if (!files)
                                return error_oom(reterr);
                }
                r = read_saved(&statement, contents, arena, &files[n_files], reterr);
                if (r < 0)
                        return r;
                n_files++;
        }
        if (r < 0)
                return r;
        *ret_files = files;
        *ret_n_files = n_files;
        return 0;
}

int saved_get(Database *database,
                int64_t id,
                Contents *contents,
                Arena *arena,
                SavedFile *ret_file,
                Error *reterr) {
        static const char sql[] =
                        "SELECT " SAVED_COLUMNS "FROM saved AS f" FOUND_JOIN "WHERE f.id = ?1";
        cleanup(statement_donep) Statement statement = { 0 };
        int r = statement_open(database, sql, &statement, reterr);
        if (r < 0)
                return r;
        statement_bind_int(&statement, 1, id);
        r = statement_step(&statement, reterr);
        if (r == 0)
                return error_set(reterr, -ENOENT,
                                "There is no saved file %lld: see \"show --saved\"",
                                (long long) id);
        return r < 0 ? r : read_saved(&statement, contents, arena, ret_file, reterr);
}
