/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the host knows of a running container by itself: nothing is asked of what runs inside, so
 * that one that hangs is looked at like any other. */

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ContainerLook {
        pid_t leader;        /* its first process; 0: it does not run */
        uint64_t since_usec; /* CLOCK_REALTIME: its start */
        bool shares_network; /* with the host */
        Strv addresses;      /* else: its own, but for those of loopback and of links */
} ContainerLook;

int container_look(const char *name, ContainerLook *ret_look, Error *reterr) must_check;
void container_look_done(ContainerLook *look);
