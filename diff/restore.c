/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/restore.h"

#include <errno.h>
#include <string.h>

static const char *const reasons[] = { "a switch is undone" };

static void
add(UnitPlan *plan, const UnitBefore *before, const char *invocation, Verb verb, Phase phase) {
        plan->actions[plan->n_actions++] = (UnitAction){
                .unit = before->unit,
                .verb = verb,
                .phase = phase,
                .reasons = reasons,
                .n_reasons = N_ELEMENTS(reasons),
                .invocation = invocation,
        };
}

typedef enum Course {
        COURSE_NONE,
        COURSE_STOP,
        COURSE_START,
        COURSE_RESTART,
        COURSE_STOP_START, /* as the switch did it: its stop is governed by a text that changed */
        COURSE_MAKE_WAY,   /* a service that must be off while its socket restarts */
        COURSE_RELOAD,
} Course;

static Course course_of(const UnitBefore *before, const UnitNow *now) {
        bool is_ours = before->phases != 0;
        if (!before->was_on && now->is_on)
                return COURSE_STOP;
        if (!before->was_on && before->runs_again)
                return COURSE_START;
        if (!before->was_on) /* a start that still waits is taken back by a stop */
                return now->has_job ? COURSE_STOP : COURSE_NONE;
        if (!now->is_on)
                return COURSE_START;
        /* what was dragged along has its own text still, whatever it hangs on takes it along again
         */
        if (is_ours && strcmp(before->invocation_id, now->invocation_id) != 0)
                return before->phases & PHASE_BIT(PHASE_STOP)        ? COURSE_STOP_START
                       : before->phases & PHASE_BIT(PHASE_STOP_LATE) ? COURSE_MAKE_WAY
                                                                     : COURSE_RESTART;
        /* a reload that is at work has begun with what was new: once more, behind it */
        if (before->phases & PHASE_BIT(PHASE_RELOAD))
                return COURSE_RELOAD;
        return now->has_job ? COURSE_START : COURSE_NONE; /* and a stop by a start */
}

/* Which courses have an action in the phase, and its verb. */
static bool acts_in(Course course, Phase phase, Verb *ret_verb) {
        switch (phase) {
        case PHASE_STOP:
                *ret_verb = VERB_STOP;
                return course == COURSE_STOP || course == COURSE_STOP_START;
        case PHASE_STOP_LATE:
                *ret_verb = VERB_STOP;
                return course == COURSE_MAKE_WAY;
        case PHASE_RELOAD:
                *ret_verb = VERB_RELOAD;
                return course == COURSE_RELOAD;
        case PHASE_RESTART:
                *ret_verb = VERB_RESTART;
                return course == COURSE_RESTART;
        default:
                *ret_verb = VERB_START;
                return course == COURSE_START || course == COURSE_STOP_START ||
                       course == COURSE_MAKE_WAY;
        }
}

int restore_plan(Arena *arena,
                const UnitBefore *units,
                const UnitNow *now,
                size_t n_units,
                UnitPlan *ret_plan) {
        UnitPlan plan = { .daemon = DAEMON_RELOAD };
        plan.actions = arena_new(arena, UnitAction, 2 * n_units + 1);
        if (!plan.actions)
                return -ENOMEM;
        for (Phase phase = PHASE_STOP; phase < N_PHASES; phase++)
                for (size_t i = 0; i < n_units; i++) {
                        Verb verb;
                        Course course = course_of(&units[i], &now[i]);
                        /* a job of the switch that is at work may bring it up by itself */
                        bool may_come = course == COURSE_START && units[i].was_on;
                        if (acts_in(course, phase, &verb))
                                add(&plan, &units[i], may_come ? now[i].invocation_id : NULL, verb,
                                                phase);
                }
        *ret_plan = plan;
        return 0;
}
