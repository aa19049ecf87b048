/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What this boot was told, and when it began. */

#include "base/error.h"

#include <stdint.h>

typedef struct Booted {
        uint64_t began_usec; /* CLOCK_REALTIME, as far as it is right now: when PID 1 started */
        int64_t generation;  /* sysswitch.generation=N of the kernel's command line; -1: none */
} Booted;

int booted_read(Booted *ret_booted, Error *reterr) must_check;

/* The N of the last sysswitch.generation=N among the words of a command line; -1: none. */
int64_t booted_generation_in(const char *command_line);
