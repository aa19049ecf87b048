-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Generations that are never pruned, and the way from a content to all that has it: by these keys pruning finds out, and
-- the database itself enforces, what nothing refers to any more. What was given back before left its content behind.

PRAGMA user_version = 2;

CREATE TABLE pins (
        profile INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (profile, number),
        FOREIGN KEY (profile, number) REFERENCES generations (profile, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX entries_by_content ON entries (content) WHERE content IS NOT NULL;
CREATE INDEX displaced_by_content ON displaced (content) WHERE content IS NOT NULL;
CREATE INDEX saved_by_content ON saved (content) WHERE content IS NOT NULL;

DELETE FROM contents WHERE id NOT IN (
        SELECT content FROM entries WHERE content IS NOT NULL
        UNION SELECT content FROM displaced WHERE content IS NOT NULL
        UNION SELECT content FROM saved WHERE content IS NOT NULL);
DELETE FROM stat_cache;
