-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Until when a switch that is complete waits for its confirmation.

PRAGMA user_version = 3;

ALTER TABLE switches ADD COLUMN confirm_by_usec INTEGER;
