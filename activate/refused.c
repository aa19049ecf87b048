/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit with RefuseManualStop=yes refuses our stop, and goes down all the same where the plan says
 * that it does: with what it hangs on, or by the daemon-reload. Then nothing went wrong. */

#include "activate/plan_run.h"
#include "base/clock.h"

#include <errno.h>

enum {
        PATIENCE_USEC = 5 * 1000 * 1000
}; /* the job that takes it down is there, or there is none */

static bool is_refused(const ActionRun *action, Phase phase) {
        return action->action->verb == VERB_STOP && action->action->phase == phase &&
               action->job.stage == JOB_ENDED && action->job.outcome == JOB_REFUSED;
}

/* Waits for the stop that systemd has by itself. */
static int await_stop(PlanRun *run, const char *unit, Error *reterr) {
        Job *job = arena_new(&run->arena, Job, 1); /* the JobWait may keep it */
        if (!job)
                return error_oom(reterr);
        *job = (Job){ .unit = unit, .verb = VERB_STOP };
        int r = job_wait_join(run->wait, job, 1, reterr);
        uint64_t end_usec = now_usec() +
                            (run->left_usec < PATIENCE_USEC ? run->left_usec : PATIENCE_USEC);
        while (r >= 0 && job->stage == JOB_QUEUED && now_usec() < end_usec)
                r = job_wait_turn(run->wait, end_usec, reterr);
        return r;
}

int refused_settle(PlanRun *run, ActionRun *action, Phase phase, Error *reterr) {
        if (!is_refused(action, phase))
                return 0;
        UnitLook look = { .unit = action->action->unit };
        int r = await_stop(run, look.unit, reterr);
        if (r >= 0)
                r = unit_look(run->systemd, &look, 1, LOOK_STATE, reterr);
        if (r >= 0 && !unit_look_is_on(&look)) {
                action->job.outcome = JOB_DONE;
                action->job.message = NULL;
        }
        return r == -ECONNRESET ? 0 : r; /* it stays refused */
}
