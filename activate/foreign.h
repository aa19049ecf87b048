/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The systemd of other namespaces (a container's, that of a copy of this host), over its private
 * socket: it needs neither a bus inside nor machined. What is inside is not trusted. The socket is
 * looked for from within, by a process that has entered all of the namespaces: whatever links are
 * made there, they do not lead to the systemd of this host. That process has nothing of ours but
 * the socket, and no rights: who is inside may see it, and hold it up. */

#include "activate/systemd.h"

/* process: the directory in /proc of one that is inside. Returns 0, or a negative errno: -ESRCH: it
 * is gone; -ETIMEDOUT: nobody answers. */
int foreign_connect(const char *process, Systemd **ret_systemd, Error *reterr) must_check;
