/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/run_plan.h"

#include "activate/connection.h"
#include "activate/live_states.h"
#include "activate/plan_run.h"

#include <errno.h>
#include <string.h>

enum {
        TICK_USEC = 1000 * 1000,
        /* Generators run in a reload, which systemd gives 90 s; as long again for all else. */
        RELOAD_TIMEOUT_USEC = 180 * 1000 * 1000,
};

PlanRun *plan_run_free(PlanRun *run) {
        if (!run)
                return NULL;
        job_wait_free(run->wait);
        arena_done(&run->arena);
        free(run);
        return NULL;
}

static int note_before(PlanRun *run, Error *reterr) {
        const UnitPlan *plan = run->plan;
        run->before = arena_new(&run->arena, UnitLook, plan->n_actions + plan->n_dragged + 1);
        if (!run->before)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->n_actions; i++)
                run->before[i].unit = plan->actions[i].unit;
        for (size_t i = 0; i < plan->n_dragged; i++)
                run->before[plan->n_actions + i].unit = plan->dragged[i].unit;
        int r = unit_look(run->systemd, run->before, plan->n_actions + plan->n_dragged, LOOK_STATE,
                        reterr);
        if (r < 0)
                return r;
        return live_failed(run->systemd, &run->arena, &run->failed_before, &run->n_failed_before,
                        reterr);
}

