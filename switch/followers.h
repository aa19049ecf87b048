/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A container that follows a profile of its own has inside what the default generation of that
 * profile says, and the host's tree says only which profile that is. What a switch plans by and
 * lays down is the whole: the host's tree with these trees in their places. So a switch of the host
 * leaves a follower alone, a switch of a profile activates all its followers, and both are planned
 * and carried out by the same rules. */

#include "switch/prepare.h"

/* What a container has inside by the active generation, whether it follows a profile or not; the
 * host's strings and contents. -ENOENT: it is not declared. */
int followers_load(Host *host, const char *container, Tree **ret_inside, Error *reterr) must_check;

/* Completes prepared->effective: of a switch of the host, its trees as they are there; of one of a
 * profile of containers, both are made from the host's active generation, which it leaves alone. */
int followers_add(Host *host, Prepared *prepared, Error *reterr) must_check;

/* Adds a note to the plan when it is one of containers, and the host has none that follows: what is
 * stored is in force nowhere. */
int followers_note(const Host *host, Prepared *prepared, Error *reterr) must_check;
