/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A unit that is stopped and started again with another one, and whose process dies badly of the
 * stop, is failed until its start comes. That only tells what it came to. */

#include "activate/plan_run.h"
#include "base/clock.h"

enum { TURN_USEC = 1000 * 1000 };

static bool is_over(const PlanRun *run, const Job *job, uint64_t end_usec) {
        return job->stage != JOB_QUEUED || now_usec() >= end_usec ||
               (run->options.should_stop && run->options.should_stop());
}

int comeback_await(PlanRun *run, UnitLook *look, Error *reterr) {
        Job *job = arena_new(&run->arena, Job, 1); /* the JobWait may keep it */
        if (!job)
                return error_oom(reterr);
        *job = (Job){ .unit = look->unit, .verb = VERB_START };
        uint64_t begin_usec = now_usec();
        uint64_t end_usec = run->left_usec < UINT64_MAX - begin_usec ? begin_usec + run->left_usec
                                                                     : UINT64_MAX;
        int r = job_wait_join(run->wait, job, 1, reterr);
        while (r >= 0 && !is_over(run, job, end_usec))
                r = job_wait_turn(run->wait, now_usec() + TURN_USEC, reterr);
        return r < 0 ? r : unit_look(run->systemd, look, 1, LOOK_RESULT, reterr);
}
