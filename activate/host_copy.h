/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A throw-away copy of this host, with another /etc, booted by systemd-nspawn.
 *
 * 1. It is seen, and may write, through overlays on a tmpfs only (activate/copy_space.h).
 * 2. All of it is in a user namespace in which every id is itself, so that its root has no right
 * over what is the host's: it cannot mount a disk, make a device or set the clock, and what is
 * read-only when it begins (/sys, /proc/sys) stays so. Its network is a loopback, on which any
 * address can be bound.
 * 3. All its processes are in one pid namespace whose first process ends with ours, however we end;
 * with the last of them go the mounts. Its cgroup is a scope that the host's systemd removes then.
 */

#include "activate/future.h"
#include "activate/systemd.h"
#include "base/arena.h"

#include <stdbool.h>

typedef struct HostCopy HostCopy;

typedef struct HostCopyOptions {
        const FutureFile *files; /* as future_make() has them */
        size_t n_files;
        const char *hidden;        /* an absolute path that the copy has empty; NULL */
        uint64_t end_usec;         /* the deadline, of CLOCK_MONOTONIC */
        bool (*should_stop)(void); /* NULL, or asked at every signal, and each second */
} HostCopyOptions;

/* Can it be had here? -ENOENT: a program is missing, and reterr says which package has it. */
int host_copy_check(Error *reterr) must_check;

/* systemd: the host's, which must outlive the copy. Returns 1 once its start is over, whatever that
 * came to; 0 when at the deadline it was not. -EINTR: it should stop. -ENOTSUP: it cannot be made
 * here; -ECHILD: it ended. Nothing is left of it then. */
int host_copy_boot(Systemd *systemd,
                const HostCopyOptions *options,
                HostCopy **ret_copy,
                Error *reterr) must_check;
/* Its manager, which is the copy's. */
Systemd *host_copy_systemd(HostCopy *copy);
/* The last lines of a unit, as journal_tail() has them; that there are none to be had is no error.
 * Returns 0 or -ENOMEM. */
int host_copy_read_log(HostCopy *copy,
                const char *unit,
                Arena *arena,
                const char *const **ret_lines,
                size_t *ret_n_lines) must_check;
/* When it returns nothing is left of it. */
HostCopy *host_copy_free(HostCopy *copy);
DEFINE_CLEANUP(HostCopy, host_copy_free);
