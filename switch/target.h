/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch is to: the tree that a reference names, and the way there. */

#include "switch/engine.h"

/* The dry run's whole path, and the first half of a switch: nothing is changed in here. reference
 * NULL: the source that the profile was last given. What it would be refused for is in
 * (*ret_prepared)->problems, which is set in any case once there is a plan. 1: there is something
 * to do, and no plan was made of it, as the options say only_looks. */
int target_plan(Host *host,
                const char *reference,
                const EngineOptions *options,
                Prepared **ret_prepared,
                Error *reterr) must_check;
