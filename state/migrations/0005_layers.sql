-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Which layer of the source a path comes from.

CREATE TABLE entry_layers (
        profile INTEGER NOT NULL REFERENCES profiles (id),
        root INTEGER NOT NULL,
        path TEXT NOT NULL,
        first INTEGER NOT NULL CHECK (first > 0),
        layer TEXT,
        PRIMARY KEY (profile, root, path, first)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 5;
