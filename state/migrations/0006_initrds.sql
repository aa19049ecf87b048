-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What the initrd of a kernel was made with.

CREATE TABLE initrds (
        kernel TEXT NOT NULL CHECK (kernel <> ''),
        switch INTEGER NOT NULL REFERENCES switches (id),
        modules TEXT NOT NULL,
        PRIMARY KEY (kernel, switch)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 6;
