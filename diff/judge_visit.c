/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How units hang together at the time of a step: before the flip as the manager has them loaded,
 * which the old texts say as well; after the daemon-reload as the new texts say, and of what the
 * trees do not define as the manager had it. */
#include "diff/judge.h"

#include <errno.h>
#include <string.h>

typedef struct LiveList {
        const char *const *names;
        RelationKind kind;
} LiveList;

/* A relation that the old text or a link had and the new one has not is gone after the
 * daemon-reload, whatever the manager knows before it. */
static bool is_dropped(const Comparison *comparison,
                const Subject *from,
                const Subject *to,
                RelationKind kind,
                Side side) {
        bool same_text = from->units[BEFORE] == from->units[AFTER];
        bool is_of_fstab = to->units[BEFORE]->fstab || to->units[AFTER]->fstab;
        if (side == BEFORE ||
                        (same_text && comparison->pair->sets[AFTER].same_links && !is_of_fstab))
                return false;
        bool was = false;
        /* a target may link to thousands, but few link to one unit */
        for (const Edge *edge = same_text ? to->in : from->out; edge;
                        edge = same_text ? edge->next_in : edge->next_out)
                if (edge->from == from && edge->to == to && edge->kind == kind) {
                        if (edge->sides & 1u << AFTER)
                                return false;
                        was = true;
                }
        return was;
}

/* Slices follow from the text, where there is one (slice.h): the manager knows those of the old. */
static bool is_old_slice(const Subject *from, const Subject *to, Side side) {
        return side == AFTER && to->type == UNIT_SLICE && from->units[AFTER]->is_defined;
}

/* Visits what the manager lists; is_dependent: the listed ones hang on subject. */
static int visit_live(Judge *judge,
                Subject *subject,
                Side side,
                const LiveList *list,
                bool is_dependent,
                RelationVisit visit,
                void *userdata) {
        for (const char *const *name = list->names; name && *name; name++) {
                if (!unit_name_is_valid(*name))
                        continue;
                Subject *other = comparison_subject(judge->comparison, side, *name);
                if (!other || comparison_connect(judge->comparison) < 0)
                        return -ENOMEM;
                const Subject *from = is_dependent ? other : subject,
                              *to = is_dependent ? subject : other;
                if (is_old_slice(from, to, side) ||
                                is_dropped(judge->comparison, from, to, list->kind, side))
                        continue;
                int r = visit(judge, subject, other, list->kind, userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}

int judge_visit_dependents(Judge *judge,
                Subject *subject,
                Side side,
                unsigned kinds,
                RelationVisit visit,
                void *userdata) {
        for (const Edge *edge = subject->in; edge; edge = edge->next_in) {
                if (!(edge->sides & 1u << side) || !(kinds & 1u << edge->kind))
                        continue;
                int r = visit(judge, subject, edge->from, edge->kind, userdata);
                if (r != 0)
                        return r;
        }
        const UnitState *state = subject->state;
        if (!state)
                return 0;
        const LiveList lists[] = {
                { state->required_by, RELATION_REQUIRES },
                { state->requisite_of, RELATION_REQUISITE },
                { state->bound_by, RELATION_BINDS_TO },
                { state->consists_of, RELATION_PART_OF },
                { state->stop_propagated_to, RELATION_STOP_PROPAGATED_FROM },
                { state->wanted_by, RELATION_WANTS },
                { state->triggered_by, RELATION_TRIGGERS },
        };
        for (size_t i = 0; i < N_ELEMENTS(lists); i++) {
                int r = kinds & 1u << lists[i].kind ? visit_live(judge, subject, side, &lists[i],
                                                                      true, visit, userdata)
                                                    : 0;
                if (r != 0)
                        return r;
        }
        return 0;
}

int judge_visit_dependencies(Judge *judge,
                Subject *subject,
                Side side,
                unsigned kinds,
                RelationVisit visit,
                void *userdata) {
        if (relation_add_linked(judge->comparison, subject) < 0)
                return -ENOMEM;
        for (const Edge *edge = subject->out; edge; edge = edge->next_out) {
                if (!(edge->sides & 1u << side) || !(kinds & 1u << edge->kind))
                        continue;
                int r = visit(judge, subject, edge->to, edge->kind, userdata);
                if (r != 0)
                        return r;
        }
        const UnitState *state = subject->state;
        if (!state)
                return 0;
        const LiveList lists[] = {
                { state->wants, RELATION_WANTS },
                { state->requires, RELATION_REQUIRES },
                { state->requisite, RELATION_REQUISITE },
                { state->binds_to, RELATION_BINDS_TO },
                { state->upholds, RELATION_UPHOLDS },
                { state->conflicts, RELATION_CONFLICTS },
                { state->part_of, RELATION_PART_OF },
                { state->triggers, RELATION_TRIGGERS },
        };
        for (size_t i = 0; i < N_ELEMENTS(lists); i++) {
                int r = kinds & 1u << lists[i].kind ? visit_live(judge, subject, side, &lists[i],
                                                                      false, visit, userdata)
                                                    : 0;
                if (r != 0)
                        return r;
        }
        return 0;
}

int judge_need(Judge *judge, Subject *subject) {
        const Comparison *comparison = judge->comparison;
        if (!comparison->states || comparison->input->everything_off ||
                        (subject->state && subject->state->has_relations))
                return 0;
        bool is_new = subject->units[AFTER]->is_defined && !subject->units[BEFORE]->is_defined &&
                      !subject->state;
        bool is_device = subject->type == UNIT_DEVICE;
        if (is_new || is_device) /* no manager can know the one, and nothing is started or stopped
                                    with the other */
                return 0;
        return map_put(&judge->unknown, subject->name, subject);
}
