/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/database.h"

#include "state/migrations.h"
#include "state/place.h"
#include "state/statement.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum {
        APPLICATION_ID = 0x53595357, /* "SYSW" */
        BUSY_TIMEOUT_MSEC = 5000, /* for the moment in which another process closes or recovers the
                                     file */
        CHECKPOINT_PAGES = 64, /* a smaller write-ahead log is left for a later switch to put into
                                   the file */
};

/* A reader, too, needs the files beside the database and makes them when they are not there: SQLite
 * then tells of a missing file, where the directory is what it may not write. */
static int fail_without_access(const Database *database, Error *reterr) {
        char directory[PATH_MAX];
        size_t length = (size_t) (strrchr(database->path, '/') - database->path);
        (void) snprintf(directory, sizeof(directory), "%.*s/", (int) length,
                        database->path); /* cut: ENOENT */
        int code = faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0
                                   ? -errno
                                   : -sqlite3_system_errno(database->handle);
        if (code == -EROFS)
                return error_set(reterr, code,
                                "%s: is on a read-only file system: make it writable, or copy the "
                                "directory",
                                database->path);
        if (code == 0 || code == -EACCES || code == -EPERM)
                return error_set(reterr, -EACCES, "%s: needs root", database->path);
        return error_set_errno(reterr, code, "%s: cannot be opened", database->path);
}

int database_fail_damaged(const Database *database, const char *what, Error *reterr) {
        return error_set(reterr, -EBADMSG,
                        "%s: is damaged (%s): put a backup in its place, or move it away to start "
                        "anew",
                        database->path, what);
}

/* SQLite says "disk I/O error" of whatever the kernel refuses: a full disk, too. */
static int fail_by_system(const Database *database, int code, const char *text, Error *reterr) {
        int number = (code & 0xff) == SQLITE_IOERR && database->handle
                                     ? sqlite3_system_errno(database->handle)
                                     : 0;
        if (number > 0)
                return error_set_errno(reterr, -number, "%s: %s", database->path, text);
        return error_set(reterr, -EIO, "%s: %s", database->path, text);
}

static int fail_unmade(const Database *database, Error *reterr) {
        return error_set(reterr, -ENOENT, "%s: is empty yet: nothing was ever switched",
                        database->path);
}

int database_fail(const Database *database, int code, Error *reterr) {
        const char *text =
                        database->handle ? sqlite3_errmsg(database->handle) : sqlite3_errstr(code);
        switch (code & 0xff) {
        case SQLITE_NOMEM:
                return error_oom(reterr);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return error_set(reterr, -EBUSY, "%s: another process uses it (%s): try again",
                                database->path, text);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return database_fail_damaged(database, text, reterr);
        case SQLITE_FULL:
                return error_set_errno(reterr, -ENOSPC, "%s", database->path);
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return code == SQLITE_READONLY_ROLLBACK /* only before it has a write-ahead log */
                                       ? fail_unmade(database, reterr)
                                       : fail_without_access(database, reterr);
        case SQLITE_TOOBIG:
                return error_set(reterr, -EFBIG, "%s: %s", database->path, text);
        case SQLITE_CONSTRAINT:
                return error_set(reterr, -EINVAL, "%s: %s", database->path, text);
        default:
                return fail_by_system(database, code, text, reterr);
        }
}

/* For the few texts that are no statements of ours: settings, transactions, migrations. */
static int execute(const Database *database, const char *sql, Error *reterr) {
        int code = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);
        return code == SQLITE_OK ? 0 : database_fail(database, code, reterr);
}

