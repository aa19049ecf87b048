/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The last lines that a unit, and its manager about it, wrote to the journal. */

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Journal Journal;

/* Has journald write down what was sent to it so far (half a second at most), and opens all
 * journals of this host; or, where root is not "", those below its /run. Returns 0 or a negative
 * errno; there is nobody to tell how it failed. */
int journal_open(const char *root, Journal **ret_journal) must_check;
Journal *journal_close(Journal *journal);
DEFINE_CLEANUP(Journal, journal_close);

typedef struct JournalQuery {
        const char *unit;
        bool is_user; /* of the manager of user uid */
        uint32_t uid;
        /* One start of it; of a process that ended at once journald may not learn the start, so a
         * line that says nothing of it counts, too, when it is not older than since_usec of
         * CLOCK_REALTIME. NULL: all since then. */
        const char *invocation_id;
        uint64_t since_usec;
} JournalQuery;

/* The last n_entries entries, oldest first, as `journalctl --output=short` prints them; a message
 * of several lines is as many. The list is NULL-terminated and lives in the arena. */
int journal_tail(Journal *journal,
                const JournalQuery *query,
                size_t n_entries,
                Arena *arena,
                const char *const **ret_lines,
                size_t *ret_n_lines) must_check;
