/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a run came to. That a job is "done" proves little: a service of Type=simple is up as soon as
 * it was forked, whether its program exists or not, and dies some milliseconds later; so units
 * whose type does not tell when they are ready are looked at a second time, a moment after their
 * job's end. The moment has mostly passed already when the last job of the switch ends; a switch
 * that starts nothing of the kind does not wait at all. It begins anew while a machine that is
 * short of time has not come to the program's first steps. One that has died and was started again
 * by systemd in this time gets one more moment, and is failing if it does not stand then either. */

#include "activate/call_batch.h"
#include "activate/journal.h"
#include "activate/live_states.h"
#include "activate/load.h"
#include "activate/plan_run.h"
#include "activate/process_turn.h"
#include "diff/unit_name.h"

#include <errno.h>
#include <string.h>

enum {
        MOMENT_USEC = 100 * 1000,
        MAX_MOMENTS = 50, /* until the program has had its turn */
        LOG_ENTRIES = 10,
};

typedef struct Seen {
        UnitLook look;
        const ActionRun *action; /* the last one of this unit; NULL: dragged, or none of ours */
        uint64_t since_realtime_usec; /* 0: nothing of ours touched it */
        bool is_dragged_up;           /* started or restarted, with another or by a path unit */
        bool is_dragged_down;         /* stopped with another */
        const char *load_state;       /* systemd has refused its text; NULL: it has not */
        bool keeps_dying;
        bool is_failing;
} Seen;

typedef struct Verdict {
        PlanRun *run;
        Report *report;
        Seen *seen; /* each unit once */
        size_t n_seen;
        Map by_unit;
        Map failed_before;
        Journal *journal;
        bool journal_tried;
} Verdict;

static void verdict_done(Verdict *verdict) {
        free(verdict->seen);
        map_done(&verdict->by_unit);
        map_done(&verdict->failed_before);
        journal_close(verdict->journal);
}

/* Returns the unit's, which is new when nobody spoke of it before; NULL when out of memory. There
 * is room. */
static Seen *see(Verdict *verdict, const char *unit) {
        Seen *seen = map_get(&verdict->by_unit, unit);
        if (seen)
                return seen;
        seen = &verdict->seen[verdict->n_seen];
        seen->look.unit = unit;
        if (map_put(&verdict->by_unit, unit, seen) < 0)
                return NULL;
        verdict->n_seen++;
        return seen;
}

static int see_drags(Verdict *verdict, const UnitDrag *drags, size_t n_drags) {
        for (size_t i = 0; i < n_drags; i++) {
                Seen *seen = see(verdict, drags[i].unit);
                if (!seen)
                        return -ENOMEM;
                if (seen->since_realtime_usec == 0)
                        seen->since_realtime_usec = verdict->run->begin_realtime_usec;
                seen->is_dragged_up |= drags[i].verb == VERB_START || drags[i].verb == VERB_RESTART;
                seen->is_dragged_down |= drags[i].verb == VERB_STOP;
        }
        return 0;
}

static int see_what_was_touched(Verdict *verdict) {
        const PlanRun *run = verdict->run;
        const UnitPlan *plan = run->plan;
        for (size_t i = 0; i < plan->n_actions; i++) {
                const ActionRun *action = &run->actions[i];
                if (action->job.stage == JOB_IDLE)
                        continue;
                Seen *seen = see(verdict, action->action->unit);
                if (!seen)
                        return -ENOMEM;
                if (seen->since_realtime_usec == 0)
                        seen->since_realtime_usec = action->job.begin_realtime_usec;
                seen->action = action;
        }
        int r = see_drags(verdict, plan->dragged, plan->n_dragged);
        if (r >= 0)
                r = see_drags(verdict, plan->triggered, plan->n_triggered);
        return r;
}