/* The first column of the first row; 0 when there is no row. */
static int query_number(
                const Database *database, const char *sql, int64_t *ret_number, Error *reterr) {
        sqlite3_stmt *handle = NULL;
        int code = sqlite3_prepare_v2(database->handle, sql, -1, &handle, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_step(handle);
        int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(handle, 0) : 0;
        if (code != SQLITE_ROW && code != SQLITE_DONE) {
                int r = database_fail(database, code, reterr);
                (void) sqlite3_finalize(handle); /* repeats the error */
                return r;
        }
        (void) sqlite3_finalize(handle); /* it ended well */
        *ret_number = number;
        return 0;
}

/* Sets database->version. A file that nothing was ever put in is version 0. */
static int check_identity(Database *database, int64_t n_migrations, Error *reterr) {
        static const char sql_application[] = "PRAGMA application_id";
        static const char sql_version[] = "PRAGMA user_version";
        static const char sql_tables[] = "SELECT count(*) FROM sqlite_schema";
        int64_t application = 0, version = 0, n_tables = 0;
        int r = query_number(database, sql_application, &application, reterr);
        if (r >= 0)
                r = query_number(database, sql_version, &version, reterr);
        if (r >= 0)
                r = query_number(database, sql_tables, &n_tables, reterr);
        if (r < 0)
                return r;
        bool is_fresh = application == 0 && version == 0 && n_tables == 0;
        if (!is_fresh && (application != APPLICATION_ID || version < 1))
                return error_set(reterr, -EBADMSG,
                                "%s: is not a database of sysswitch: move it away", database->path);
        if (version > n_migrations)
                return error_set(reterr, -EOVERFLOW,
                                "%s: was written by a newer sysswitch (version %lld, this one "
                                "knows %lld): update sysswitch",
                                database->path, (long long) version, (long long) n_migrations);
        database->version = (int) version;
        return 0;
}

/* One migration in one transaction, so that a crash leaves a version or the next, never something
 * between. */
static int migrate_once(Database *database, const char *migration, Error *reterr) {
        static const char sql_broken[] = "SELECT count(*) FROM pragma_foreign_key_check";
        static const char sql_version[] = "PRAGMA user_version";
        int64_t n_broken = 0, version = 0;
        int r = execute(database, "BEGIN IMMEDIATE", reterr);
        if (r >= 0)
                r = execute(database, migration, reterr);
        if (r >= 0)
                r = query_number(database, sql_broken, &n_broken, reterr);
        if (r >= 0)
                r = query_number(database, sql_version, &version, reterr);
        if (r >= 0 && (n_broken > 0 || version != database->version + 1))
                r = error_set(reterr, -EBADMSG, "%s: the migration from version %d does not fit",
                                database->path, database->version);
        if (r >= 0)
                r = execute(database, "COMMIT", reterr);
        if (r < 0) {
                (void) execute(database, "ROLLBACK", NULL); /* closing does the same */
                return r;
        }
        database->version++;
        database->was_migrated = true;
        return 0;
}

/* Before foreign keys are on: a migration may have to make a table anew that others refer to. */
static int migrate(Database *database, const char *const *scripts, Error *reterr) {
        if (database->version == 0) {
                int r = execute(database, "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL",
                                reterr);
                if (r < 0)
                        return r;
        }
        while (scripts[database->version]) {
                int r = migrate_once(database, scripts[database->version], reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int note_wal_pages(void *userdata, sqlite3 *handle, const char *name, int n_pages) {
        (void) handle;
        (void) name;
        ((Database *) userdata)->n_wal_pages = n_pages;
        return SQLITE_OK;
}

/* Made by us and not by SQLite: nobody else may read it at any time. The others (-wal, -shm) take
 * its mode over. */
static int make_file(const Database *database, Error *reterr) {
        cleanup_fd int fd = open(
                        database->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, "%s: cannot be made", database->path);
        return 0;
}

/* By access(), as opening and closing would drop the locks that this process has on the file. */
static int check_access(const Database *database, Error *reterr) {
        if (faccessat(AT_FDCWD, database->path, R_OK, AT_EACCESS) == 0)
                return 0;
        if (errno == ENOENT)
                return error_set(reterr, -ENOENT,
                                "%s: there is none yet: nothing was ever switched", database->path);
        if (errno == EACCES)
                return error_set(reterr, -EACCES, "%s: needs root", database->path);
        return error_set_errno(reterr, -errno, "%s: cannot be read", database->path);
}

/* SQLite follows a link, and waits at a pipe: an image may come from anybody. */
static int check_kind(const Database *database, Error *reterr) {
        struct stat status;
        if (lstat(database->path, &status) < 0)
                return error_set_errno(reterr, -errno, "%s: cannot be read", database->path);
        return S_ISREG(status.st_mode)
                               ? 0
                               : error_set(reterr, -EPERM, "%s: is no regular file: move it away",
                                                 database->path);
}

static int connect_file(Database *database, Error *reterr) {
        static const char settings[] = "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF;"
                                       "PRAGMA cache_size = -16000; PRAGMA synchronous = FULL";
        int r = check_kind(database, reterr);
        if (r < 0)
                return r;
        int access = database->mode == DATABASE_WRITE ? SQLITE_OPEN_READWRITE
                                                      : SQLITE_OPEN_READONLY;
        int code = sqlite3_open_v2(database->path, &database->handle,
                        access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_busy_timeout(database->handle, BUSY_TIMEOUT_MSEC);
        if (code != SQLITE_OK)
                return database_fail(database, code, reterr);
        (void) sqlite3_wal_hook(database->handle, note_wal_pages,
                        database); /* returns the hook before: none */
        return execute(database, settings, reterr);
}

static int64_t count(const char *const *scripts) {
        int64_t n_scripts = 0;
        while (scripts[n_scripts])
                n_scripts++;
        return n_scripts;
}

static int
open_write(Database *database, const char *directory, const char *const *scripts, Error *reterr) {
        int r = place_make(directory, reterr);
        if (r >= 0)
                r = make_file(database, reterr);
        if (r >= 0)
                r = connect_file(database, reterr);
        if (r >= 0)
                r = check_identity(database, count(scripts), reterr);
        if (r >= 0)
                r = migrate(database, scripts, reterr);
        if (r >= 0)
                r = execute(database, "PRAGMA foreign_keys = ON", reterr);
        return r;
}

static int open_read(Database *database, const char *const *scripts, Error *reterr) {
        int r = check_access(database, reterr);
        if (r >= 0)
                r = connect_file(database, reterr);
        if (r >= 0)
                r = execute(database, "BEGIN", reterr);
        if (r >= 0)
                r = check_identity(database, count(scripts), reterr);
        if (r >= 0 && database->version == 0)
                r = fail_unmade(database, reterr);
        return r;
}

int database_open_with(const char *directory,
                DatabaseMode mode,
                const char *const *scripts,
                Database **ret_database,
                Error *reterr) {
        cleanup(database_closep) Database *database = calloc(1, sizeof(*database));
        if (!database || !(database->path = place_path(directory, "state.db")))
                return error_oom(reterr);
        database->mode = mode;
        int r = mode == DATABASE_WRITE ? open_write(database, directory, scripts, reterr)
                                       : open_read(database, scripts, reterr);
        if (r < 0)
                return r;
        *ret_database = TAKE(database);
        return 0;
}

int database_open(
                const char *directory, DatabaseMode mode, Database **ret_database, Error *reterr) {
        return database_open_with(directory, mode, migrations, ret_database, reterr);
}

/* The last one to close a file with a write-ahead log puts the log into the file and syncs both, at
 * the end of every switch. A short log is left as it is: it is synced, and read quickly. All that
 * matters was committed: neither call has anything to tell. */
static void close_handle(Database *database) {
        int keep_log = database->n_wal_pages < CHECKPOINT_PAGES && !database->was_migrated;
        (void) sqlite3_db_config(
                        database->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep_log, NULL);
        (void) sqlite3_close(database->handle);
}

Database *database_close(Database *database) {
        if (!database)
                return NULL;
        for (size_t i = 0; i < database->n_statements; i++)
                (void) sqlite3_finalize(
                                database->statements[i]
                                                .handle); /* repeats an error that was told */
        if (database->handle)
                close_handle(database);
        free(database->path);
        free(database);
        return NULL;
}

int database_version(const Database *database) {
        return database->version;
}

int database_begin(Database *database, Error *reterr) {
        return execute(database, "BEGIN IMMEDIATE", reterr);
}

/* A checkpoint, which may follow, syncs all the same. */
int database_begin_unsynced(Database *database, Error *reterr) {
        int r = execute(database, "PRAGMA synchronous = NORMAL", reterr);
        database->is_unsynced = true;
        return r < 0 ? r : database_begin(database, reterr);
}

static int sync_again(Database *database, Error *reterr) {
        if (!database->is_unsynced)
                return 0;
        database->is_unsynced = false;
        return execute(database, "PRAGMA synchronous = FULL", reterr);
}

void database_rollback(Database *database) {
        if (!sqlite3_get_autocommit(database->handle))
                (void) execute(database, "ROLLBACK",
                                NULL);      /* fails only when SQLite has done it already */
        (void) !sync_again(database, NULL); /* fails only where it is read or written no more */
}

/* What could not be committed is open still, or is taken back already, as SQLite sees fit. */
int database_commit(Database *database, Error *reterr) {
        int r = execute(database, "COMMIT", reterr);
        if (r < 0)
                database_rollback(database);
        return r < 0 ? r : sync_again(database, reterr);
}

int database_vacuum(Database *database, Error *reterr) {
        return execute(database, "PRAGMA temp_store = MEMORY; VACUUM", reterr);
}

uint64_t database_steps(const Database *database) {
        uint64_t steps = 0;
        for (size_t i = 0; i < database->n_statements; i++)
                steps += (uint64_t) sqlite3_stmt_status(
                                database->statements[i].handle, SQLITE_STMTSTATUS_VM_STEP, 0);
        return steps;
}

uint64_t database_pages(const Database *database) {
        int hits = 0, misses = 0, highest = 0;
        (void) sqlite3_db_status(database->handle, SQLITE_DBSTATUS_CACHE_HIT, &hits, &highest,
                        0); /* known */
        (void) sqlite3_db_status(database->handle, SQLITE_DBSTATUS_CACHE_MISS, &misses, &highest,
                        0); /* known */
        return (uint64_t) hits + (uint64_t) misses;
}
