/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A scope: the cgroup, in the host's systemd, of processes that are not its own. */

#include "activate/systemd.h"

#include <sys/types.h>

/* Puts the process into a new one, and waits until it is there: what it starts from then on is in
 * it too. It may make cgroups of its own below, has no device but the harmless ones, and gives way
 * to everything else. */
int scope_start(Systemd *systemd,
                const char *name,
                const char *description,
                pid_t pid,
                Error *reterr) must_check;

/* Ends what is in it, and waits until it is gone; that there is none is no error. */
int scope_end(Systemd *systemd, const char *name, Error *reterr) must_check;
