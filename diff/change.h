/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a change of a unit's text means for a running unit: the keys that a daemon-reload takes over
 * (rule 6), those that govern stopping (rule 8), and what the daemon-reload itself ends. */

#include "diff/comparison.h"

typedef enum ChangeLevel {
        CHANGE_NONE,     /* the same text */
        CHANGE_LIVE,     /* only what a daemon-reload takes over */
        CHANGE_OPTIONS,  /* beyond that, only Options= of a mount */
        CHANGE_TEXT,     /* more than that */
        CHANGE_STOPPING, /* a key that governs stopping, too */
} ChangeLevel;

typedef struct Change {
        ChangeLevel level;
        bool has_options;   /* Options= of a mount is among what changed */
        bool has_resources; /* so is a limit or the like, systemd.resource-control(5) */
        bool is_ended; /* the daemon-reload ends it: a socket's Listen…=, BusName=, Type=dbus */
        const char *const *reasons; /* the keys that decide, and the file that has them */
        size_t n_reasons;
} Change;

/* Of a unit whose texts may differ. Returns 0 or -ENOMEM. */
int change_of(const Comparison *comparison, const Subject *subject, Change *ret_change) must_check;
