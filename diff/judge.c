/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/judge.h"

#include <errno.h>
#include <string.h>

Judgement *judgement_at(Judge *judge, Subject *subject) {
        if (subject->judgement)
                return subject->judgement;
        if (judge->n_subjects == judge->n_allocated) {
                size_t n = judge->n_allocated ? judge->n_allocated * 2 : 64;
                judge->subjects = arena_grow(judge->arena, judge->subjects, judge->n_subjects, n,
                                sizeof(Subject *));
                judge->n_allocated = judge->subjects ? n : 0;
        }
        subject->judgement = judge->subjects ? arena_new(judge->arena, Judgement, 1) : NULL;
        if (subject->judgement)
                judge->subjects[judge->n_subjects++] = subject;
        return subject->judgement;
}

bool judge_goes_down(const Subject *subject) {
        return subject->judgement && subject->judgement->stops && !subject->judgement->starts;
}

bool judge_is_up(const Judge *judge, const Subject *subject) {
        const Judgement *judgement = subject->judgement;
        if (judgement && (judgement->stops || judgement->starts))
                return judgement->starts || judgement->on_demand;
        return subject_counts_as_on(judge->comparison, subject);
}

bool judge_is_up_at_reload(const Judge *judge, const Subject *subject) {
        const Judgement *judgement = subject->judgement;
        if (judgement && judgement->stops && !judgement->stops_late)
                return false;
        return subject_counts_as_on(judge->comparison, subject);
}

bool judge_is_candidate(const Subject *subject) {
        return !unit_name_is_template(subject->name) &&
               (subject->units[BEFORE] != subject->units[AFTER] || subject->trigger ||
                               subject->debt ||
                               (subject->wanted[BEFORE] != 0) != (subject->wanted[AFTER] != 0) ||
                               subject->disable[BEFORE] != subject->disable[AFTER]);
}

/* Whether a distribution unit can reload is the manager's to say, where a reload is asked for. */
static bool lacks_can_reload(const Subject *subject, const UnitFacts *facts) {
        bool asks = facts->reload_trigger || facts->reload_if_changed ||
                    facts->method == METHOD_RELOAD;
        return asks && facts->is_on && subject->type == UNIT_SERVICE &&
               !subject->units[AFTER]->text.is_whole && subject->state &&
               subject->state->can_reload < 0;
}

static int add_candidates(Judge *judge) {
        const Comparison *comparison = judge->comparison;
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                Subject *subject = comparison->subjects[i];
                if (!judge_is_candidate(subject))
                        continue;
                Judgement *judgement = judgement_at(judge, subject);
                if (!judgement || facts_of(comparison, subject, judgement) < 0 ||
                                (lacks_can_reload(subject, &judgement->facts) &&
                                                judge_need(judge, subject) < 0))
                        return -ENOMEM;
        }
        judge->n_candidates = judge->n_subjects;
        return 0;
}

static void apply(Judgement *judgement) {
        Verdict verdict = judgement->decision.verdict;
        judgement->stops = verdict == VERDICT_STOP || verdict == VERDICT_STOP_LATE ||
                           verdict == VERDICT_STOP_START;
        bool refuses = verdict == VERDICT_STOP_START && judgement->facts.old_refuses_stop;
        judgement->stops_late = judgement->stops && (verdict == VERDICT_STOP_LATE || refuses ||
                                                                    judgement->facts.is_upheld);
        judgement->starts = verdict == VERDICT_START || verdict == VERDICT_STOP_START;
        judgement->restarts = verdict == VERDICT_RESTART;
        judgement->reloads = verdict == VERDICT_RELOAD;
        judgement->skips = verdict == VERDICT_SKIP;
        judgement->on_demand = judgement->facts.is_socket_service && verdict == VERDICT_STOP_LATE;
}

static void decide_all(Judge *judge) {
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Judgement *judgement = judge->subjects[i]->judgement;
                judgement->came_along = false;
                judgement->stop_reasons = (Chain){ 0 };
                if (i < judge->n_candidates)
                        judgement->decision = decide(&judgement->facts);
                apply(judgement);
        }
}

