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

typedef struct ContainerCheckRun {
        const Check *check;
        void (*output)(void *userdata, const char *line); /* called before the function returns */
        void *userdata;
        /* Set: the exit status; -ETIMEDOUT; or another negative errno, with why it could not be
         * run: -ENOENT: the container does not run. */
        int status;
        Error error;
} ContainerCheckRun;

/* Lays the new trees beside the others of the bundles, where no switch finds them that is not this
 * one, and runs all, side by side, those of one container in turn; begin is told of each. -EINTR:
 * it was asked to stop. */
int container_checks_run(Host *host,
                const Prepared *prepared,
                ContainerCheckRun *runs,
                size_t n_runs,
                void (*begin)(void *userdata, size_t nth),
                void *userdata,
                Error *reterr) must_check;
