/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a process that was just started has had the time that its first steps take, on a machine
 * that is short of it. */

#include <stdbool.h>
#include <stdint.h>

/* It does not run its own program yet, has had hardly any of the processor and wants more, or has
 * ended and its manager has not seen to it. root: where its /proc is. false: also when it is not
 * there. */
bool process_awaits_turn(const char *root, uint32_t pid);