static void make_way(Judgement *judgement, const Subject *subject) {
        judgement->stops = judgement->stops_late = true;
        judgement->starts = subject->wanted[AFTER] ||
                            unit_text_flag_boolean(&subject->units[AFTER]->text,
                                            "X-NotSocketActivated") == 1;
        judgement->on_demand = !judgement->starts;
        judgement->restarts = judgement->reloads = judgement->skips = false;
}

/* Rule 7, socket: it cannot start while its service is on. */
static int
visit_service(Judge *judge, Subject *socket, Subject *service, RelationKind kind, void *userdata) {
        (void) kind; /* there is one */
        (void) userdata;
        if (!subject_is_on(judge->comparison, service) || service->type != UNIT_SERVICE)
                return 0;
        Judgement *judgement = judgement_at(judge, service);
        if (!judgement)
                return -ENOMEM;
        if (judgement->decision.verdict == VERDICT_STOP ||
                        (judgement->stops && judgement->stops_late && !judgement->on_demand))
                return 0; /* gone or disabled: it is down before */
        make_way(judgement, service);
        const char *what = arena_printf(judge->arena, "makes way for %s, which %s", socket->name,
                        socket->judgement->restarts ? "restarts" : "starts");
        return what ? chain_set(judge->arena, &judgement->stop_reasons, what, CHAIN_END) : -ENOMEM;
}

