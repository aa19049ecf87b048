/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/inside.h"

#include "activate/bundle_journal.h"
#include "activate/bundle_store.h"
#include "activate/container_link.h"
#include "activate/run_plan.h"
#include "activate/unit_look.h"
#include "base/clock.h"
#include "base/text.h"
#include "diff/container.h"
#include "diff/nspawn.h"
#include "diff/plan.h"
#include "diff/quote.h"
#include "switch/container_edits.h"
#include "switch/stop_request.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#define FIT_UNIT "sysswitch-fit.service"

/* Until it answered, nothing was changed. */
enum {
        ANSWER_SEC = 10,
        FIT_USEC = 10 * 1000 * 1000,
        FORWARD_USEC = 60 * 1000 * 1000,
        BACK_USEC = 20 * 1000 * 1000,
        LOCK_USEC = 20 * 1000 * 1000,
        TURN_USEC = 5 * 1000 * 1000,
        LOG_USEC = 3 * 1000 * 1000,
        N_LOG_LINES = 5,
        N_LOGS = 2, /* of the units that failed */
};

/* All of it, with an earlier activation that is taken back first, is less than what the container's
 * unit gives a reload: nothing is killed half-way. */
enum {
        STOPS_USEC = 2 * CONTAINER_STOP_USEC,
        WAIT_USEC = LOCK_USEC + TURN_USEC + ANSWER_SEC * 1000 * 1000,
        GO_BACK_USEC = FIT_USEC + STOPS_USEC + BACK_USEC,
        GO_FORWARD_USEC = FORWARD_USEC + FIT_USEC + STOPS_USEC +
                          (N_LOGS + 1) * (LOG_USEC + STOPS_USEC),
};
static_assert(WAIT_USEC + GO_BACK_USEC + GO_FORWARD_USEC + GO_BACK_USEC <
                                CONTAINER_START_SEC * 1000 * 1000,
                "an activation is killed half-way");

typedef struct Inside {
        const char *name;
        Arena arena;
        Contents *contents;
        char old_name[BUNDLE_TREE_SIZE], new_name[BUNDLE_TREE_SIZE];
        bool is_forced; /* /etc is made exact, what was edited by hand included */
        pid_t leader;
        Tree *old, *new;
        Tree *declared, *edits; /* NULL, or what old is laid from */
        Systemd *systemd;
        UnitStates *states;
        Plan *plan;
        PlanRun *run;
        Report *report;
} Inside;

static void inside_donep(Inside *inside) {
        (void) report_free(inside->report);
        (void) plan_run_free(inside->run);
        (void) plan_free(inside->plan);
        (void) unit_states_free(inside->states);
        (void) systemd_close(inside->systemd);
        (void) tree_free(inside->old);
        (void) tree_free(inside->new);
        (void) tree_free(inside->declared);
        (void) tree_free(inside->edits);
        (void) contents_free(inside->contents);
        arena_done(&inside->arena);
}

static int read_trees(Inside *inside, Error *reterr) {
        inside->contents = contents_new();
        if (!inside->contents)
                return error_oom(reterr);
        int r = bundle_store_read(
                        inside->name, inside->new_name, inside->contents, &inside->new, reterr);
        if (r < 0)
                return r;
        return bundle_store_read(
                        inside->name, inside->old_name, inside->contents, &inside->old, reterr);
}

/* What was edited by hand changes, too, and units act on that. */
static int lay_edits(Inside *inside, Error *reterr) {
        Tree *whole = NULL;
        int r = container_edits_find(inside->leader, inside->old, inside->new, inside->contents,
                        &inside->edits, reterr);
        if (r > 0)
                r = tree_overlay(inside->old, inside->edits, &whole, reterr);
        if (!whole)
                return r;
        inside->declared = inside->old;
        inside->old = whole;
        return 0;
}

/* A container whose first process is stopped takes what it is sent, and does not answer. */
static char no_answer[128];

static void give_up(int signal) {
        (void) signal; /* there is one */
        ssize_t ignored = write(STDERR_FILENO, no_answer, strlen(no_answer));
        (void) ignored; /* there is nowhere else to tell it */
        _exit(1);
}

