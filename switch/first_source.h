/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A first source, made of what a host is: the tree that a switch would adopt without changing
 * anything. Configuration files of packages that were changed, units, drop-ins and container
 * settings that lie in /etc and are no package's, and the units that are on or off against the
 * preset. */

#include "diff/tree.h"
#include "switch/host.h"

typedef struct FirstSource FirstSource;

int first_source_new(Host *host, FirstSource **ret_source, Error *reterr) must_check;
FirstSource *first_source_free(FirstSource *source);
DEFINE_CLEANUP(FirstSource, first_source_free);

/* The tree with a profile.conf; the caller's. */
int first_source_tree(FirstSource *source, Tree **ret_tree, Error *reterr) must_check;
/* Leaves a unit's being on or off unsaid, since a switch would act on it. false: it was not said.
 */
bool first_source_drop_unit(FirstSource *source, const char *unit);
