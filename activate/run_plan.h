/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Carries out the plan of one manager: the stops before the flip, then, after it, daemon-reload and
 * the rest group by group, every job awaited with one deadline. Decides nothing. */

#include "activate/report.h"
#include "activate/systemd.h"
#include "diff/plan.h"
#include "diff/restore.h"

typedef enum ProgressKind {
        PROGRESS_BEGIN, /* an action's job was queued */
        PROGRESS_WAIT,  /* once a second while jobs run: the oldest one and its age */
        PROGRESS_END,
        PROGRESS_DAEMON, /* a daemon-reload begins */
} ProgressKind;

typedef struct Progress {
        ProgressKind kind;
        const char *unit; /* NULL for PROGRESS_DAEMON */
        Verb verb;
        JobOutcome outcome; /* PROGRESS_END */
        uint64_t age_usec;
        unsigned n_ended, n_total;
} Progress;

typedef struct RunOptions {
        uint64_t timeout_usec; /* for all jobs together; 0: no limit */
        void (*progress)(void *userdata, const Progress *progress); /* may be NULL */
        /* May be NULL. Asked while jobs are awaited: true ends that with -EINTR. */
        bool (*should_stop)(void);
        void *userdata;
} RunOptions;

typedef struct PlanRun PlanRun;

/* Plan and systemd must outlive the run. Notes the states before: ActiveState, InvocationID, what
 * had failed. */
int plan_run_new(Systemd *systemd,
                const UnitPlan *plan,
                const RunOptions *options,
                PlanRun **ret_run,
                Error *reterr) must_check;
PlanRun *plan_run_free(PlanRun *run);
DEFINE_CLEANUP(PlanRun, plan_run_free);

/* What the units that act, or are dragged along, are before the run; uid is not set. The run's. */
int plan_run_before(PlanRun *run, const UnitBefore **ret_units, size_t *ret_n_units) must_check;

/* PHASE_STOP. A stop that fails is in the report; the run goes on. */
int plan_run_stop(PlanRun *run, Error *reterr) must_check;
/* Starts again what plan_run_stop() stopped: the flip did not happen or was undone. */
int plan_run_restore(PlanRun *run, Error *reterr) must_check;
/* daemon-reload when the plan has one, and all later phases. */
int plan_run_activate(PlanRun *run, Error *reterr) must_check;
/* Looks at every unit that acted, now and a moment later (a start job's "done" proves little),
 * reads the failures with their journal lines. The report's strings live in it; its actions point
 * into the plan. When the manager cannot be asked, that is the error, and the report tells what the
 * jobs came to; NULL when out of memory. */
int plan_run_report(PlanRun *run, Report **ret_report, Error *reterr) must_check;