static int connect_to(Inside *inside, Error *reterr) {
        const struct sigaction action = { .sa_handler = give_up };
        UnitLook look = { .unit = FIT_UNIT };
        int r = container_leader(inside->name, &inside->leader, reterr);
        if (r < 0)
                return r;
        (void) snprintf(no_answer, sizeof(no_answer),
                        "sysswitch: Container %.64s does not answer\n", inside->name); /* fits */
        (void) sigaction(SIGALRM, &action, NULL); /* cannot fail for this signal */
        (void) alarm(ANSWER_SEC);
        r = container_connect(inside->name, inside->leader, &inside->systemd, reterr);
        if (r >= 0)
                r = unit_look(inside->systemd, &look, 1, LOOK_STATE, reterr);
        (void) alarm(0);
        return r;
}

static PlanInput input_of(const Inside *inside) {
        return (PlanInput){ .before = inside->old,
                .after = inside->new,
                .contents = inside->contents,
                .states = inside->states };
}

static int ask_unknown(Inside *inside, Error *reterr) {
        const UnitPlan *units = &inside->plan->units;
        cleanup_strv Strv ask = { 0 };
        for (size_t i = 0; i < units->n_unknown; i++) {
                const UnitState *known = unit_states_find(inside->states, units->unknown[i]);
                if ((!known || !known->has_relations) && strv_add(&ask, units->unknown[i]) < 0)
                        return error_oom(reterr);
        }
        if (ask.n_items == 0)
                return 0;
        int r = systemd_read_relations_of(inside->systemd, &ask, inside->states, reterr);
        return r < 0 ? r : 1;
}

static int make_plan(Inside *inside, Error *reterr) {
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        inside->states = unit_states_new();
        if (!inside->states)
                return error_oom(reterr);
        const PlanInput input = input_of(inside);
        int r = plan_concern(&input, &names, &patterns, reterr);
        if (r >= 0)
                r = systemd_read_states(inside->systemd, &names, &patterns, inside->states, reterr);
        while (r >= 0) {
                inside->plan = plan_free(inside->plan);
                r = plan_new(&input, &inside->plan, reterr);
                if (r >= 0)
                        r = ask_unknown(inside, reterr);
                if (r == 0)
                        break;
        }
        return r;
}

/* The last lines of a unit, for whoever reads the journal of the container's unit: the switch does.
 */
static void tell_log(const Inside *inside, const char *unit) {
        cleanup_free char *lines = NULL;
        cleanup(text_donep) Text text = { 0 };
        const ContainerLogQuery query = {
                .unit = unit, .invocation_id = "", .n_lines = N_LOG_LINES, .timeout_usec = LOG_USEC
        };
        Error ignored; /* it only says more of what is told anyway */
        if (container_log(inside->systemd, &query, &lines, &ignored) < 0)
                return;
        char *rest = lines;
        for (char *line; (line = strsep(&rest, "\n"));)
                if (*line) {
                        text_add(&text, "  ");
                        text_add_line(&text, line);
                        text_add(&text, "\n");
                }
        if (text.error >= 0 && text.data)
                (void) fputs(text.data, stderr); /* as above */
}

static void sync_log(const Inside *inside) {
        Error ignored; /* as above */
        (void) !container_sync_log(inside->systemd, LOG_USEC, &ignored);
}

static int fit(const Inside *inside, const char *tree, Error *reterr) {
        const char *const arguments[] = { NSPAWN_GUEST, "activate", tree, NULL };
        const ContainerProgram program = {
                .unit = FIT_UNIT, .arguments = arguments, .timeout_usec = FIT_USEC
        };
        return container_run(inside->systemd, &program, NULL, reterr);
}

/* Why it failed, it has told there. */
static int fit_new(const Inside *inside, Error *reterr) {
        int r = fit(inside, inside->new_name, reterr);
        if (r == -ECHILD) {
                sync_log(inside);
                tell_log(inside, FIT_UNIT);
        }
        return r;
}

static void tell_logs(const Inside *inside) {
        const Report *report = inside->report;
        sync_log(inside);
        for (size_t i = 0, n_told = 0; i < report->n_failures && n_told < N_LOGS; i++)
                if (report->failures[i].cause == FAILURE_CAUSED) {
                        tell_log(inside, report->failures[i].unit);
                        n_told++;
                }
}

