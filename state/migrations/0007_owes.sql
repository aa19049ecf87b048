-- SPDX-License-Identifier: LGPL-2.1-or-later
-- What a skip leaves to be done, so that it is known where the record is ended late.

PRAGMA user_version = 7;

ALTER TABLE switch_actions ADD COLUMN owes TEXT CHECK (owes IN ('restart', 'reload'));
UPDATE switch_actions SET owes = 'restart' WHERE verb = 'skip';
