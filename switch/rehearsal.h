/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A rehearsal: what a switch would make of this host, booted in a throw-away copy of it. */

#include "base/text.h"
#include "diff/rehearsal.h"
#include "switch/output.h"
#include "switch/prepare.h"

typedef struct RehearsalOptions {
        uint64_t timeout_usec; /* for a copy to boot and its units to start; 0: none */
        void (*step)(void *userdata, const char *text); /* may be NULL */
        void *userdata;
} RehearsalOptions;

/* Of one run; in Prepared. */
typedef struct Rehearsal {
        Arena arena;
        bool was_over; /* the boot, at the deadline */
        RehearsalTrouble *troubles;
        size_t n_troubles;
        const char *const *left_out; /* units of the plan that such a copy skips */
        size_t n_left_out;
        size_t n_up; /* units of the plan that came up */
        uint64_t duration_usec;
} Rehearsal;

Rehearsal *rehearsal_free(Rehearsal *rehearsal);
DEFINE_CLEANUP(Rehearsal, rehearsal_free);

/* Boots the copy, starts the units of the plan in it, and keeps what that came to in
 * prepared->rehearsal. Units that fail are compared with a copy of the host as it is: what fails
 * there too is not the change's fault. Returns 0 when it went well, -ECANCELED with the first unit
 * that failed; -EINTR: asked to stop; -ENOTSUP and others: there can be no copy. Nothing of it is
 * left, however it ends. */
int rehearsal_run(Host *host, Prepared *prepared, const RehearsalOptions *options, Error *reterr)
                must_check;

/* What failed, with its last log lines; and what it came to. */
void add_troubles(const Output *output, const Rehearsal *rehearsal, Text *text);
void add_rehearsal(const Output *output, const Rehearsal *rehearsal, Text *text);
