/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t clock) {
        struct timespec now;
        (void) clock_gettime(clock, &now); /* cannot fail: the clock exists */
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

uint64_t now_usec(void) {
        return read_clock(CLOCK_MONOTONIC);
}

uint64_t now_realtime_usec(void) {
        return read_clock(CLOCK_REALTIME);
}
