/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The two clocks, in microseconds. */

#include <stdint.h>

uint64_t now_usec(void);          /* CLOCK_MONOTONIC: for deadlines and durations */
uint64_t now_realtime_usec(void); /* CLOCK_REALTIME: for what is remembered */
