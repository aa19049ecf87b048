/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The systemd inside a running container, over its private socket, which is reached through its
 * namespaces: it needs neither a bus inside nor machined. What is inside is not trusted: each call
 * has its deadline, as with a user's manager. */

#include "activate/systemd.h"

#include <sys/types.h>

/* -ENOENT: it does not run. */
int container_leader(const char *name, pid_t *ret_leader, Error *reterr) must_check;
int container_connect(
                const char *name, pid_t leader, Systemd **ret_systemd, Error *reterr) must_check;

/* Has it run PROGRAM ARGUMENT… once, to its end. -ECHILD: it failed. */
int container_run(Systemd *systemd,
                const char *unit,
                const char *const arguments[4],
                uint64_t timeout_usec,
                Error *reterr) must_check;
