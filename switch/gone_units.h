/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A unit that had failed, and whose file a switch takes away, is nobody's any more; systemd would
 * list it as failed for ever. */

#include "diff/plan_units.h"
#include "switch/host.h"

/* Has systemd forget those that are gone by now, which owe nothing any more, once a switch from
 * before to after is committed. plan: what it acted on is left, as that it failed is told; NULL:
 * nothing is. Returns 0 or a negative errno, which changes nothing. */
int gone_units_forget(Host *host,
                const Tree *before,
                const Tree *after,
                const UnitPlan *plan,
                Error *reterr) must_check;
