/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One switch at a time. The lock is the kernel's (an open file description's, fcntl_locking(2): it
 * can be asked for without being taken), so a stale one cannot exist; its file tells who holds it.
 */

#include "base/error.h"

#include <stdint.h>

typedef struct LockHolder {
        int32_t pid;         /* 0: not known */
        uint64_t since_usec; /* CLOCK_REALTIME; 0: not known */
        char what[128];      /* "switch examples/edge1 by root" */
} LockHolder;

/* directory: /var/lib/sysswitch, made when absent. Returns the descriptor, closed to unlock; -EBUSY
 * with ret_holder filled and the holder named in the message. */
int lock_take(const char *directory, const char *what, LockHolder *ret_holder, Error *reterr)
                must_check;
/* -EBUSY, with the holder named. */
int lock_fail_busy(const LockHolder *holder, Error *reterr);
/* 1: held, ret_holder filled; 0: free; negative errno. Never waits. */
int lock_query(const char *directory, LockHolder *ret_holder, Error *reterr) must_check;
