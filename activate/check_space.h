/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The place in which a check runs. To be called in a process of its own, which enters it.
 *
 * 1. Mount, network, IPC and host name are its own; nothing of it is seen outside, ever: the mounts
 *    are private from the first, and their upper layers are on a tmpfs that nobody else has.
 * 2. Every file system of the host is there by an overlay, or, where there can be none on it,
 *    read-only. /dev has null, zero, full, random and urandom; /proc and /sys are read-only.
 * 3. No socket of /run is there, so neither systemd, the bus nor the journal can be asked for
 *    anything; those elsewhere lead nowhere, as an overlay's files are not the bound ones.
 * 4. The network is a loopback only, on which any address can be bound.
 * 5. Its processes are those of a pid namespace whose first process is ours. They may not mount,
 *    make devices, load modules or trace. */

#include "base/error.h"

/* Namespaces and mounts, up to the new root. hidden: an absolute path to be empty; NULL. The next
 * child is the first process of the pid namespace. Returns 0 or a negative errno. */
int check_space_enter(const char *hidden, Error *reterr) must_check;

/* In the first process of the pid namespace: /proc, and what is set by it. */
int check_space_begin(Error *reterr) must_check;

/* In the process that executes the program: gives up what it must not have. */
int check_space_confine(Error *reterr) must_check;
