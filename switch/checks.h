/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks the programs that know whether they can live with what the host shall have, before anything
 * is changed. */

#include "base/text.h"
#include "diff/check.h"
#include "switch/prepare.h"

typedef enum CheckOutcome {
        CHECK_PASSED,
        CHECK_WARNED, /* it fails, and says of the present configuration what it says of the new one
                       */
        CHECK_FAILED,
        CHECK_TIMED_OUT,
} CheckOutcome;

typedef struct CheckResult {
        const Check *check;
        CheckOutcome outcome;
        int exit_status;
        Strv lines; /* of its output, as many as are kept */
} CheckResult;

/* Of one run; in Prepared. */
typedef struct CheckResults {
        CheckResult *items;
        size_t n_items;
        bool left_out; /* --no-check */
} CheckResults;

CheckResults *check_results_free(CheckResults *results);
DEFINE_CLEANUP(CheckResults, check_results_free);

typedef struct ChecksOptions {
        bool leave_out;
        bool is_dry; /* a dry run, which writes nothing */
        /* May be NULL: "Check: nginx -t"; the output of one that warns. */
        void (*step)(void *userdata, const char *text);
        void (*output)(void *userdata, const char *line);
        void *userdata;
} ChecksOptions;

/* Runs all that the plan calls for, to the last, and keeps what they came to in prepared->checks.
 * Returns 0 when the switch may go on, -ECANCELED with the first that failed; -ENOENT: the program
 * of a [Check] is not there; -ENOTSUP: none can be run here. There are none for an image. */
int checks_run(Host *host, Prepared *prepared, const ChecksOptions *options, Error *reterr)
                must_check;

/* What those that failed said, with the files that they were run for. */
void add_failed_checks(const Prepared *prepared, Text *text);

const char *check_outcome_to_string(CheckOutcome outcome); /* "passed" */
