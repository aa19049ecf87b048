/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Time spans of systemd.time(7): "5", "100ms", "1min 30s", "infinity". */

#include "base/cleanup.h"

#include <stdint.h>

/* A number without a unit is seconds. UINT64_MAX: infinity. Returns 0, or -EINVAL for what is none.
 */
int time_span_parse(const char *text, uint64_t *ret_usec) must_check;
