/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one database, /var/lib/sysswitch/state.db: opened, migrated, and its errors folded into ours
 * (the only place). */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Database Database;

typedef enum DatabaseMode {
        DATABASE_READ, /* never waits for a switch, never migrates; an older schema is read as it is
                        */
        DATABASE_WRITE, /* created and migrated when needed: only under the switch lock */
} DatabaseMode;

/* directory: /var/lib/sysswitch, made 0700 for DATABASE_WRITE. What a DATABASE_READ one reads is of
 * one moment, that of its first statement. Returns 0; -ENOENT (read: there is none yet); -EACCES;
 * -EROFS; -EBADMSG for a damaged one, -EOVERFLOW for one of a newer version: what to do is in the
 * message. */
int database_open(const char *directory, DatabaseMode mode, Database **ret_database, Error *reterr)
                must_check;
/* scripts: the migrations, NULL-terminated, instead of the program's own; each sets user_version
 * one higher. */
int database_open_with(const char *directory,
                DatabaseMode mode,
                const char *const *scripts,
                Database **ret_database,
                Error *reterr) must_check;
Database *database_close(Database *database);
DEFINE_CLEANUP(Database, database_close);

/* user_version: how many migrations the file has seen. */
int database_version(const Database *database);

/* One transaction at a time: BEGIN IMMEDIATE. database_close() rolls an open one back. */
int database_begin(Database *database, Error *reterr) must_check;
/* The same; what is committed in it is whole after a power cut or not there, until the caller has
 * synced the file system or commits another one. */
int database_begin_unsynced(Database *database, Error *reterr) must_check;
int database_commit(Database *database, Error *reterr) must_check;
void database_rollback(Database *database);

/* Virtual machine steps and pages visited since the database was opened: how cost grows is tested
 * with it. */
uint64_t database_steps(const Database *database);
uint64_t database_pages(const Database *database);