static int set_up_actions(PlanRun *run) {
        const UnitPlan *plan = run->plan;
        cleanup(map_donep) Map stopped = { 0 };
        for (size_t i = 0; i < plan->n_actions; i++) {
                const UnitAction *action = &plan->actions[i];
                if (action->verb != VERB_SKIP && action->phase == PHASE_STOP &&
                                map_put(&stopped, action->unit, &run->actions[i]) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < plan->n_actions; i++) {
                const UnitAction *action = &plan->actions[i];
                run->actions[i] = (ActionRun){ .action = action,
                        .before = &run->before[i],
                        .brings_back = action->verb == VERB_START &&
                                       (action->invocation || map_get(&stopped, action->unit)),
                        .job = { .unit = action->unit,
                                        .verb = action->verb,
                                        .invocation_before = run->before[i].invocation_id,
                                        .outcome = action->verb == VERB_SKIP ? JOB_SKIPPED
                                                                             : JOB_NOT_RUN } };
                run->n_total += action->verb != VERB_SKIP;
        }
        return 0;
}

int plan_run_new(Systemd *systemd,
                const UnitPlan *plan,
                const RunOptions *options,
                PlanRun **ret_run,
                Error *reterr) {
        cleanup(plan_run_freep) PlanRun *run = calloc(1, sizeof(PlanRun));
        if (!run)
                return error_oom(reterr);
        run->systemd = systemd;
        run->plan = plan;
        run->options = *options;
        run->left_usec = options->timeout_usec > 0 ? options->timeout_usec : UINT64_MAX;
        run->begin_usec = now_usec();
        run->begin_realtime_usec = now_realtime_usec();
        int r = job_wait_new(systemd, &run->wait, reterr);
        if (r < 0)
                return r;
        r = note_before(run, reterr);
        if (r < 0)
                return r;
        run->actions = arena_new(&run->arena, ActionRun, plan->n_actions + 1);
        run->in_flight = arena_new(&run->arena, Job *, plan->n_actions + plan->n_dragged + 1);
        if (!run->actions || !run->in_flight || set_up_actions(run) < 0 || groups_new(run) < 0 ||
                        triggered_new(run) < 0)
                return error_oom(reterr);
        *ret_run = TAKE(run);
        return 0;
}

static void tell(PlanRun *run, ProgressKind kind, const Job *job, uint64_t age_usec) {
        if (!run->options.progress)
                return;
        const Progress progress = {
                .kind = kind,
                .unit = job ? job->unit : NULL,
                .verb = job ? job->verb : VERB_SKIP,
                .outcome = job ? job->outcome : JOB_DONE,
                .age_usec = age_usec,
                .n_ended = run->n_ended,
                .n_total = run->n_total,
        };
        run->options.progress(run->options.userdata, &progress);
}

static int begin_job(PlanRun *run, Job *job, Error *reterr) {
        int r = job_wait_add(run->wait, job, reterr);
        if (r < 0)
                return r;
        run->in_flight[run->n_in_flight++] = job;
        tell(run, PROGRESS_BEGIN, job, 0);
        return 0;
}

/* The jobs that ended leave, in the order in which they began. */
static void reap(PlanRun *run) {
        size_t n_left = 0;
        for (size_t i = 0; i < run->n_in_flight; i++) {
                Job *job = run->in_flight[i];
                if (job->stage != JOB_ENDED) {
                        run->in_flight[n_left++] = job;
                        continue;
                }
                run->n_ended++;
                tell(run, PROGRESS_END, job, job->end_usec - job->begin_usec);
        }
        run->n_in_flight = n_left;
}

static void give_up(PlanRun *run) {
        for (size_t i = 0; i < run->n_in_flight; i++)
                job_wait_give_up(run->wait, run->in_flight[i], JOB_TIMEOUT,
                                "it is still at work after the time given to this switch");
        reap(run);
}

/* Begins what may begin now. ret_until: when to be asked again at the latest. Returns 1 while there
 * is more to begin, 0 when all has begun. */
typedef int (*Feed)(PlanRun *run, uint64_t *ret_until, Error *reterr);

/* Once a second, the oldest job is told of. Returns when to do so next. */
static uint64_t tick(PlanRun *run, uint64_t next_tick) {
        uint64_t now = now_usec();
        if (now < next_tick)
                return next_tick;
        if (run->n_in_flight > 0)
                tell(run, PROGRESS_WAIT, run->in_flight[0], now - run->in_flight[0]->begin_usec);
        return now + TICK_USEC;
}

static uint64_t earlier(uint64_t left, uint64_t right) {
        return left < right ? left : right;
}

/* Until all that feed begins is over, or the instant end_usec. */
static int drive_until(PlanRun *run, Feed feed, uint64_t end_usec, Error *reterr) {
        uint64_t next_tick = now_usec() + TICK_USEC;
        for (;;) {
                uint64_t until_usec = UINT64_MAX;
                unsigned n_events = job_wait_n_events(run->wait);
                reap(run);
                int more = feed(run, &until_usec, reterr);
                if (more < 0)
                        return more;
                if (!more && run->n_in_flight == 0)
                        return 0;
                if (run->options.should_stop && run->options.should_stop())
                        return error_set(reterr, -EINTR, "It was asked to stop");
                if (now_usec() >= end_usec) {
                        give_up(run);
                        return 0;
                }
                next_tick = tick(run, next_tick);
                until_usec = earlier(until_usec, earlier(next_tick, end_usec));
                if (n_events != job_wait_n_events(run->wait))
                        until_usec = 0; /* what was just begun may let more begin */
                int r = job_wait_turn(run->wait, until_usec, reterr);
                if (r < 0)
                        return r;
        }
}

/* The time for jobs is counted over all phases, but not what lies between them. */
static int drive(PlanRun *run, Feed feed, Error *reterr) {
        if (run->left_usec == UINT64_MAX)
                return drive_until(run, feed, UINT64_MAX, reterr);
        uint64_t end_usec = now_usec() + run->left_usec;
        int r = drive_until(run, feed, end_usec, reterr);
        uint64_t now = now_usec();
        run->left_usec = end_usec > now ? end_usec - now : 0;
        return r;
}

static int feed_stops(PlanRun *run, uint64_t *ret_until, Error *reterr) {
        (void) ret_until; /* all begin at once */
        for (size_t i = 0; i < run->plan->n_actions; i++) {
                ActionRun *action = &run->actions[i];
                if (action->action->verb == VERB_SKIP || action->action->phase != PHASE_STOP ||
                                action->job.stage != JOB_IDLE)
                        continue;
                int r = begin_job(run, &action->job, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int plan_run_stop(PlanRun *run, Error *reterr) {
        int r = drive(run, feed_stops, reterr);
        for (size_t i = 0; r >= 0 && i < run->plan->n_actions; i++)
                r = refused_settle(run, &run->actions[i], PHASE_STOP, reterr);
        return r < 0 ? r : triggered_join(run, reterr);
}

static bool is_another_run(const UnitAction *action, const UnitLook *look) {
        return !action->invocation || strcmp(action->invocation, look->invocation_id) != 0;
}

/* What was stopped before the flip may be on again, started by its timer or socket with the old
 * text; and what an undone switch was about to start, with the new one: then a start would do
 * nothing. */
static int find_what_came_back(PlanRun *run, const Group *group, Error *reterr) {
        cleanup_free UnitLook *looks = calloc(group->n_actions + 1, sizeof(UnitLook));
        cleanup_free ActionRun **looked_at = calloc(group->n_actions + 1, sizeof(ActionRun *));
        if (!looks || !looked_at)
                return error_oom(reterr);
        size_t n = 0;
        for (size_t i = 0; i < group->n_actions; i++)
                if (group->actions[i]->brings_back) {
                        looks[n].unit = group->actions[i]->action->unit;
                        looked_at[n++] = group->actions[i];
                }
        int r = unit_look(run->systemd, looks, n, LOOK_STATE, reterr);
        if (r < 0 && r != -ECONNRESET)
                return r;
        for (size_t i = 0; i < n; i++) /* not known: a restart is right in any case */
                looked_at[i]->job.restart_for_start =
                                r < 0 ||
                                (unit_look_is_on(&looks[i]) &&
                                                is_another_run(looked_at[i]->action, &looks[i]) &&
                                                (run->reloaded_usec == 0 ||
                                                                looks[i].start_usec <
                                                                                run->reloaded_usec));
        return 0;
}

static int begin_phase(PlanRun *run, Group *group, bool late_stops, Error *reterr) {
        for (size_t i = 0; i < group->n_actions; i++) {
                ActionRun *action = group->actions[i];
                if ((action->action->phase == PHASE_STOP_LATE) != late_stops)
                        continue;
                int r = begin_job(run, &action->job, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The late stops of a group, awaited, then all else in one burst. */
static int advance_group(PlanRun *run, Group *group, Error *reterr) {
        int r = 0;
        if (group->stage == GROUP_WAITING) {
                group->stage = GROUP_STOPPING;
                r = begin_phase(run, group, true, reterr);
        }
        if (r < 0 || group->stage != GROUP_STOPPING || !group_late_stops_ended(group))
                return r;
        group->stage = GROUP_ACTING;
        for (size_t i = 0; r >= 0 && i < group->n_actions; i++)
                r = refused_settle(run, group->actions[i], PHASE_STOP_LATE, reterr);
        if (r >= 0 && group->brings_back)
                r = find_what_came_back(run, group, reterr);
        return r < 0 ? r : begin_phase(run, group, false, reterr);
}

/* May the group begin beside those that are under way? Else ret_until is when to look again. */
static bool may_begin(const PlanRun *run, const Group *group, uint64_t now, uint64_t *ret_until) {
        uint64_t until = 0;
        for (const Group *other = run->groups; other < group; other++) {
                if (group->only_adds && other->only_adds)
                        continue;
                uint64_t holds = group_holds_until(other, now);
                if (holds > until)
                        until = holds;
        }
        *ret_until = until;
        return until == 0;
}

static int feed_groups(PlanRun *run, uint64_t *ret_until, Error *reterr) {
        for (size_t i = 0; i < run->n_groups; i++) {
                Group *group = &run->groups[i];
                if (group->stage == GROUP_ACTING ||
                                (group->stage == GROUP_WAITING && triggered_holds(run, group)))
                        continue;
                if (group->stage == GROUP_WAITING && !may_begin(run, group, now_usec(), ret_until))
                        return 1;
                int r = advance_group(run, group, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < run->n_groups; i++)
                if (run->groups[i].stage != GROUP_ACTING)
                        return 1;
        return 0;
}

static bool was_stopped(const PlanRun *run, const char *unit) {
        for (size_t i = 0; i < run->plan->n_actions; i++) {
                const ActionRun *action = &run->actions[i];
                if (action->action->phase == PHASE_STOP && action->job.stage != JOB_IDLE &&
                                strcmp(action->action->unit, unit) == 0)
                        return true;
        }
        return false;
}

/* Units that were on and that PHASE_STOP was sent to stop, and what that took down with it. To
 * start one that is on, as its stop failed, does nothing. */
static int collect_stopped(PlanRun *run, Error *reterr) {
        const UnitPlan *plan = run->plan;
        run->restored = arena_new(&run->arena, Job, plan->n_actions + plan->n_dragged + 1);
        if (!run->restored)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->n_actions + plan->n_dragged; i++) {
                const UnitLook *before = &run->before[i];
                bool is_ours = i < plan->n_actions
                                               ? run->actions[i].action->phase == PHASE_STOP &&
                                                                 run->actions[i].job.stage !=
                                                                                 JOB_IDLE
                                               : plan->dragged[i - plan->n_actions].verb ==
                                                                                 VERB_STOP &&
                                                                 was_stopped(run,
                                                                                 plan->dragged[i - plan->n_actions]
                                                                                                 .by);
                if (is_ours && unit_look_is_on(before))
                        run->restored[run->n_restored++] = (Job){ .unit = before->unit,
                                .verb = VERB_START,
                                .invocation_before = before->invocation_id };
        }
        return 0;
}

static int feed_restored(PlanRun *run, uint64_t *ret_until, Error *reterr) {
        (void) ret_until; /* all begin at once */
        for (size_t i = 0; i < run->n_restored; i++) {
                if (run->restored[i].stage != JOB_IDLE)
                        continue;
                int r = begin_job(run, &run->restored[i], reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int plan_run_restore(PlanRun *run, Error *reterr) {
        run->n_in_flight =
                        0; /* of a stop that was given up half-way: all is told by what follows */
        run->n_restored = 0;
        int r = collect_stopped(run, reterr);
        if (r < 0)
                return r;
        run->n_ended = 0;
        run->n_total = (unsigned) run->n_restored;
        run->left_usec = run->options.timeout_usec > 0 ? run->options.timeout_usec : UINT64_MAX;
        r = drive(run, feed_restored, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < run->n_restored; i++) {
                const Job *job = &run->restored[i];
                if (job->outcome != JOB_DONE && job->outcome != JOB_SKIPPED)
                        return error_set(reterr, -EIO, "%s was stopped and did not start again: %s",
                                        job->unit,
                                        job->message ? job->message
                                                     : job_outcome_to_string(job->outcome));
        }
        return 0;
}

static int reload_daemon(PlanRun *run, Error *reterr) {
        if (run->plan->daemon == DAEMON_NONE)
                return 0;
        tell(run, PROGRESS_DAEMON, NULL, 0);
        int r = run->plan->daemon == DAEMON_REEXEC
                                ? systemd_reexecute(run->systemd, RELOAD_TIMEOUT_USEC, reterr)
                                : systemd_reload(run->systemd, RELOAD_TIMEOUT_USEC, reterr);
        if (r < 0)
                return error_prefix(reterr, "daemon-reload");
        run->daemon_reloaded = true;
        run->reloaded_usec = now_usec();
        return 0;
}

static void note_not_run(PlanRun *run, const char *message) {
        for (size_t i = 0; i < run->plan->n_actions; i++)
                if (run->actions[i].job.stage == JOB_IDLE &&
                                run->actions[i].job.outcome == JOB_NOT_RUN)
                        run->actions[i].job.message = message;
}

int plan_run_activate(PlanRun *run, Error *reterr) {
        int r = triggered_join(run, reterr);
        if (r >= 0 && run->plan->daemon != DAEMON_NONE)
                r = triggered_wait(run, TRIGGERED_BEFORE_RELOAD, reterr);
        if (r >= 0)
                r = reload_daemon(run, reterr);
        if (r < 0) {
                /* Without the reload nothing would take up its new text; but what was stopped for
                 * it shall not stay down. */
                note_not_run(run, "systemd did not take over the new units");
                Error error;
                if (plan_run_restore(run, &error) < 0)
                        (void) error_prefix(reterr, "%s", error.message);
                return r;
        }
        r = triggered_join(run, reterr); /* a path unit that is read anew looks again */
        if (r >= 0)
                r = triggered_wait(run, TRIGGERED_BEFORE_ACTIONS, reterr);
        if (r >= 0)
                r = drive(run, feed_groups, reterr);
        note_not_run(run, r < 0 ? "the connection to systemd was lost"
                                : "the time given to this switch was over before");
        return r;
}