/* What failed there, by name. */
static int check_report(const Inside *inside, Error *reterr) {
        const Report *report = inside->report;
        if (report_n_caused(report) == 0)
                return 0;
        tell_logs(inside);
        for (size_t i = 0; i < report->n_failures; i++)
                if (report->failures[i].cause == FAILURE_CAUSED)
                        return error_set(reterr, -ECHILD, "%s inside %s: %s (%s)",
                                        report->failures[i].unit, inside->name,
                                        report->failures[i].active_state,
                                        report->failures[i].result);
        for (size_t i = 0; i < report->n_actions; i++) {
                const ActionReport *action = &report->actions[i];
                if (job_outcome_is_bad(action->outcome))
                        return error_set(reterr, -ECHILD, "%s inside %s: %s failed: %s",
                                        action->action->unit, inside->name,
                                        verb_to_string(action->action->verb),
                                        action->message ? action->message
                                                        : job_outcome_to_string(action->outcome));
        }
        return 0;
}

static int look_now(Inside *inside,
                const UnitBefore *units,
                size_t n_units,
                UnitNow **ret_now,
                Error *reterr) {
        UnitLook *looks = arena_new(&inside->arena, UnitLook, n_units + 1);
        UnitNow *now = arena_new(&inside->arena, UnitNow, n_units + 1);
        if (!looks || !now)
                return error_oom(reterr);
        for (size_t i = 0; i < n_units; i++)
                looks[i].unit = units[i].unit;
        int r = unit_look(inside->systemd, looks, n_units, LOOK_STATE, reterr);
        for (size_t i = 0; r >= 0 && i < n_units; i++)
                now[i] = (UnitNow){ .is_on = unit_look_is_on(&looks[i]),
                        .has_job = looks[i].job_id > 0,
                        .invocation_id = looks[i].invocation_id };
        *ret_now = now;
        return r;
}

static int take_units_back(Inside *inside, const Manifest *journal, Error *reterr) {
        const RunOptions options = { .timeout_usec = BACK_USEC };
        UnitNow *now = NULL;
        UnitPlan plan;
        cleanup(plan_run_freep) PlanRun *run = NULL;
        int r = look_now(inside, journal->units, journal->n_units, &now, reterr);
        if (r < 0)
                return r;
        if (restore_plan(&inside->arena, journal->units, now, journal->n_units, &plan) < 0)
                return error_oom(reterr);
        r = plan_run_new(inside->systemd, &plan, &options, &run, reterr);
        if (r >= 0)
                r = plan_run_stop(run, reterr);
        return r < 0 ? r : plan_run_activate(run, reterr);
}

/* Files, then units, as an undone switch of a host: to what the journal says, whatever is there.
 * Units that were stopped serve again, also where the files cannot be put back: the journal stays
 * for these. */
static int take_back(Inside *inside, const Manifest *journal, Error *reterr) {
        Error later;
        int r = fit(inside, journal->from, reterr);
        int units = take_units_back(inside, journal, r < 0 ? &later : reterr);
        if (r >= 0)
                r = units;
        return r < 0 ? r : bundle_journal_drop(inside->name, reterr);
}

/* A tree's name that is none: the same tree is made exact, and that is not complete. */
#define FORCED "forced"

/* An activation that was cut off is taken back first; and so is one that was complete, when what it
 * came from is wanted again: from then on it is one that was cut off, too. Returns 1 when the
 * journal says so. */
static int is_to_take_back(Inside *inside, const Manifest *journal, Error *reterr) {
        if (strcmp(journal->to, inside->old_name) == 0 &&
                        strcmp(journal->from, inside->new_name) == 0) {
                int r = bundle_store_point(inside->name, "active", journal->from, reterr);
                if (r < 0)
                        return r;
                (void) strcpy(inside->old_name, inside->new_name); /* equal sizes */
        }
        if (strcmp(journal->from, inside->old_name) == 0)
                return 1;
        int r = bundle_journal_drop(inside->name, reterr);
        return r < 0 ? r : 0;
}

