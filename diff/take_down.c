/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stop takes down along, and what of that comes back. */
#include "diff/judge.h"

#include <errno.h>

typedef struct TakeDown {
        Side side;  /* by which text: the old one before the daemon-reload, the new one after */
        List queue; /* what stops, and whose dependents are to be looked at */
} TakeDown;

static int visit_to_stop(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        TakeDown *down = userdata;
        if (!subject_is_on(judge->comparison, other) || other == subject)
                return other->state ? 0 : judge_need(judge, other);
        Judgement *judgement = judgement_at(judge, other);
        if (!judgement)
                return -ENOMEM;
        if (judgement->stops && (!judgement->stops_late || down->side == AFTER))
                return 0;
        if (judgement->stops) { /* later, by itself: but it goes down now */
                judgement->stops_late = false;
                return list_add(&down->queue, judge->arena, other);
        }
        judgement->stops = judgement->came_along = true;
        judgement->stops_late = down->side == AFTER;
        judgement->starts = judgement->restarts = judgement->reloads = judgement->skips = false;
        const char *what = arena_printf(judge->arena, "stops with %s", subject->name);
        const char *why = arena_printf(judge->arena, "%s=", relation_to_string(kind));
        if (!what || !why ||
                        chain_set(judge->arena, &judgement->stop_reasons, what, why, CHAIN_END) < 0)
                return -ENOMEM;
        return list_add(&down->queue, judge->arena, other);
}

int judge_take_down(Judge *judge, Side side) {
        TakeDown down = { .side = side };
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Judgement *judgement = judge->subjects[i]->judgement;
                if (judgement->stops && judgement->stops_late == (side == AFTER) &&
                                list_add(&down.queue, judge->arena, judge->subjects[i]) < 0)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < down.queue.n_items; i++) {
                Subject *subject = down.queue.items[i];
                if (judge_need(judge, subject) < 0 ||
                                judge_visit_dependents(judge, subject, side, KINDS_STOP,
                                                visit_to_stop, &down) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int visit_tie(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        (void) judge;
        (void) userdata;
        bool is_loose = kind == RELATION_PART_OF || kind == RELATION_STOP_PROPAGATED_FROM;
        if (is_loose && subject->wanted[AFTER])
                return 0;
        return judge_goes_down(other) && !other->judgement->on_demand;
}

static bool can_start(const Subject *subject) {
        const Unit *before = subject->units[BEFORE], *after = subject->units[AFTER];
        bool is_gone = before->is_defined && !after->is_defined && !subject->enable[AFTER] &&
                       !after->has_own_drop_in;
        if (after->is_masked || is_gone || subject->type == UNIT_SCOPE ||
                        subject->type == UNIT_DEVICE)
                return false;
        return unit_text_boolean(&after->text, "Unit", "RefuseManualStart") != 1;
}

/* All come back at first, and then one after the other does not, until no more falls. */
static int drop_tied(Judge *judge, bool *ret_any) {
        *ret_any = false;
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Subject *subject = judge->subjects[i];
                if (!subject->judgement->came_along || !subject->judgement->starts)
                        continue;
                int r = judge_visit_dependencies(
                                judge, subject, AFTER, KINDS_STOP, visit_tie, NULL);
                if (r < 0)
                        return r;
                subject->judgement->starts = r == 0;
                *ret_any |= r != 0;
        }
        return 0;
}

int judge_bring_back(Judge *judge) {
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Subject *subject = judge->subjects[i];
                Judgement *judgement = subject->judgement;
                if (!judgement->came_along)
                        continue;
                if (i >= judge->n_candidates && facts_of(judge->comparison, subject, judgement) < 0)
                        return -ENOMEM;
                judgement->starts = can_start(subject) && !judgement->facts.is_connection;
        }
        for (bool any = true; any;)
                if (drop_tied(judge, &any) < 0)
                        return -ENOMEM;
        return 0;
}