static int make_ways(Judge *judge) {
        for (size_t i = 0; i < judge->n_subjects; i++) {
                Subject *subject = judge->subjects[i];
                if (subject->type != UNIT_SOCKET ||
                                !(subject->judgement->restarts || subject->judgement->starts))
                        continue;
                if (judge_visit_dependencies(judge, subject, AFTER, 1u << RELATION_TRIGGERS,
                                    visit_service, NULL) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static bool any_acts(const Judge *judge) {
        for (size_t i = 0; i < judge->n_subjects; i++) {
                const Judgement *judgement = judge->subjects[i]->judgement;
                if (judgement->stops || judgement->starts || judgement->restarts ||
                                judgement->reloads)
                        return true;
        }
        return false;
}

static bool refuses_hands(const Subject *subject) {
        const UnitText *before = &subject->units[BEFORE]->text,
                       *after = &subject->units[AFTER]->text;
        return unit_text_boolean(before, "Unit", "RefuseManualStop") == 1 ||
               unit_text_boolean(after, "Unit", "RefuseManualStart") == 1;
}

/* Rule 7, target: X-StopOnReconfiguration=yes. One that refuses to be stopped or started by hand
 * goes on. */
static int reconfigure_targets(Judge *judge) {
        const Comparison *comparison = judge->comparison;
        if (!any_acts(judge))
                return 0;
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                Subject *subject = comparison->subjects[i];
                const UnitText *text = &subject->units[AFTER]->text;
                if (subject->type != UNIT_TARGET || text->n_parts == 0 ||
                                unit_name_is_template(subject->name) ||
                                unit_text_flag_boolean(text, "X-StopOnReconfiguration") != 1 ||
                                !subject_is_on(comparison, subject) || refuses_hands(subject))
                        continue;
                Judgement *judgement = judgement_at(judge, subject);
                if (!judgement)
                        return -ENOMEM;
                if (judgement->stops)
                        continue;
                judgement->stops = judgement->starts = true;
                judgement->restarts = judgement->reloads = judgement->skips = false;
                if (chain_set(judge->arena, &judgement->stop_reasons, "X-StopOnReconfiguration=yes",
                                    CHAIN_END) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Rule 3: who makes a newly wanted unit start? Sets *ret_by (NULL: Enable=). */
static bool
is_pulled(const Judge *judge, const Subject *subject, bool follows_also, const Subject **ret_by) {
        *ret_by = NULL;
        if (subject->enable[AFTER])
                return true;
        for (const Edge *edge = subject->in; edge; edge = edge->next_in) {
                const Subject *by = NULL;
                if (!(edge->sides & 1u << AFTER))
                        continue;
                bool pulls = 1u << edge->kind & KINDS_PULL && judge_is_up(judge, edge->from);
                if (edge->kind == RELATION_ALSO && follows_also)
                        pulls = judge_is_up(judge, edge->from) ||
                                is_pulled(judge, edge->from, false, &by);
                if (pulls) {
                        *ret_by = edge->from;
                        return true;
                }
        }
        return false;
}

/* A unit newly bound to one that is off when the daemon-reload comes is stopped by it. */
static bool is_newly_bound(const Judge *judge, const Subject *subject) {
        for (const Edge *edge = subject->out; edge; edge = edge->next_out)
                if (edge->kind == RELATION_BINDS_TO && edge->sides == 1u << AFTER &&
                                !judge_is_up_at_reload(judge, edge->to))
                        return true;
        return false;
}

static bool is_upheld(const Judge *judge, const Subject *subject) {
        for (const Edge *edge = subject->in; edge; edge = edge->next_in)
                if (edge->kind == RELATION_UPHOLDS && edge->sides & 1u << BEFORE &&
                                judge_is_up_at_reload(judge, edge->from))
                        return true;
        return false;
}

static int visit_hold(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata) {
        (void) userdata;
        bool is_loose = kind == RELATION_PART_OF || kind == RELATION_STOP_PROPAGATED_FROM;
        if (is_loose && subject->wanted[AFTER])
                return 0;
        if (!other->state && judge_need(judge, other) < 0)
                return -ENOMEM;
        return !judge_is_up(judge, other);
}

/* What the rules look at and what follows from what others do. Facts only ever become true, so this
 * ends. Returns 1 when one did. */
static int look_around(Judge *judge, size_t nth) {
        Subject *subject = judge->subjects[nth];
        Judgement *judgement = subject->judgement;
        UnitFacts *facts = &judgement->facts;
        bool was_pulled = facts->is_pulled, was_bound = facts->is_newly_bound,
             could_return = facts->may_return, was_upheld = facts->is_upheld;
        if (facts->is_newly_wanted && !facts->is_on && !facts->is_pulled)
                facts->is_pulled = is_pulled(judge, subject, true, &judgement->pulled_by);
        if (facts->is_on && !facts->is_newly_bound)
                facts->is_newly_bound = is_newly_bound(judge, subject);
        if (judgement->stops && !facts->is_upheld)
                facts->is_upheld = is_upheld(judge, subject);
        if (subject->debt && subject->debt->cause == DEBT_HELD_DOWN && !facts->is_on &&
                        !facts->may_return) {
                int r = judge_visit_dependencies(
                                judge, subject, AFTER, KINDS_STOP, visit_hold, NULL);
                if (r < 0)
                        return r;
                facts->may_return = r == 0;
        }
        if (facts->is_pulled == was_pulled && facts->is_newly_bound == was_bound &&
                        facts->may_return == could_return && facts->is_upheld == was_upheld)
                return 0;
        judgement->decision = decide(facts); /* at once, for those that are looked at next */
        judgement->starts |= judgement->decision.verdict == VERDICT_START;
        return 1;
}

static int settle(Judge *judge) {
        for (bool is_settled = false; !is_settled;) {
                is_settled = true;
                decide_all(judge);
                if (make_ways(judge) < 0 || reconfigure_targets(judge) < 0 ||
                                judge_take_down(judge, BEFORE) < 0 ||
                                judge_take_down(judge, AFTER) < 0 || judge_bring_back(judge) < 0)
                        return -ENOMEM;
                for (size_t i = 0; i < judge->n_candidates; i++) {
                        int r = look_around(judge, i);
                        if (r < 0)
                                return r;
                        is_settled &= r == 0;
                }
        }
        return 0;
}

int judge_init(Judge *judge, Comparison *comparison, Error *reterr) {
        *judge = (Judge){ .comparison = comparison, .arena = comparison->arena };
        int r = trigger_find(comparison, reterr);
        if (r < 0)
                return r;
        if (comparison_connect(comparison) < 0 || add_candidates(judge) < 0)
                return error_oom(reterr);
        if (!comparison->input->everything_off && settle(judge) < 0)
                return error_oom(reterr);
        return 0;
}

void judge_done(Judge *judge) {
        map_done(&judge->unknown);
}