static int carry_out(Inside *inside, Error *reterr) {
        int r = plan_run_stop(inside->run, reterr);
        if (r >= 0)
                r = fit_new(inside, reterr);
        if (r >= 0)
                r = plan_run_activate(inside->run, reterr);
        if (r >= 0)
                r = plan_run_report(inside->run, &inside->report, reterr);
        return r < 0 ? r : check_report(inside, reterr);
}

static int begin(Inside *inside, Manifest *journal, Error *reterr) {
        static const RunOptions options = { .timeout_usec = FORWARD_USEC,
                .should_stop = stop_request_is_made };
        const UnitBefore *units = NULL;
        int r = make_plan(inside, reterr);
        if (r >= 0)
                r = plan_run_new(inside->systemd, &inside->plan->units, &options, &inside->run,
                                reterr);
        if (r >= 0 && plan_run_before(inside->run, &units, &journal->n_units) < 0)
                r = error_oom(reterr);
        if (r < 0)
                return r;
        journal->units = (UnitBefore *) (uintptr_t) units; /* only read */
        for (size_t i = 0; i < journal->n_units; i++)
                journal->units[i].uid = UINT32_MAX;
        return bundle_journal_write(inside->name, journal, reterr);
}

static int activate(Inside *inside, Error *reterr) {
        bool is_same = strcmp(inside->old_name, inside->new_name) == 0;
        Manifest journal = { .switch_id = "0",
                .from = inside->old_name,
                .to = is_same ? (char *) (uintptr_t) FORCED : inside->new_name }; /* only read */
        int r = read_trees(inside, reterr);
        if (r >= 0 && inside->is_forced)
                r = lay_edits(inside, reterr);
        if (r >= 0)
                r = begin(inside, &journal, reterr);
        if (r < 0)
                return r;
        r = carry_out(inside, reterr);
        if (r >= 0 && is_same) {
                journal.to = inside->new_name;
                return bundle_journal_write(inside->name, &journal, reterr);
        }
        if (r >= 0)
                return bundle_store_point(inside->name, "active", inside->new_name, reterr);
        const Error first = *reterr;
        Error second;
        if (take_back(inside, &journal, &second) < 0)
                return error_set(reterr, r, "%.200s; and putting %s back: %.200s", first.message,
                                inside->name, second.message);
        return error_prefix(reterr, "Container %s was put back", inside->name);
}

static int find_trees(Inside *inside, Error *reterr) {
        char forced[BUNDLE_TREE_SIZE];
        int r = bundle_store_wanted(inside->name, inside->new_name, reterr);
        if (r >= 0)
                r = bundle_store_pointed(inside->name, "active", inside->old_name, reterr);
        if (r == 0)
                return error_set(reterr, -ENOENT, "Container %s was not started by its unit",
                                inside->name);
        if (r >= 0)
                r = bundle_store_pointed(inside->name, "force", forced, reterr);
        inside->is_forced = r > 0 && strcmp(forced, inside->new_name) == 0;
        return r;
}

int inside_activate(const char *name, Error *reterr) {
        cleanup(inside_donep) Inside inside = { .name = name };
        cleanup(manifest_freep) Manifest *journal = NULL;
        cleanup_fd int lock_fd = bundle_journal_lock(name, LOCK_USEC, reterr);
        if (lock_fd < 0)
                return lock_fd;
        int r = find_trees(&inside, reterr);
        if (r >= 0)
                r = bundle_journal_read(name, &journal, reterr);
        if (r > 0)
                r = is_to_take_back(&inside, journal, reterr);
        bool is_new = inside.is_forced || strcmp(inside.old_name, inside.new_name) != 0,
             is_half = r > 0;
        if (r < 0 || (!is_new && !is_half))
                return r;
        cleanup_fd int turn_fd = bundle_journal_take_turn(TURN_USEC);
        r = connect_to(&inside, reterr);
        if (r >= 0 && is_half && (r = take_back(&inside, journal, reterr)) < 0)
                (void) error_prefix(reterr, "Container %s is not put back", name); /* r is told */
        return r < 0 || !is_new ? r : activate(&inside, reterr);
}