static int see_what_was_not_loaded(Verdict *verdict, Error *reterr) {
        const PlanRun *run = verdict->run;
        if (!run->daemon_reloaded || run->plan->n_changed == 0)
                return 0;
        cleanup_free LoadFailure *failures = calloc(run->plan->n_changed, sizeof(LoadFailure));
        if (!failures)
                return error_oom(reterr);
        size_t n_failures = 0;
        int r = load_look(run->systemd, run->plan, &verdict->report->arena, failures, &n_failures,
                        reterr);
        for (size_t i = 0; r >= 0 && i < n_failures; i++) {
                Seen *seen = see(verdict, failures[i].unit);
                if (!seen)
                        return error_oom(reterr);
                seen->load_state = failures[i].load_state;
                if (seen->since_realtime_usec == 0)
                        seen->since_realtime_usec = run->begin_realtime_usec;
        }
        return r;
}

/* Those that failed and that nothing of ours was known to touch. */
static int see_what_failed(Verdict *verdict, Error *reterr) {
        PlanRun *run = verdict->run;
        const char *const *failed;
        size_t n_failed;
        int r = live_failed(run->systemd, &verdict->report->arena, &failed, &n_failed, reterr);
        if (r < 0)
                return r;
        Seen *grown = realloc(verdict->seen, (verdict->n_seen + n_failed + 1) * sizeof(Seen));
        if (!grown)
                return error_oom(reterr);
        memset(grown + verdict->n_seen, 0, (n_failed + 1) * sizeof(Seen));
        verdict->seen = grown;
        map_done(&verdict->by_unit); /* what it pointed to has moved */
        size_t n_before = verdict->n_seen;
        for (size_t i = 0; i < n_before; i++)
                if (map_put(&verdict->by_unit, grown[i].look.unit, &grown[i]) < 0)
                        return error_oom(reterr);
        for (size_t i = 0; i < n_failed; i++)
                if (!see(verdict, failed[i]))
                        return error_oom(reterr);
        return 0;
}

/* Looks at those of the seen ones that pick wants, all at once. */
static int look_at(
                Verdict *verdict, bool (*pick)(const Seen *seen), LookDepth depth, Error *reterr) {
        cleanup_free UnitLook *looks = calloc(verdict->n_seen + 1, sizeof(UnitLook));
        if (!looks)
                return error_oom(reterr);
        size_t n = 0;
        for (size_t i = 0; i < verdict->n_seen; i++)
                if (pick(&verdict->seen[i]))
                        looks[n++].unit = verdict->seen[i].look.unit;
        int r = unit_look(verdict->run->systemd, looks, n, depth, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0, next = 0; next < n; i++)
                if (strcmp(verdict->seen[i].look.unit, looks[next].unit) == 0)
                        verdict->seen[i].look = looks[next++];
        return 0;
}

static bool is_any(const Seen *seen) {
        (void) seen;
        return true;
}

static bool is_not_looked_at(const Seen *seen) {
        return !*seen->look.active_state;
}

static bool was_brought_up(const Seen *seen) {
        if (!seen->action)
                return seen->is_dragged_up;
        const Job *job = &seen->action->job;
        return job->outcome == JOB_DONE && (job->verb == VERB_START || job->verb == VERB_RESTART);
}

/* Up, by our doing, and of a type that says so before it is true. */
static bool is_unproven(const Seen *seen) {
        static const char *const types[] = { "simple", "exec", "idle" };
        if (!was_brought_up(seen) || !unit_look_is_on(&seen->look))
                return false;
        for (size_t i = 0; i < N_ELEMENTS(types); i++)
                if (strcmp(seen->look.service_type, types[i]) == 0)
                        return true;
        return false;
}

static bool is_restarted(const Seen *seen) {
        return is_unproven(seen) && seen->look.n_restarts > 0;
}

