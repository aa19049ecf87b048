-- SPDX-License-Identifier: LGPL-2.1-or-later
-- state.db as it is now; the way there is in migrations/. docs/state.md draws it.
-- Times are microseconds, or seconds and nanoseconds where the name says so, of the wall clock since the epoch.

PRAGMA application_id = 0x53595357;
PRAGMA user_version = 7;

CREATE TABLE profiles (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE CHECK (name <> ''),
        active INTEGER NOT NULL DEFAULT 0 CHECK (active BETWEEN 0 AND newest),
        default_number INTEGER NOT NULL DEFAULT 0 CHECK (default_number BETWEEN 0 AND newest),
        newest INTEGER NOT NULL DEFAULT 0 CHECK (newest BETWEEN 0 AND 2147483646),
        source TEXT
) STRICT;

CREATE TABLE generations (
        id INTEGER PRIMARY KEY,
        profile INTEGER NOT NULL REFERENCES profiles (id),
        number INTEGER NOT NULL CHECK (number > 0),
        created_usec INTEGER NOT NULL,
        user TEXT,
        description TEXT,
        path TEXT,
        commit_id TEXT,
        commit_subject TEXT,
        commit_author TEXT,
        commit_time_sec INTEGER NOT NULL,
        is_dirty INTEGER NOT NULL CHECK (is_dirty IN (0, 1)),
        UNIQUE (profile, number)
) STRICT;

