/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch owes a unit, somebody else may give it: a restart by hand, or a log-out that ends
 * the manager of its user. */

#include "base/error.h"
#include "diff/plan.h"
#include "switch/host.h"

/* Looks at the units of debts, sorted by user, and puts the paid ones behind the others, whose
 * number is ret_n_owed. A debt that does not know of which run of its unit it is, is of the one
 * found: the ID is the arena's. A host that is not connected is not asked, and all is owed but
 * what was activated in a container. */
int paid_find(Host *host,
                Arena *arena,
                Debt *debts,
                size_t n_debts,
                size_t *ret_n_owed,
                Error *reterr) must_check;
