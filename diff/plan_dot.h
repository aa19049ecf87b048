/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan as a graph for dot(1), as "systemd-analyze dot" has the units': from what changed, over
 * what makes it count, to the unit that acts. */

#include "base/text.h"
#include "diff/plan.h"

void plan_to_dot(const Plan *plan, Text *text);