-- Generations that are never pruned: the database refuses, too.
CREATE TABLE pins (
        profile INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (profile, number),
        FOREIGN KEY (profile, number) REFERENCES generations (profile, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE contents (
        id INTEGER PRIMARY KEY,
        digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
        size_bytes INTEGER NOT NULL CHECK (size_bytes = length(data)),
        data BLOB NOT NULL
) STRICT;

-- One row for each version of a path: it is in the generations first to last; last is 2147483647 while it is in the newest.
-- The key puts the rows of the newest generation side by side, in the order of a tree, and next to them those that the
-- youngest generations ended. root: see EntryRoot; later versions add some. What is small is one number, as every run reads
-- thousands of rows; it reads as kind (0 file, 1 link, 2 directory, 3 absent), mode, implied and secret. owner and
-- owner_group: NULL is root.
CREATE TABLE entries (
        profile INTEGER NOT NULL REFERENCES profiles (id),
        last INTEGER NOT NULL,
        root INTEGER NOT NULL CHECK (root >= 0),
        path TEXT NOT NULL CHECK (path <> ''),
        first INTEGER NOT NULL CHECK (first BETWEEN 1 AND last),
        attributes INTEGER NOT NULL CHECK (attributes BETWEEN 0 AND 65535),
        owner TEXT,
        owner_group TEXT,
        content INTEGER REFERENCES contents (id) CHECK ((content IS NOT NULL) = (kind = 0)),
        target TEXT CHECK ((target IS NOT NULL) = (kind = 1)),
        mode INTEGER AS (attributes & 4095) VIRTUAL,
        kind INTEGER AS (attributes >> 12 & 3) VIRTUAL,
        implied INTEGER AS (attributes >> 14 & 1) VIRTUAL,
        secret INTEGER AS (attributes >> 15) VIRTUAL,
        PRIMARY KEY (profile, last, root, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_first ON entries (profile, first);
CREATE INDEX entries_by_content ON entries (content) WHERE content IS NOT NULL;

-- The layer of the source that a path comes from since generation first, as "../../roles/common"; NULL: the source itself.
-- A path without a row was never in a layer.
CREATE TABLE entry_layers (
        profile INTEGER NOT NULL REFERENCES profiles (id),
        root INTEGER NOT NULL,
        path TEXT NOT NULL,
        first INTEGER NOT NULL CHECK (first > 0),
        layer TEXT,
        PRIMARY KEY (profile, root, path, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE switches (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        profile INTEGER NOT NULL REFERENCES profiles (id),
        state TEXT NOT NULL CHECK (state IN ('intent', 'staged', 'committed', 'undone')),
        verb TEXT NOT NULL,
        from_number INTEGER NOT NULL CHECK (from_number >= 0),
        to_number INTEGER NOT NULL CHECK (to_number >= 0),
        origin TEXT,
        commit_id TEXT,
        is_dirty INTEGER NOT NULL CHECK (is_dirty IN (0, 1)),
        user TEXT,
        started_usec INTEGER NOT NULL,
        ended_usec INTEGER,
        exit_status INTEGER,
        n_actions INTEGER NOT NULL,
        n_failed INTEGER NOT NULL,
        message TEXT,
        plan_json TEXT
, confirm_by_usec INTEGER) STRICT;
CREATE INDEX switches_by_profile ON switches (profile);
CREATE INDEX switches_open ON switches (profile) WHERE state IN ('intent', 'staged');
CREATE INDEX switches_committed ON switches (profile, to_number) WHERE state = 'committed';

-- uid: 4294967295 is the system manager, else the user's whose manager it is.
CREATE TABLE switch_actions (
        switch INTEGER NOT NULL REFERENCES switches (id),
        sequence INTEGER NOT NULL,
        unit TEXT NOT NULL,
        uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
        verb TEXT NOT NULL CHECK (verb IN ('stop', 'start', 'restart', 'reload', 'skip')),
        reason TEXT,
        outcome TEXT,
        before_state TEXT,
        duration_usec INTEGER NOT NULL DEFAULT 0, owes TEXT CHECK (owes IN ('restart', 'reload')),
        PRIMARY KEY (switch, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE debt (
        profile INTEGER NOT NULL REFERENCES profiles (id),
        uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
        unit TEXT NOT NULL,
        verb TEXT NOT NULL CHECK (verb IN ('stop', 'start', 'restart', 'reload', 'skip')),
        cause TEXT NOT NULL CHECK (cause IN ('skipped', 'failed', 'timeout', 'held-down')),
        reason TEXT,
        invocation_id TEXT NOT NULL,
        since_usec INTEGER NOT NULL,
        switch INTEGER REFERENCES switches (id),
        PRIMARY KEY (profile, uid, unit)
) STRICT, WITHOUT ROWID;

-- What was in the way when a path was first managed, as it was; it comes back when the path is managed no more.
CREATE TABLE displaced (
        profile INTEGER NOT NULL REFERENCES profiles (id),
        root INTEGER NOT NULL CHECK (root >= 0),
        path TEXT NOT NULL CHECK (path <> ''),
        switch INTEGER NOT NULL REFERENCES switches (id),
        kind TEXT NOT NULL CHECK (kind IN ('file', 'link', 'directory')),
        mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 4095),
        uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
        gid INTEGER NOT NULL CHECK (gid BETWEEN 0 AND 4294967295),
        mtime_nsec INTEGER NOT NULL,
        content INTEGER REFERENCES contents (id) CHECK ((content IS NOT NULL) = (kind = 'file')),
        target TEXT CHECK ((target IS NOT NULL) = (kind = 'link')),
        xattrs BLOB,
        PRIMARY KEY (profile, root, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX displaced_by_content ON displaced (content) WHERE content IS NOT NULL;

-- The displaced ones that were a package's, as the package manager had it: when the package is gone, they are not given
-- back but saved.
CREATE TABLE packaged (
        profile INTEGER NOT NULL,
        root INTEGER NOT NULL,
        path TEXT NOT NULL,
        PRIMARY KEY (profile, root, path),
        FOREIGN KEY (profile, root, path) REFERENCES displaced (profile, root, path) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What was edited by hand and overridden, as it was; pruning leaves it.
CREATE TABLE saved (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        profile INTEGER NOT NULL REFERENCES profiles (id),
        root INTEGER NOT NULL CHECK (root >= 0),
        path TEXT NOT NULL CHECK (path <> ''),
        switch INTEGER NOT NULL REFERENCES switches (id),
        saved_usec INTEGER NOT NULL,
        secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
        kind TEXT NOT NULL CHECK (kind IN ('file', 'link', 'directory')),
        mode INTEGER NOT NULL CHECK (mode BETWEEN 0 AND 4095),
        uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
        gid INTEGER NOT NULL CHECK (gid BETWEEN 0 AND 4294967295),
        mtime_nsec INTEGER NOT NULL,
        content INTEGER REFERENCES contents (id) CHECK ((content IS NOT NULL) = (kind = 'file')),
        target TEXT CHECK ((target IS NOT NULL) = (kind = 'link')),
        xattrs BLOB
) STRICT;
CREATE INDEX saved_by_profile ON saved (profile);
CREATE INDEX saved_by_content ON saved (content) WHERE content IS NOT NULL;

-- Of these, what a package put in the place of a managed file: it becomes the displaced one when the switch is committed.
CREATE TABLE renewals (
        saved INTEGER PRIMARY KEY REFERENCES saved (id) ON DELETE CASCADE
) STRICT;

-- What the initrd of a kernel was made with (diff/initrd.h has the format) by which switch: the last one that was committed
-- counts. One that somebody else made is noted with the one that was the last then.
CREATE TABLE initrds (
        kernel TEXT NOT NULL CHECK (kernel <> ''),
        switch INTEGER NOT NULL REFERENCES switches (id),
        modules TEXT NOT NULL,
        PRIMARY KEY (kernel, switch)
) STRICT, WITHOUT ROWID;

-- What git's index is to a work tree: stat data and digests of a source's files as they were last read (stat_cache.h has
-- the format). Whoever deletes entries empties this table.
CREATE TABLE stat_cache (
        id INTEGER PRIMARY KEY,
        source TEXT NOT NULL UNIQUE,
        stored_usec INTEGER NOT NULL,
        data BLOB NOT NULL
) STRICT;
