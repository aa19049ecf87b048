/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/dragging.h"

#include "diff/slice.h"

#include <errno.h>
#include <string.h>

int drag_add(Judge *judge, Drags *drags, const UnitDrag *drag) {
        if (drags->n_items == drags->n_allocated) {
                size_t n = drags->n_allocated ? drags->n_allocated * 2 : 16;
                drags->items = arena_grow(
                                judge->arena, drags->items, drags->n_items, n, sizeof(UnitDrag));
                if (!drags->items)
                        return -ENOMEM;
                drags->n_allocated = n;
        }
        drags->items[drags->n_items++] = *drag;
        return 0;
}

int drag_note(Drag *drag, const Subject *subject, const char *by, const char *via, Verb verb) {
        return drag_add(drag->judge, drag->drags,
                        &(UnitDrag){ .unit = subject->name, .by = by, .via = via, .verb = verb });
}

static int enqueue(Drag *drag, Subject *subject) {
        if (drag->n_queued == drag->n_allocated) {
                size_t n = drag->n_allocated ? drag->n_allocated * 2 : 64;
                drag->queue = arena_grow(drag->judge->arena, drag->queue, drag->n_queued, n,
                                sizeof(Subject *));
                if (!drag->queue)
                        return -ENOMEM;
                drag->n_allocated = n;
        }
        drag->queue[drag->n_queued++] = subject;
        return 0;
}

bool drag_is_up(const Judge *judge, const Subject *subject) {
        const Judgement *judgement = subject->judgement;
        if (judgement && (judgement->starts || judgement->is_dragged_start))
                return true;
        if (judgement && (judgement->stops || judgement->is_dragged_stop))
                return false;
        return subject_counts_as_on(judge->comparison, subject);
}

/* A restart restarts what hangs on it, if that is on. */
static int visit_restart(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        Drag *drag = userdata;
        if (!subject_is_on(judge->comparison, other))
                return other->state ? 0 : judge_need(judge, other);
        Judgement *judgement = judgement_at(judge, other);
        if (!judgement)
                return -ENOMEM;
        if (judgement->stops || judgement->restarts || judgement->is_dragged_restart ||
                        judgement->is_dragged_stop)
                return 0;
        judgement->is_dragged_restart = true;
        judgement->reloads = false;
        if (drag_note(drag, other, subject->name, relation_to_string(kind), VERB_RESTART) < 0)
                return -ENOMEM;
        return enqueue(drag, other);
}

