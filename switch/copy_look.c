/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/copy_look.h"

#include "activate/live_states.h"
#include "activate/run_plan.h"
#include "activate/unit_look.h"
#include "base/clock.h"
#include "diff/quote.h"
#include "switch/stop_request.h"
#include "switch/summary.h"

#include <errno.h>
#include <string.h>

typedef struct Looking {
        HostCopy *copy;
        const CopyLookOptions *options;
        UnitLook *looks; /* of the units; behind them of the target */
        UnitAction *actions;
        size_t n_actions;
        CopyLook look;
        size_t n_allocated;
} Looking;

static void looking_done(Looking *looking) {
        free(looking->looks);
}

static bool has_trouble(const Looking *looking, const char *unit) {
        for (size_t i = 0; i < looking->look.n_troubles; i++)
                if (strcmp(looking->look.troubles[i].unit, unit) == 0)
                        return true;
        return false;
}

/* The first word on a unit counts. Takes the text's string. */
static int
add_trouble(Looking *looking, const char *unit, Text *state, const char *const *log, size_t n_log) {
        Arena *arena = looking->options->arena;
        CopyLook *look = &looking->look;
        if (has_trouble(looking, unit))
                return 0;
        if (look->n_troubles == looking->n_allocated) {
                looking->n_allocated = looking->n_allocated * 2 + 8;
                look->troubles = arena_grow(arena, look->troubles, look->n_troubles,
                                looking->n_allocated, sizeof(RehearsalTrouble));
                if (!look->troubles)
                        return -ENOMEM;
        }
        RehearsalTrouble *trouble = &look->troubles[look->n_troubles++];
        *trouble = (RehearsalTrouble){
                .unit = arena_strdup(arena, unit),
                .state = state->data ? arena_strdup(arena, state->data) : "unknown",
        };
        if (state->error < 0 || !trouble->unit || !trouble->state)
                return -ENOMEM;
        const char **lines = arena_new(arena, const char *, n_log + 1);
        for (size_t i = 0; lines && i < n_log; i++)
                lines[i] = arena_strdup(arena, log[i]);
        if (n_log == 0)
                return host_copy_read_log(
                                looking->copy, unit, arena, &trouble->log, &trouble->n_log);
        trouble->log = lines;
        trouble->n_log = lines ? n_log : 0;
        return lines && lines[n_log - 1] ? 0 : -ENOMEM;
}

static int take_failures(Looking *looking, const Report *report) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < report->n_failures; i++) {
                const UnitFailure *failure = &report->failures[i];
                cleanup(text_donep) Text text = { 0 };
                add_failure_state(failure, &text);
                r = add_trouble(looking, failure->unit, &text, failure->log, failure->n_log);
        }
        for (size_t i = 0; r >= 0 && i < report->n_actions; i++) {
                const ActionReport *done = &report->actions[i];
                if (!job_outcome_is_bad(done->outcome))
                        continue;
                cleanup(text_donep) Text text = { 0 };
                text_addf(&text, "start: %s", job_outcome_to_string(done->outcome));
                if (done->message)
                        text_addf(&text, ": %s", done->message);
                r = add_trouble(looking, done->action->unit, &text, done->log, done->n_log);
        }
        return r;
}

/* One that failed in the boot is not tried again, and one that ran and ended is not run again. */
static bool is_to_start(const UnitLook *look) {
        return unit_look_is_on(look) ||
               (strcmp(look->active_state, "inactive") == 0 && !*look->invocation_id);
}

static int choose_actions(Looking *looking) {
        const Strv *units = looking->options->units;
        looking->actions = arena_new(looking->options->arena, UnitAction, units->n_items + 1);
        if (!looking->actions)
                return -ENOMEM;
        for (size_t i = 0; i < units->n_items; i++)
                if (is_to_start(&looking->looks[i])) {
                        looking->actions[looking->n_actions] = (UnitAction){
                                .unit = units->items[i],
                                .verb = VERB_START,
                                .phase = PHASE_START,
                                .group = (unsigned) looking->n_actions,
                        };
                        looking->n_actions++;
                }
        return 0;
}

