/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/process_turn.h"

#include "base/cleanup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_STEPS_MSEC = 50 }; /* of the processor: what ends at once has ended by then */

/* The manager's child has its name in parentheses until it executes the program. "Z": it has ended.
 * Whoever waits for something else than the processor or a disk has come as far as it can. */
bool process_awaits_turn(const char *root, uint32_t pid) {
        char path[128], text[512], state;
        unsigned long user, kernel;
        (void) snprintf(path, sizeof(path), "%s/proc/%u/stat", root, pid); /* fits */
        cleanup_file FILE *file = pid != 0 ? fopen(path, "re") : NULL;
        const char *name = file && fgets(text, sizeof(text), file) ? strchr(text, '(') : NULL;
        const char *end = name ? strrchr(name, ')') : NULL;
        if (!end || sscanf(end + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state,
                                    &user, &kernel) != 3)
                return false;
        if (name[1] == '(' || state == 'Z')
                return true;
        long ticks = sysconf(_SC_CLK_TCK);
        return (state == 'R' || state == 'D') &&
               (user + kernel) * 1000 < (unsigned long) ticks * FIRST_STEPS_MSEC;
}
