/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs of a manager, any number at once, each from the call that queues it to its end. What became
 * of a job is in the job; an error of these functions means that the manager cannot be spoken to.
 */

#include "activate/report.h"
#include "activate/systemd.h"
#include "diff/plan.h"

typedef enum JobStage {
        JOB_IDLE,
        JOB_ASKED,  /* the call was made */
        JOB_QUEUED, /* the manager took it */
        JOB_ENDED,
} JobStage;

typedef struct Job {
        /* Set by the caller; the strings stay his. */
        const char *unit;
        Verb verb;
        bool restart_for_start;        /* a start that shall replace what runs */
        const char *invocation_before; /* InvocationID of the unit; "" none */
        /* Read by him. The strings are the JobWait's. */
        JobStage stage;
        JobOutcome outcome;            /* once it ended */
        const char *job_result;        /* as the manager named it; NULL */
        const char *message;           /* why it came to nothing, for people; NULL */
        uint64_t begin_usec, end_usec; /* CLOCK_MONOTONIC */
        uint64_t begin_realtime_usec;  /* CLOCK_REALTIME, for the journal */
        uint64_t stopping_usec;        /* when it was seen to go down; 0 not yet */
        bool is_settled; /* the unit is up, or at least on its way up; or there is no more to come
                          */
        char active_state[20]; /* as last heard of, also after the end; "" nothing heard */
        /* The JobWait's own. */
        bool was_sent; /* the call, at least once */
        uint32_t id;
        char *object;
        struct sd_bus_slot *slot;
} Job;

typedef struct JobWait JobWait;

/* systemd must outlive it, and so must the jobs while it is used. */
int job_wait_new(Systemd *systemd, JobWait **ret_wait, Error *reterr) must_check;
JobWait *job_wait_free(JobWait *wait); /* jobs that still run go on, and end unheard */
DEFINE_CLEANUP(JobWait, job_wait_free);

/* Makes the call for the job; before one that starts something, the unit's failures and its count
 * of starts are forgotten, so that its start limit does not hit us. */
int job_wait_add(JobWait *wait, Job *job, Error *reterr) must_check;

/* Jobs that the manager has by itself for these units become QUEUED, and are heard of like those
 * that were asked for; a unit that has none stays IDLE. */
int job_wait_join(JobWait *wait, Job *jobs, size_t n_jobs, Error *reterr) must_check;

/* Waits until something is heard, or until the instant until_usec of CLOCK_MONOTONIC. When the
 * manager drops the connection, it is made again, and all jobs that are not over are looked up. */
int job_wait_turn(JobWait *wait, uint64_t until_usec, Error *reterr) must_check;

/* Waits no more for this job. */
void job_wait_give_up(JobWait *wait, Job *job, JobOutcome outcome, const char *message);

/* Grows with each thing heard about a job: unchanged, no job changed. */
unsigned job_wait_n_events(const JobWait *wait);

/* "done" is JOB_DONE; a result that is not known counts as JOB_FAILED. ret_message: what it means,
 * for people; NULL where the outcome says it all. */
JobOutcome job_outcome_from_result(const char *result, const char **ret_message);

/* Forgets that a unit failed; no reply is waited for. */
int job_wait_reset_failed(Systemd *systemd, const char *unit) must_check;
