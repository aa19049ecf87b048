/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is done with all units together: each is decided by the table (diff/decide.h), and what one
 * of them does is felt by others: a stop takes dependents down, a socket makes its service go
 * first, a start is a reason for another.
 *
 * 1. The table says what each unit would do by itself.
 * 2. What starts makes others start (rule 3), until nothing more does.
 * 3. What stops before the daemon-reload takes down what its old text ties to it; what is newly
 * bound to such a unit would be ended by the reload, and is decided again.
 * 4. What was taken down comes back unless its new text ties it to what stays down.
 * 5. What a restart restarts by itself need not be reloaded. */

#include "diff/decide.h"
#include "diff/list.h"
#include "diff/trigger.h"

typedef struct Chain {
        const char *const *items; /* nearest first */
        size_t n;
} Chain;

typedef struct Judgement {
        Change change;
        UnitFacts facts;
        const char *container; /* that it runs; NULL: none */
        Decision decision;
        /* what the plan does with it */
        bool stops, stops_late; /* stops_late: after the daemon-reload */
        bool starts, restarts, reloads, skips;
        bool came_along;          /* stops with what it hangs on */
        bool on_demand;           /* stays down until its socket starts it */
        const Subject *pulled_by; /* who makes it start; NULL: Enable= */
        bool is_dragged_restart, is_dragged_start, is_dragged_stop; /* drag.c */
        bool is_joined;              /* drag.c: at work already when a start pulls it in */
        bool is_triggered;           /* path_unit.c: started by a path unit, dragged start too */
        bool is_triggered_early;     /* and that by a change of files: with its old text */
        Chain stop_reasons, reasons; /* of the stop; of all else */
        const char *leaves_restart;  /* the flag for which a reload leaves a restart owed, as
                                        written;  NULL: none */
} Judgement;

typedef struct Judge {
        Comparison *comparison;
        Arena *arena;
        Subject **subjects; /* those with a judgement */
        size_t n_subjects, n_allocated;
        size_t n_candidates; /* the first ones: decided by the table */
        Error error;         /* of the distribution's text; code 0: else memory is short */
        Map unknown;         /* -> Subject *, whose state or relations are needed and not known */
} Judge;

/* Comparison and arena must outlive the judge; judge_done() in any case. */
int judge_init(Judge *judge, Comparison *comparison, Error *reterr) must_check;
void judge_done(Judge *judge);

/* Something that the table may act on concerns it. */
bool judge_is_candidate(const Subject *subject);

/* NULL when memory is short. */
Judgement *judgement_at(Judge *judge, Subject *subject) must_check;

/* facts.c: all that the rules look at, but is_pulled, is_newly_bound, is_upheld and may_return.
 * Returns 0 or -ENOMEM. */
int facts_of(const Comparison *comparison, Subject *subject, Judgement *judgement) must_check;
/* It waits for its auto-restart, and a shorter RestartSec= makes the daemon-reload restart it. */
bool subject_is_hurried(const Comparison *comparison, const Subject *subject);
/* A word for a chain, or NULL items left out; ends with CHAIN_END. */
#define CHAIN_END ((const char *) -1)
int chain_set(Arena *arena, Chain *chain, ...) must_check;
/* Why the unit's change, or what fired, makes it act. */
int facts_cause(const Comparison *comparison,
                const Subject *subject,
                const Judgement *judgement,
                Chain *ret_chain) must_check;

/* take_down.c: what stops, before the daemon-reload or after it, takes down what hangs on it; which
 * comes back unless its new text ties it to what stays down. Returns 0 or -ENOMEM. */
int judge_take_down(Judge *judge, Side side) must_check;
int judge_bring_back(Judge *judge) must_check;

/* reason.c: fills the reasons of all that is done. Returns 0 or -ENOMEM. */
int judge_explain(Judge *judge) must_check;

/* Is it on at the end of the plan, as far as the plan knows? */
bool judge_is_up(const Judge *judge, const Subject *subject);
/* Is it on, and not stopped before the daemon-reload? */
bool judge_is_up_at_reload(const Judge *judge, const Subject *subject);
bool judge_goes_down(const Subject *subject); /* it stops, and does not start again */
/* Visits the units that hang on a subject, or, with the other function, those that it hangs on, by
 * one of the kinds: by the texts of a side and by what the manager knows. Stops at the first
 * non-zero return of visit, which it returns; else 0, or -ENOMEM. */
typedef int (*RelationVisit)(
                Judge *judge, Subject *subject, Subject *other, RelationKind kind, void *userdata);
int judge_visit_dependents(Judge *judge,
                Subject *subject,
                Side side,
                unsigned kinds,
                RelationVisit visit,
                void *userdata) must_check;
int judge_visit_dependencies(Judge *judge,
                Subject *subject,
                Side side,
                unsigned kinds,
                RelationVisit visit,
                void *userdata) must_check;
/* What is not known of this unit is to be asked for. */
int judge_need(Judge *judge, Subject *subject) must_check;