/* Also those that are up: a moment later they may be no more. */
static int start_units(Looking *looking, Error *reterr) {
        const UnitPlan plan = { .actions = looking->actions, .n_actions = looking->n_actions };
        uint64_t now = now_usec(), end_usec = looking->options->end_usec;
        const RunOptions options = {
                .timeout_usec = end_usec == UINT64_MAX ? 0
                                : end_usec > now       ? end_usec - now
                                                       : 1,
                .should_stop = stop_request_is_made,
        };
        cleanup(plan_run_freep) PlanRun *run = NULL;
        cleanup(report_freep) Report *report = NULL;
        int r = plan_run_new(host_copy_systemd(looking->copy), &plan, &options, &run, reterr);
        if (r >= 0)
                r = plan_run_activate(run, reterr);
        if (r >= 0)
                r = plan_run_report(run, &report, reterr);
        if (r < 0)
                return r;
        return take_failures(looking, report) < 0 ? error_oom(reterr) : 0;
}

static int look_at_units(Looking *looking, Error *reterr) {
        const Strv *units = looking->options->units;
        looking->looks = calloc(units->n_items + 1, sizeof(UnitLook));
        if (!looking->looks)
                return error_oom(reterr);
        for (size_t i = 0; i < units->n_items; i++)
                looking->looks[i].unit = units->items[i];
        looking->looks[units->n_items].unit = COPY_LOOK_TARGET;
        return unit_look(host_copy_systemd(looking->copy), looking->looks, units->n_items + 1,
                        LOOK_RESULT, reterr);
}

static int look_at_target(Looking *looking) {
        const UnitLook *look = &looking->looks[looking->options->units->n_items];
        cleanup(text_donep) Text text = { 0 };
        if (strcmp(look->active_state, "active") == 0)
                return 0;
        text_addf(&text, "%s: the boot did not come to it", look->active_state);
        return add_trouble(looking, COPY_LOOK_TARGET, &text, NULL, 0);
}

static int look_at_booted(Looking *looking, Error *reterr) {
        int r = look_at_units(looking, reterr);
        if (r < 0)
                return r;
        if (choose_actions(looking) < 0)
                return error_oom(reterr);
        r = start_units(looking, reterr);
        if (r < 0)
                return r;
        return look_at_target(looking) < 0 ? error_oom(reterr) : 0;
}

static int take_state(Looking *looking, const char *state, const char *meaning, Error *reterr) {
        const char *const *units;
        size_t n_units;
        int r = live_in_state(host_copy_systemd(looking->copy), state, looking->options->arena,
                        &units, &n_units, reterr);
        for (size_t i = 0; r >= 0 && i < n_units; i++) {
                cleanup(text_donep) Text text = { 0 };
                text_add(&text, meaning);
                r = add_trouble(looking, units[i], &text, NULL, 0);
                if (r < 0)
                        return error_oom(reterr);
        }
        return r;
}

static int look_at_unfinished(Looking *looking, Error *reterr) {
        int r = take_state(looking, "activating", "still starting at the deadline", reterr);
        if (r >= 0)
                r = take_state(looking, "failed", "failed", reterr);
        if (r < 0 || looking->look.n_troubles > 0)
                return r;
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, "not reached at the deadline");
        return add_trouble(looking, COPY_LOOK_TARGET, &text, NULL, 0) < 0 ? error_oom(reterr) : 0;
}

int copy_look(HostCopy *copy, const CopyLookOptions *options, CopyLook *ret_look, Error *reterr) {
        cleanup(looking_done) Looking looking = { .copy = copy, .options = options };
        int r = options->is_booted ? look_at_booted(&looking, reterr)
                                   : look_at_unfinished(&looking, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; options->is_booted && i < options->units->n_items; i++)
                looking.look.n_up += !has_trouble(&looking, options->units->items[i]);
        looking.look.is_complete = options->is_booted;
        *ret_look = looking.look;
        return 0;
}
