/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A first source, made of what a host is: the tree that a switch would adopt without changing
 * anything. Configuration files of packages that were changed, what lies in /etc and is no
 * package's, the units that are on, but for systemd's own, and those that are off against the
 * preset. */

#include "diff/tree.h"
#include "switch/host.h"
#include "switch/own_files.h"

typedef struct FirstSource FirstSource;

int first_source_new(Host *host, FirstSource **ret_source, Error *reterr) must_check;
FirstSource *first_source_free(FirstSource *source);
DEFINE_CLEANUP(FirstSource, first_source_free);

/* The tree with a profile.conf; the caller's. */
int first_source_tree(FirstSource *source, Tree **ret_tree, Error *reterr) must_check;
/* Leaves a unit's being on or off unsaid, since a switch would act on it. false: it was not said.
 */
bool first_source_drop_unit(FirstSource *source, const char *unit);
/* And the way back, of one that was on. */
bool first_source_take_back(FirstSource *source, const char *unit);
/* Said to be on; good until one of the two calls above. */
const Strv *first_source_enabled(const FirstSource *source);
const LeftOut *first_source_left_out(const FirstSource *source);
/* Without the file at a path below /etc from now on, and of a unit what enables it. Returns 1, 0
 * when it is left out already, -ENOMEM. */
int first_source_leave_out(FirstSource *source, const char *path, const char *why) must_check;
