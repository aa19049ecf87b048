/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What containers need of the host that are to be started. */

#include "switch/host.h"
#include "switch/prepare.h"

/* The first unit of the plan that starts a container where systemd-nspawn is not there; NULL. */
const char *container_needs_program(const Prepared *prepared);

/* A container of the new tree whose root has somebody's data, that no container ran on. Returns 1,
 * and what is wrong, as "FILE:LINE: …" in the arena of prepared; 0: none; *position is 0 at first.
 */
int container_needs_other_root(const Host *host,
                Prepared *prepared,
                size_t *position,
                const char **ret_name,
                const char **ret_fault,
                Error *reterr) must_check;

/* Adds a note to the plan, where it starts containers, and all that are to run need more inotify
 * instances than this host gives a user: what one sees of that is a start that times out. */
int container_needs_note(Prepared *prepared, Error *reterr) must_check;
