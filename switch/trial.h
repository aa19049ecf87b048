/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is tried before anything is changed: the checks, and then, where it is asked for, a
 * rehearsal. */

#include "switch/prepare.h"

typedef struct TrialOptions {
        bool leave_out_checks;
        bool is_dry; /* a dry run, which writes nothing */
        bool rehearses;
        uint64_t timeout_usec; /* of a rehearsal; 0: none */
        /* May be NULL, as of ChecksOptions. */
        void (*step)(void *userdata, const char *text);
        void (*output)(void *userdata, const char *line);
        void *userdata;
} TrialOptions;

/* Returns as checks_run() and rehearsal_run() do; what failed is in prepared. */
int trial_run(Host *host, Prepared *prepared, const TrialOptions *options, Error *reterr)
                must_check;
