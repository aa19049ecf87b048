/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* [Check] of what runs inside a container. Nothing that runs with the host's rights executes a
 * program of a container: its own systemd does, in a place where /etc is the new one. So only one
 * that runs is asked. */

#include "diff/check.h"
#include "switch/prepare.h"

/* Those that the plan calls for, of the containers that it activates or reboots; in the arena of
 * prepared. */
int container_checks_list(Host *host,
                Prepared *prepared,
                Check **ret_checks,
                size_t *ret_n_checks,
                Error *reterr) must_check;

/* Lays the new tree beside the others of its bundle, where no switch finds it that is not this one.
 * Returns the exit status; -ETIMEDOUT; -ENOENT: the container does not run. */
int container_check_run(Host *host,
                const Prepared *prepared,
                const Check *check,
                void (*output)(void *userdata, const char *line),
                void *userdata,
                Error *reterr) must_check;
