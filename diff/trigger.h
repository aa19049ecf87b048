/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which units a changed file below /etc, or a changed value, makes act (rules T1 to T5). */

#include "diff/comparison.h"

typedef struct TriggerReason {
        const char *what; /* "/etc/nginx/nginx.conf changed"; NULL: none fired */
        const char *why;  /* "[Trigger] profile.conf:12", "EnvironmentFile=" */
} TriggerReason;

typedef struct Trigger {
        TriggerReason restart, reload; /* the first of each */
        bool starts; /* a reader that runs at boot: it starts when it is off (rule T4) */
} Trigger;

/* The subject's, made when it has none; NULL when memory is short. */
Trigger *trigger_of(Comparison *comparison, Subject *subject) must_check;

/* container_trigger.c: what changed of containers, which makes their units act. */
int container_trigger_find(Comparison *comparison, Error *reterr) must_check;

/* Fills Subject.trigger; there may be new subjects, without edges: comparison_connect() follows. */
int trigger_find(Comparison *comparison, Error *reterr) must_check;

/* reader.c: the unit that reads this file below /etc once, early in a boot (rule T4); NULL: none.
 */
const char *trigger_boot_reader(const char *path);
/* Is it one of these? They stay active once they ran. */
bool trigger_runs_at_boot(const char *unit);
