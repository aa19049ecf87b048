/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes down along: with a conflict, with what it is bound to, unneeded, or for want of a file.
 */
#include "diff/dragging.h"

#include "diff/mention.h"

#include <errno.h>
#include <string.h>

static int visit_stop(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        (void) judge;
        return drag_stop(userdata, other, subject->name, relation_to_string(kind));
}

int drag_stop(Drag *drag, Subject *subject, const char *by, const char *via) {
        Judge *judge = drag->judge;
        if (!subject->state && !drag_is_known_anyway(subject) && judge_need(judge, subject) < 0)
                return -ENOMEM;
        if (!subject_is_on(judge->comparison, subject))
                return 0;
        Judgement *judgement = judgement_at(judge, subject);
        if (!judgement)
                return -ENOMEM;
        if (judgement->stops || judgement->is_dragged_stop || judgement->restarts)
                return 0;
        judgement->is_dragged_stop = true;
        judgement->reloads = false;
        if (drag_note(drag, subject, by, via, VERB_STOP) < 0)
                return -ENOMEM;
        return judge_visit_dependents(judge, subject, AFTER, KINDS_STOP, visit_stop, drag);
}

int drag_bound(Drag *drag, Subject *subject, Side side) {
        return judge_visit_dependents(drag->judge, subject, side, KINDS_BOUND, visit_stop, drag);
}

/* A timer that waits and has no file any more has no unit to start, and is ended by the
 * daemon-reload, whatever X-StopOnRemoval= says. (systemd, core/timer.c) */
int drag_timers(Drag *drag) {
        Judge *judge = drag->judge;
        for (size_t i = 0; i < judge->n_candidates; i++) {
                Subject *subject = judge->subjects[i];
                const UnitFacts *facts = &subject->judgement->facts;
                bool waits = subject->state && strcmp(subject->state->sub_state, "waiting") == 0;
                if (subject->type == UNIT_TIMER && facts->is_gone && facts->keeps_running &&
                                waits && drag_stop(drag, subject, "daemon-reload", "Unit") < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int visit_mount(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        if (other->type != UNIT_MOUNT)
                return 0;
        if (!other->state)
                return judge_need(judge, other);
        Judgement *judgement = judgement_at(judge, other);
        if (!judgement)
                return -ENOMEM;
        if (!subject_is_on(judge->comparison, other) || judgement->stops ||
                        judgement->is_dragged_stop)
                return 0;
        judgement->is_dragged_stop = true;
        judgement->restarts = judgement->reloads = judgement->skips = false;
        if (drag_note(userdata, other, subject->name, relation_to_string(kind), VERB_STOP) < 0)
                return -ENOMEM;
        return drag_bound(userdata, other, AFTER);
}

/* An automount that goes down detaches what it has mounted. */
int drag_mounts(Drag *drag) {
        Judge *judge = drag->judge;
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Subject *subject = judge->subjects[i];
                const Judgement *judgement = subject->judgement;
                if (subject->type != UNIT_AUTOMOUNT ||
                                !(judgement->stops || judgement->restarts ||
                                                judgement->is_dragged_stop ||
                                                judgement->is_dragged_restart))
                        continue;
                if (judge_visit_dependencies(judge, subject, BEFORE, 1u << RELATION_TRIGGERS,
                                    visit_mount, drag) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static bool stops_when_unneeded(const Subject *subject, Side side) {
        const UnitText *text = &subject->units[side]->text;
        return text->mentions & MENTION_UNNEEDED &&
               unit_text_boolean(text, "Unit", "StopWhenUnneeded") == 1;
}

/* Does a unit that is up need it? At the reload, or at the end. */
static bool is_needed(const Judge *judge, const Subject *subject, Side side, bool at_reload) {
        for (const Edge *edge = subject->in; edge; edge = edge->next_in)
                if (edge->sides & 1u << side && 1u << edge->kind & KINDS_NEED &&
                                (at_reload ? judge_is_up_at_reload(judge, edge->from)
                                           : drag_is_up(judge, edge->from)))
                        return true;
        return false;
}

/* StopWhenUnneeded=: it stops with the last one that needs it; before the daemon-reload, or with
 * it. */
static bool becomes_unneeded(const Judge *judge, const Subject *subject, Side side) {
        const Comparison *comparison = judge->comparison;
        const Judgement *judgement = subject->judgement;
        bool is_down = judgement &&
                       (judgement->stops || judgement->is_dragged_stop || judgement->restarts);
        if (is_down || !stops_when_unneeded(subject, side) || !subject_is_on(comparison, subject) ||
                        is_needed(judge, subject, side, side == BEFORE))
                return false;
        bool was_needed = false;
        for (const Edge *edge = subject->in; edge; edge = edge->next_in)
                was_needed |= edge->sides & 1u << BEFORE && 1u << edge->kind & KINDS_NEED &&
                              subject_is_on(comparison, edge->from);
        return was_needed || (side == AFTER && !stops_when_unneeded(subject, BEFORE));
}

int drag_unneeded(Drag *drag, Side side) {
        const Comparison *comparison = drag->judge->comparison;
        for (bool any = true; any;) { /* one that stops may have been the last to need another */
                any = false;
                for (size_t i = 0; i < comparison->n_subjects; i++) {
                        Subject *subject = comparison->subjects[i];
                        if (!becomes_unneeded(drag->judge, subject, side))
                                continue;
                        any = true;
                        if (drag_stop(drag, subject, "daemon-reload", "StopWhenUnneeded") < 0)
                                return -ENOMEM;
                }
        }
        return 0;
}