/* An auto-restart that comes with the daemon-reload. */
static int drag_hurried(Drag *drag) {
        Judge *judge = drag->judge;
        for (size_t i = 0; i < judge->n_candidates; i++) {
                Subject *subject = judge->subjects[i];
                Judgement *judgement = subject->judgement;
                if (!judgement->facts.is_hurried || judgement->stops || judgement->restarts)
                        continue;
                judgement->is_dragged_restart = true;
                if (drag_note(drag, subject, "daemon-reload", "RestartSec", VERB_RESTART) < 0 ||
                                enqueue(drag, subject) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int drag_restarts(Drag *drag) {
        Judge *judge = drag->judge;
        if (drag_hurried(drag) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < judge->n_subjects; i++)
                if (judge->subjects[i]->judgement->restarts &&
                                enqueue(drag, judge->subjects[i]) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < drag->n_queued; i++)
                if (judge_need(judge, drag->queue[i]) < 0 ||
                                judge_visit_dependents(judge, drag->queue[i], AFTER, KINDS_RESTART,
                                                visit_restart, drag) < 0)
                        return -ENOMEM;
        return 0;
}

bool drag_is_known_anyway(const Subject *subject) {
        static const char *const names[] = { "sysinit.target", "basic.target", "shutdown.target",
                "system.slice", "-.slice", "app.slice", "-.mount" };
        for (size_t i = 0; i < N_ELEMENTS(names); i++)
                if (strcmp(subject->name, names[i]) == 0)
                        return true;
        return false;
}

/* Can it be started at all? Of what no manager was asked about it is taken for granted. */
static bool exists(const Subject *subject) {
        const Unit *before = subject->units[BEFORE], *after = subject->units[AFTER];
        if (after->is_masked || (before->is_defined && !after->is_defined))
                return false;
        if (subject->is_no_unit)
                return false;
        if (after->is_defined || before->is_masked || !subject->state)
                return true;
        const char *load_state = subject->state->load_state;
        return !*load_state || strcmp(load_state, "loaded") == 0 || strcmp(load_state, "stub") == 0;
}

static bool is_at_work(const Subject *subject) {
        return subject->state && strcmp(subject->state->active_state, "activating") == 0;
}

/* A start that joins the one under way pulls in all the same what the new text needs. */
static int join(Drag *drag, Subject *subject) {
        Judgement *judgement = judgement_at(drag->judge, subject);
        if (!judgement)
                return -ENOMEM;
        if (judgement->is_joined)
                return 0;
        judgement->is_joined = true;
        return enqueue(drag, subject);
}

static int start(Drag *drag, Subject *subject, const char *by, const char *via) {
        Judge *judge = drag->judge;
        int r = relation_add_distribution(judge->comparison, subject, &judge->error);
        if (r < 0)
                return r;
        if (!subject->state && !drag_is_known_anyway(subject) && judge_need(judge, subject) < 0)
                return -ENOMEM;
        if (is_at_work(subject) && drag_is_up(judge, subject))
                return join(drag, subject);
        if (drag_is_known_anyway(subject) || drag_is_up(judge, subject) ||
                        subject->type == UNIT_DEVICE || !exists(subject))
                return 0;
        Judgement *judgement = judgement_at(judge, subject);
        if (!judgement)
                return -ENOMEM;
        judgement->is_dragged_start = true;
        if (drag_note(drag, subject, by, via, VERB_START) < 0)
                return -ENOMEM;
        return enqueue(drag, subject);
}

static int visit_pull(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        (void) judge;
        return start(userdata, other, subject->name, relation_to_string(kind));
}

/* A unit runs in a slice, which runs in another. */
static int pull_slices(Drag *drag, Subject *subject, Side side) {
        Judge *judge = drag->judge;
        const char *name = NULL, *by = subject->name;
        int r = slice_of(judge->arena, subject->units[side], judge->comparison->is_user, &name);
        if (r < 0 || !name)
                return r;
        const Subject *own = unit_name_is_valid(name)
                                             ? comparison_subject(judge->comparison, side, name)
                                             : NULL;
        if (unit_name_is_valid(name) && !own)
                return -ENOMEM;
        bool is_off = own && own->state && !subject_is_on(judge->comparison, own);
        if (subject_is_on(judge->comparison, subject) && !is_off) {
                /* it runs in its slice already, if that is the same */
                const char *old = NULL;
                r = slice_of(judge->arena, subject->units[BEFORE], judge->comparison->is_user,
                                &old);
                if (r < 0)
                        return r;
                if (old && strcmp(old, name) == 0 && !judge_goes_down(subject))
                        return 0;
        }
        while (name && unit_name_is_valid(name)) {
                Subject *slice = comparison_subject(judge->comparison, AFTER, name);
                if (!slice || start(drag, slice, by, "Slice") < 0 ||
                                slice_parent(judge->arena, name, &name) < 0)
                        return -ENOMEM;
                by = slice->name;
        }
        return 0;
}

/* A unit that conflicts with one that comes up before it goes down, and stays so. */
static void lose(Drag *drag, const Subject *subject) {
        Judgement *judgement = subject->judgement;
        for (size_t i = 0; judgement->is_dragged_restart && i < drag->drags->n_items; i++)
                if (drag->drags->items[i].unit == subject->name) {
                        drag->drags->items[i] = drag->drags->items[--drag->drags->n_items];
                        break;
                }
        judgement->restarts = judgement->is_dragged_restart = false;
        judgement->starts = judgement->starts && !judgement->stops;
}

static int visit_conflict(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        if (other->judgement && subject_is_on(judge->comparison, other))
                lose(userdata, other);
        return drag_stop(userdata, other, subject->name, relation_to_string(kind));
}

static int find_early(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        static const char *const names[] = { "sysinit.target", "local-fs.target", "swap.target" };
        (void) judge, (void) subject, (void) kind;
        for (size_t i = 0; i < N_ELEMENTS(names); i++)
                *(bool *) userdata |= strcmp(other->name, names[i]) == 0;
        return 0;
}

/* Each start is one of sysinit.target, too, and so of all that this wants. systemd drops what only
 * targets that are reached have asked for; not what is to be up for the unit that starts. */
static int visit_requisite(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        bool is_early = false;
        if (judge_visit_dependents(judge, other, AFTER, KINDS_PULL, find_early, &is_early) < 0)
                return -ENOMEM;
        return is_early ? start(userdata, other, subject->name, relation_to_string(kind)) : 0;
}

static int pull_requisites(Drag *drag, Subject *subject, Side side) {
        bool is_of_boot = subject->type == UNIT_SERVICE || subject->type == UNIT_SOCKET ||
                          subject->type == UNIT_TIMER || subject->type == UNIT_PATH;
        if (!is_of_boot || drag->judge->comparison->is_user ||
                        unit_text_boolean(&subject->units[side]->text, "Unit",
                                        "DefaultDependencies") == 0)
                return 0;
        return judge_visit_dependencies(drag->judge, subject, side, 1u << RELATION_REQUISITE,
                        visit_requisite, drag);
}

static bool has_lost(const Subject *subject) {
        const Judgement *judgement = subject->judgement;
        return !judgement->starts && !judgement->restarts && !judgement->is_dragged_start &&
               !judgement->is_dragged_restart && !judgement->is_triggered && !judgement->is_joined;
}

static bool ends_by_itself(const Subject *subject, Side side) {
        const UnitText *text = &subject->units[side]->text;
        const char *type = unit_text_value(text, "Service", "Type");
        return type && strcmp(type, "oneshot") == 0 &&
               unit_text_boolean(text, "Service", "RemainAfterExit") != 1;
}

static int visit_success(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        (void) judge;
        return start(userdata, other, subject->name, relation_to_string(kind));
}

/* What starts or restarts, with its text of a side: what it pulls in, stops, and, where it goes
 * through being off, lets start. */
static int pull(Drag *drag, Subject *subject, Side side) {
        Judge *judge = drag->judge;
        int r = relation_add_distribution(judge->comparison, subject, &judge->error);
        if (r < 0)
                return r;
        if (judge_need(judge, subject) < 0 || pull_slices(drag, subject, side) < 0 ||
                        judge_visit_dependencies(
                                        judge, subject, side, KINDS_PULL, visit_pull, drag) < 0 ||
                        pull_requisites(drag, subject, side) < 0 ||
                        judge_visit_dependencies(judge, subject, side, 1u << RELATION_CONFLICTS,
                                        visit_conflict, drag) < 0 ||
                        judge_visit_dependents(judge, subject, side, 1u << RELATION_CONFLICTS,
                                        visit_conflict, drag) < 0)
                return -ENOMEM;
        const Judgement *judgement = subject->judgement;
        bool ends = ends_by_itself(subject, side);
        if (!judgement->restarts && !judgement->is_dragged_restart && !ends)
                return 0;
        if (ends && drag_bound(drag, subject, side) < 0)
                return -ENOMEM;
        return judge_visit_dependencies(
                        judge, subject, side, 1u << RELATION_ON_SUCCESS, visit_success, drag);
}

static int pull_all(Drag *drag) {
        while (drag->n_pulled < drag->n_queued) {
                Subject *subject = drag->queue[drag->n_pulled++];
                if (!has_lost(subject) && pull(drag, subject, AFTER) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int drag_starts(Drag *drag) {
        Judge *judge = drag->judge;
        for (size_t i = 0; i < judge->n_subjects; i++) {
                const Judgement *judgement = judge->subjects[i]->judgement;
                bool is_early = judgement->is_triggered_early;
                if (is_early && pull(drag, judge->subjects[i], BEFORE) < 0)
                        return -ENOMEM;
                if ((judgement->starts || (judgement->is_triggered && !is_early)) &&
                                enqueue(drag, judge->subjects[i]) < 0)
                        return -ENOMEM;
        }
        return pull_all(drag);
}

/* OnSuccess= of what stops. */
static int drag_successes(Drag *drag) {
        Judge *judge = drag->judge;
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Subject *subject = judge->subjects[i];
                const Judgement *judgement = subject->judgement;
                if (!judgement->stops && !judgement->is_dragged_stop)
                        continue;
                Side side = judgement->stops && !judgement->stops_late ? BEFORE : AFTER;
                if (judge_visit_dependencies(judge, subject, side, 1u << RELATION_ON_SUCCESS,
                                    visit_success, drag) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Upholds=: what an active unit upholds does not stay down. */
static int drag_upheld(Drag *drag) {
        Judge *judge = drag->judge;
        const Comparison *comparison = judge->comparison;
        for (size_t i = 0; i < comparison->n_subjects; i++)
                for (const Edge *edge = comparison->subjects[i]->out; edge; edge = edge->next_out) {
                        if (edge->kind != RELATION_UPHOLDS)
                                continue;
                        const Judgement *judgement = edge->to->judgement;
                        bool was_stopped = judgement &&
                                           (judgement->stops || judgement->is_dragged_stop);
                        bool is_new = edge->sides == 1u << AFTER;
                        bool upholds_at_stop = edge->sides & 1u << BEFORE &&
                                               judge_is_up_at_reload(judge, edge->from) &&
                                               judgement && !judgement->stops_late;
                        bool upholds_now =
                                        edge->sides & 1u << AFTER && drag_is_up(judge, edge->from);
                        bool upholds_at_reload = /* also one that stops later */
                                        is_new && judge_is_up_at_reload(judge, edge->from);
                        if ((was_stopped && (upholds_at_stop || upholds_now)) ||
                                        (is_new && upholds_now) || upholds_at_reload)
                                if (start(drag, edge->to, edge->from->name, "Upholds") < 0)
                                        return -ENOMEM;
                }
        return pull_all(drag);
}

static int visit_reload(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        Judgement *judgement = judgement_at(judge, other);
        Judgement probe = { 0 };
        if (!judgement || facts_of(judge->comparison, other, &probe) < 0)
                return -ENOMEM;
        bool acts = judgement->stops || judgement->starts || judgement->restarts ||
                    judgement->reloads || judgement->is_dragged_restart ||
                    judgement->is_dragged_stop;
        if (acts || !probe.facts.is_on || !probe.facts.can_reload || probe.facts.is_activating)
                return 0;
        return drag_note(userdata, other, subject->name, relation_to_string(kind), VERB_RELOAD);
}

/* A reload is handed on. */
static int drag_reloads(Drag *drag) {
        Judge *judge = drag->judge;
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Subject *subject = judge->subjects[i];
                if (subject->judgement->reloads &&
                                judge_visit_dependents(judge, subject, AFTER,
                                                1u << RELATION_RELOAD_PROPAGATED_FROM, visit_reload,
                                                drag) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int drag_find(Judge *judge, Drags *ret_drags) {
        *ret_drags = (Drags){ 0 };
        Drag drag = { .judge = judge, .drags = ret_drags };
        if (judge->comparison->input->everything_off)
                return 0;
        if (drag_unneeded(&drag, BEFORE) < 0 || drag_timers(&drag) < 0 ||
                        drag_restarts(&drag) < 0 || drag_mounts(&drag) < 0 ||
                        drag_successes(&drag) < 0 || drag_starts(&drag) < 0 ||
                        drag_upheld(&drag) < 0 || drag_unneeded(&drag, AFTER) < 0 ||
                        drag_reloads(&drag) < 0)
                return -ENOMEM;
        return 0;
}
