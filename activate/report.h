/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What carrying out a plan came to. A unit that fails is data here, no error of ours. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/plan.h"

#include <stdint.h>

typedef enum JobOutcome {
        JOB_DONE,
        JOB_SKIPPED, /* nothing was to be done any more: the unit is as wanted, or its condition
                        does not hold */
        JOB_FAILED,
        JOB_DEPENDENCY,
        JOB_CANCELED,
        JOB_TIMEOUT, /* our deadline, or the job's own */
        JOB_REFUSED, /* the manager did not take the call: see message */
        JOB_NOT_RUN, /* the plan ended before */
        N_JOB_OUTCOMES,
} JobOutcome;

typedef struct ActionReport {
        const UnitAction *action;
        JobOutcome outcome;
        const char *job_result;        /* as systemd named it; NULL */
        const char *message;           /* for people, one line; NULL */
        const char *invocation_before; /* InvocationID in hex; "" none */
        const char *before_state;      /* ActiveState before the switch */
        uint64_t duration_usec;        /* from the call to the end of the job */
        const char *const *log; /* a bad outcome of a unit that is not among the failures: its lines
                                   since the call */
        size_t n_log;
} ActionReport;

typedef enum FailureCause {
        FAILURE_CAUSED, /* by an action of this switch, or dragged along by one */
        FAILURE_DURING, /* failed meanwhile, nothing of ours touched it */
        FAILURE_BEFORE, /* had failed before and still is */
} FailureCause;

typedef struct UnitFailure {
        const char *unit;
        FailureCause cause;
        const char *active_state, *sub_state, *result; /* "failed", "failed", "exit-code"; result is
                                                          "bad-setting" and the like where systemd
                                                          refused to load the unit */
        int exec_main_code, exec_main_status;          /* CLD_…, and its status or signal */
        const char *const *log; /* the last ten journal lines of this start, none for
                                   FAILURE_BEFORE; NULL-terminated */
        size_t n_log;
} UnitFailure;

typedef struct Report {
        Arena arena;
        ActionReport *actions; /* one for each action of the plan, skips too, in its order */
        size_t n_actions;
        UnitFailure *failures;
        size_t n_failures;
        bool daemon_reloaded;
} Report;

Report *report_new(void) must_check;
Report *report_free(Report *report);
DEFINE_CLEANUP(Report, report_free);

/* Failures that this switch caused, and actions that failed, timed out or were refused. */
size_t report_n_caused(const Report *report);

/* The unit to name when only one is; NULL: nothing that this switch caused. report may be NULL. */
const char *report_first_failed(const Report *report);

const char *job_outcome_to_string(JobOutcome outcome);
bool job_outcome_is_bad(JobOutcome outcome); /* all but done and skipped */