static int wait_until(PlanRun *run, uint64_t end_usec, Error *reterr) {
        while (now_usec() < end_usec) {
                int r = job_wait_turn(run->wait, end_usec, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* What a container counts its processes by means others here, and its /proc is its own. */
static bool any_awaits_turn(const Verdict *verdict) {
        if (verdict->run->systemd->is_untrusted)
                return false;
        for (size_t i = 0; i < verdict->n_seen; i++)
                if (is_unproven(&verdict->seen[i]) &&
                                process_awaits_turn(verdict->run->systemd->root,
                                                verdict->seen[i].look.main_pid))
                        return true;
        return false;
}

static int look_a_moment_later(Verdict *verdict, Error *reterr) {
        uint64_t end_usec = 0;
        for (size_t i = 0; i < verdict->n_seen; i++) {
                const Seen *seen = &verdict->seen[i];
                if (!is_unproven(seen))
                        continue;
                uint64_t up_usec =
                                seen->action ? seen->action->job.end_usec : seen->look.active_usec;
                if (up_usec + MOMENT_USEC > end_usec)
                        end_usec = up_usec + MOMENT_USEC;
        }
        if (end_usec == 0)
                return 0;
        int r = 0;
        for (unsigned i = 0; r >= 0 && i < MAX_MOMENTS; i++) {
                r = wait_until(verdict->run, end_usec, reterr);
                if (r >= 0)
                        r = look_at(verdict, is_unproven, LOOK_PROCESS, reterr);
                if (!any_awaits_turn(verdict))
                        break;
                end_usec = now_usec() + MOMENT_USEC;
        }
        return r;
}

static int look_once_more(Verdict *verdict, Error *reterr) {
        bool any = false;
        cleanup_free uint32_t *counts = calloc(verdict->n_seen + 1, sizeof(uint32_t));
        if (!counts)
                return error_oom(reterr);
        for (size_t i = 0; i < verdict->n_seen; i++)
                if (is_restarted(&verdict->seen[i])) {
                        any = true;
                        counts[i] = verdict->seen[i].look.n_restarts;
                }
        if (!any)
                return 0;
        int r = wait_until(verdict->run, now_usec() + MOMENT_USEC, reterr);
        if (r >= 0)
                r = look_at(verdict, is_restarted, LOOK_RESULT, reterr);
        for (size_t i = 0; r >= 0 && i < verdict->n_seen; i++)
                verdict->seen[i].keeps_dying =
                                counts[i] > 0 && verdict->seen[i].look.n_restarts > counts[i];
        return r;
}

/* It was to stop, and is down: that its program ended by our signal, or with a status of its own,
 * is no failure; nor that a timer or path unit, whose file is gone, was ended by the daemon-reload
 * for want of a unit to start. One that had to be killed (timeout) is told all the same. */
static bool is_stopped(const Seen *seen) {
        const Job *job = seen->action ? &seen->action->job : NULL;
        bool was_to_stop = job ? job->verb == VERB_STOP && job->outcome == JOB_DONE
                               : seen->is_dragged_down && !seen->is_dragged_up;
        if (!was_to_stop || strcmp(seen->look.active_state, "failed") != 0)
                return false;
        int type = unit_name_type(seen->look.unit);
        if (type == UNIT_TIMER || type == UNIT_PATH)
                return strcmp(seen->look.result, "resources") == 0;
        return strcmp(seen->look.result, "signal") == 0 ||
               strcmp(seen->look.result, "exit-code") == 0;
}

static bool is_coming_back(const Seen *seen) {
        return seen->is_dragged_up && seen->look.job_id > 0 && unit_look_is_failing(&seen->look);
}

static int look_at_all(Verdict *verdict, Error *reterr) {
        int r = triggered_wait(verdict->run, TRIGGERED_BEFORE_VERDICT, reterr);
        if (r >= 0)
                r = look_at(verdict, is_any, LOOK_RESULT, reterr);
        for (size_t i = 0; r >= 0 && i < verdict->n_seen; i++)
                if (is_coming_back(&verdict->seen[i]))
                        r = comeback_await(verdict->run, &verdict->seen[i].look, reterr);
        if (r >= 0)
                r = look_a_moment_later(verdict, reterr);
        if (r >= 0)
                r = look_once_more(verdict, reterr);
        if (r >= 0)
                r = see_what_failed(verdict, reterr);
        if (r >= 0)
                r = look_at(verdict, is_not_looked_at, LOOK_RESULT, reterr);
        for (size_t i = 0; r >= 0 && i < verdict->n_seen; i++) {
                Seen *seen = &verdict->seen[i];
                seen->is_failing = seen->keeps_dying || seen->load_state ||
                                   unit_look_is_failing(&seen->look);
                if (!is_stopped(seen))
                        continue;
                seen->is_failing = false;
                r = job_wait_reset_failed(verdict->run->systemd, seen->look.unit);
                if (r < 0)
                        r = error_set_errno(
                                        reterr, r, "%s: Cannot reset its failure", seen->look.unit);
        }
        return r;
}

static FailureCause cause_of(const Verdict *verdict, const Seen *seen) {
        if (seen->load_state)
                return FAILURE_CAUSED;
        bool failed_before = map_get(&verdict->failed_before, seen->look.unit);
        if (failed_before && seen->look.changed_usec < verdict->run->begin_usec)
                return FAILURE_BEFORE;
        if (seen->since_realtime_usec != 0)
                return FAILURE_CAUSED;
        return failed_before ? FAILURE_BEFORE : FAILURE_DURING;
}

/* Lines of this start; but when it never came to a start of its own, or it is the stop that failed,
 * all since our call. That there are none to be had is no reason to fail. */
static void
read_log(Verdict *verdict, const Seen *seen, const char *const **ret_lines, size_t *ret_n_lines) {
        if (!verdict->journal_tried && !verdict->run->systemd->is_untrusted) {
                verdict->journal_tried = true;
                if (journal_open(verdict->run->systemd->root, &verdict->journal) < 0)
                        verdict->journal = NULL;
        }
        const UnitLook *look = &seen->look;
        bool is_own_start =
                        *look->invocation_id &&
                        (!seen->action ||
                                        strcmp(look->invocation_id,
                                                        seen->action->before->invocation_id) != 0);
        const JournalQuery query = {
                .unit = look->unit,
                .is_user = verdict->run->systemd->is_user,
                .uid = verdict->run->systemd->uid,
                .invocation_id = is_own_start ? look->invocation_id : NULL,
                .since_usec = seen->since_realtime_usec ? seen->since_realtime_usec
                                                        : verdict->run->begin_realtime_usec,
        };
        if (verdict->journal &&
                        journal_tail(verdict->journal, &query, LOG_ENTRIES, &verdict->report->arena,
                                        ret_lines, ret_n_lines) < 0)
                *ret_n_lines = 0;
}

static int add_failure(Verdict *verdict, const Seen *seen) {
        Arena *arena = &verdict->report->arena;
        UnitFailure *failure = &verdict->report->failures[verdict->report->n_failures++];
        *failure = (UnitFailure){
                .unit = arena_strdup(arena, seen->look.unit),
                .cause = cause_of(verdict, seen),
                .active_state = arena_strdup(arena, seen->look.active_state),
                .sub_state = arena_strdup(arena, seen->look.sub_state),
                .result = seen->load_state ? seen->load_state
                                           : arena_strdup(arena, seen->look.result),
                .exec_main_code = seen->look.exec_main_code,
                .exec_main_status = seen->look.exec_main_status,
        };
        if (failure->cause != FAILURE_BEFORE)
                read_log(verdict, seen, &failure->log, &failure->n_log);
        bool complete = failure->unit && failure->active_state && failure->sub_state &&
                        failure->result;
        return complete ? 0 : -ENOMEM;
}

static int add_failures(Verdict *verdict) {
        Report *report = verdict->report;
        report->failures = arena_new(&report->arena, UnitFailure, verdict->n_seen + 1);
        if (!report->failures)
                return -ENOMEM;
        for (size_t i = 0; i < verdict->n_seen; i++)
                if (verdict->seen[i].is_failing) {
                        int r = add_failure(verdict, &verdict->seen[i]);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* A start that is over, with nothing started, since a condition does not hold. */
static bool is_skipped_by_condition(const ActionRun *action, const Seen *seen) {
        return action->job.outcome == JOB_DONE &&
               (action->job.verb == VERB_START || action->job.verb == VERB_RESTART) && seen &&
               seen->look.condition_failed && strcmp(seen->look.active_state, "inactive") == 0;
}

static int copy_text(Arena *arena, const char *text, const char **ret_copy) {
        *ret_copy = text ? arena_strdup(arena, text) : NULL;
        return text && !*ret_copy ? -ENOMEM : 0;
}

static int add_action(Verdict *verdict, const ActionRun *action) {
        Report *report = verdict->report;
        const Job *job = &action->job;
        const Seen *seen = map_get(&verdict->by_unit, action->action->unit);
        ActionReport *done = &report->actions[report->n_actions++];
        *done = (ActionReport){ .action = action->action, .outcome = job->outcome };
        if (job->stage == JOB_ENDED)
                done->duration_usec = job->end_usec - job->begin_usec;
        const char *message = job->message;
        if (is_skipped_by_condition(action, seen)) {
                done->outcome = JOB_SKIPPED;
                message = "a Condition...= of the unit does not hold";
        }
        int r = copy_text(&report->arena, job->job_result, &done->job_result);
        if (r >= 0)
                r = copy_text(&report->arena, message, &done->message);
        if (r >= 0)
                r = copy_text(&report->arena, action->before->invocation_id,
                                &done->invocation_before);
        if (r >= 0)
                r = copy_text(&report->arena, action->before->active_state, &done->before_state);
        if (r >= 0 && job->stage == JOB_ENDED && job_outcome_is_bad(done->outcome) &&
                        done->outcome != JOB_REFUSED && seen && !seen->is_failing)
                read_log(verdict, seen, &done->log, &done->n_log);
        return r;
}

static int add_actions(Verdict *verdict) {
        const PlanRun *run = verdict->run;
        Report *report = verdict->report;
        report->daemon_reloaded = run->daemon_reloaded;
        report->actions = arena_new(&report->arena, ActionReport, run->plan->n_actions + 1);
        if (!report->actions)
                return -ENOMEM;
        for (size_t i = 0; i < run->plan->n_actions; i++) {
                int r = add_action(verdict, &run->actions[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int judge(Verdict *verdict, Error *reterr) {
        const PlanRun *run = verdict->run;
        const UnitPlan *plan = run->plan;
        verdict->seen = calloc(
                        plan->n_actions + plan->n_dragged + plan->n_triggered + plan->n_changed + 1,
                        sizeof(Seen));
        if (!verdict->seen || see_what_was_touched(verdict) < 0)
                return error_oom(reterr);
        for (size_t i = 0; i < run->n_failed_before; i++)
                if (map_put(&verdict->failed_before, run->failed_before[i], verdict) < 0)
                        return error_oom(reterr);
        int r = see_what_was_not_loaded(verdict, reterr);
        if (r >= 0)
                r = look_at_all(verdict, reterr);
        if (r < 0)
                return r;
        if (add_failures(verdict) < 0 || add_actions(verdict) < 0)
                return error_oom(reterr);
        return 0;
}

static int try_report(PlanRun *run, Report **ret_report, Error *reterr) {
        cleanup(report_freep) Report *report = report_new();
        if (!report)
                return error_oom(reterr);
        cleanup(verdict_done) Verdict verdict = { .run = run, .report = report };
        int r = judge(&verdict, reterr);
        if (r < 0)
                return r;
        *ret_report = TAKE(report);
        return 0;
}

/* What the jobs came to, when the manager cannot be asked what became of the units. */
static Report *report_of_jobs(PlanRun *run) {
        Report *report = report_new();
        if (!report)
                return NULL;
        cleanup(verdict_done) Verdict verdict = { .run = run, .report = report };
        return add_actions(&verdict) < 0 ? report_free(report) : report;
}

int plan_run_report(PlanRun *run, Report **ret_report, Error *reterr) {
        int r = try_report(run, ret_report, reterr);
        if (r == -ECONNRESET) {
                r = connection_await(run->systemd, CONNECTION_RESTORE_USEC, reterr);
                if (r >= 0)
                        r = try_report(run, ret_report, reterr);
        }
        if (r < 0)
                *ret_report = report_of_jobs(run);
        return r;
}
