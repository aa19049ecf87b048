/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the change of the files and the daemon-reload make systemd do by itself: path units start
 * their services, which the plan names as triggered. Their jobs are not asked for, but waited for:
 *
 *   1. A path unit whose service was just stopped watches again a turn of systemd's later. Before
 *      it does, no file may change.
 *   2. An event that systemd has not taken up yet would be thrown away by a daemon-reload. What is
 *      asked after the change is answered after the events before it.
 *   3. A job that waits in the queue would run with the new text after a daemon-reload: so it
 *      begins before.
 *   4. What began with its old text ends with it where the plan acts on the unit as well, or drags
 *      it along: an action would else join the job that is there, or end it. */

#include "activate/plan_run.h"
#include "base/clock.h"

#include <errno.h>
#include <string.h>

enum {
        /* The first answer may come before the events that were there at the same time. */
        N_ASKS = 2,
        /* A service that is at work for longer holds up neither the daemon-reload nor the verdict.
         */
        PATIENCE_USEC = 5 * 1000 * 1000,
};

static size_t count(const PlanRun *run) {
        return run->plan->n_triggered + run->plan->n_awaited;
}

static Job job_of(const PlanRun *run, size_t nth) {
        const UnitPlan *plan = run->plan;
        const UnitDrag *drag = nth < plan->n_triggered ? &plan->triggered[nth]
                                                       : &plan->awaited[nth - plan->n_triggered];
        return (Job){ .unit = drag->unit, .verb = VERB_START };
}

int triggered_new(PlanRun *run) {
        run->triggered = arena_new(&run->arena, Job, count(run) + 1);
        for (size_t i = 0; run->triggered && i < count(run); i++)
                run->triggered[i] = job_of(run, i);
        return run->triggered ? 0 : -ENOMEM;
}

int triggered_join(PlanRun *run, Error *reterr) {
        size_t n = count(run);
        int r = 0;
        for (size_t i = 0; i < n; i++)
                if (run->triggered[i].stage == JOB_ENDED)
                        run->triggered[i] = job_of(run, i);
        for (unsigned i = 0; r >= 0 && n > 0 && i < N_ASKS; i++)
                r = job_wait_join(run->wait, run->triggered, n, reterr);
        return r == -ECONNRESET ? 0 : r; /* the next turn sees to the connection */
}

static bool is_of(const Job *job, const ActionRun *action) {
        return strcmp(job->unit, action->action->unit) == 0;
}

static bool is_dragged(const PlanRun *run, const Job *job) {
        for (size_t i = 0; i < run->plan->n_dragged; i++)
                if (strcmp(run->plan->dragged[i].unit, job->unit) == 0)
                        return true;
        return false;
}

bool triggered_holds(const PlanRun *run, const Group *group) {
        for (size_t i = 0; i < count(run); i++)
                for (size_t j = 0; j < group->n_actions; j++)
                        if (run->triggered[i].stage == JOB_QUEUED &&
                                        is_of(&run->triggered[i], group->actions[j]))
                                return true;
        return false;
}

static bool is_acted_on(const PlanRun *run, const Job *job) {
        for (size_t i = 0; i < run->plan->n_actions; i++)
                if (is_of(job, &run->actions[i]))
                        return true;
        return false;
}

static bool is_over(const PlanRun *run, const Job *job, TriggeredWait what_for) {
        if (job->stage != JOB_QUEUED)
                return true;
        if (what_for == TRIGGERED_BEFORE_VERDICT || is_dragged(run, job))
                return false;
        if (what_for == TRIGGERED_BEFORE_ACTIONS) /* triggered_holds() sees to it */
                return true;
        return job->is_settled && !is_acted_on(run, job);
}

int triggered_wait(PlanRun *run, TriggeredWait what_for, Error *reterr) {
        uint64_t end_usec = now_usec() +
                            (run->left_usec < PATIENCE_USEC ? run->left_usec : PATIENCE_USEC);
        for (size_t i = 0; i < count(run); i++) {
                while (!is_over(run, &run->triggered[i], what_for) && now_usec() < end_usec) {
                        int r = job_wait_turn(run->wait, end_usec, reterr);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}
