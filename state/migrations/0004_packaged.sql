-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What of the displaced files is a package's, and what comes to be that by a switch.

CREATE TABLE packaged (
        profile INTEGER NOT NULL,
        root INTEGER NOT NULL,
        path TEXT NOT NULL,
        PRIMARY KEY (profile, root, path),
        FOREIGN KEY (profile, root, path) REFERENCES displaced (profile, root, path) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE renewals (
        saved INTEGER PRIMARY KEY REFERENCES saved (id) ON DELETE CASCADE
) STRICT;

PRAGMA user_version = 4;
