/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What became of a switch whose engine was killed. */

#include "base/error.h"

#include <stdint.h>

/* Waits for the service that recovers, and says on standard error what the switch that began at
 * started_usec (CLOCK_REALTIME) came to. Returns its exit status. */
int aftermath_await(uint64_t started_usec, Error *reterr) must_check;
