/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The place in which a copy of this host boots.
 *
 * 1. All that is left of the host's file systems are overlays: of the mount namespace that this is
 * made in, whose root is one of them, and of COPY_SPACE_DIRECTORY in it, where the same overlays
 * are once more, for systemd-nspawn to boot. Where there can be no overlay there is nothing: a
 * read-only bind could be made writable again by whoever has the right to mount.
 * 2. /run and /tmp of the host are not there, so none of its sockets is.
 * 3. /sys is the host's, as systemd-nspawn makes the cgroups of what it boots, but read-only: so is
 * each that is mounted in what it boots, as systemd-nspawn leaves this one beneath. */

#include "base/error.h"

#define COPY_SPACE_DIRECTORY "/run/copy"

/* In the first process of a mount and a pid namespace of its own. hidden: an absolute path to be
 * empty; NULL. */
int copy_space_enter(const char *hidden, Error *reterr) must_check;
