/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Two trees side by side, for one manager: their units, how they hang together in either, and what
 * is known of them live. What plan_new() decides on.
 *
 * 1. A unit is one Subject, under its real name: aliases of the trees and of the manager lead to
 * it.
 * 2. A unit that is the same in both trees, names no other unit and is named by none gets no
 * Subject before somebody asks for it: of thousands of units that is nearly all.
 * 3. What both trees say alike is there once: units[BEFORE] == units[AFTER], and edges of both
 * sides.
 * 4. Subjects come to be in an order that means nothing; what is shown is sorted by name. */

#include "base/map.h"
#include "diff/plan.h"
#include "diff/unit_pair.h"

#include <string.h>

/* Why a unit is wanted (rule R4). */
enum {
        WANTED_ENABLE = 1 << 0,
        WANTED_INSTALL = 1 << 1,
        WANTED_ALSO = 1 << 2,
        WANTED_LINK = 1 << 3,
        WANTED_DEPENDENCY = 1 << 4,
};

typedef struct Edge {
        struct Subject *from, *to;
        RelationKind kind;
        unsigned sides; /* 1 << BEFORE | 1 << AFTER */
        struct Edge *next_out, *next_in;
} Edge;

typedef struct Subject {
        const char *name;
        UnitType type;
        const Unit *units[N_SIDES];
        unsigned wanted[N_SIDES];
        bool enable[N_SIDES], disable[N_SIDES]; /* named by Enable=, Disable= */
        Edge *out, *in, *last_out, *last_in;
        bool has_linked;                   /* the edges of its own links are there */
        bool has_distribution, is_no_unit; /* the distribution was asked; and has no such unit */
        const UnitState *state;            /* NULL: not listed */
        const Debt *debt;                  /* of an action that is owed, or NULL */
        struct Trigger *trigger;           /* trigger.c; NULL: nothing fired */
        const struct Watch *firing;        /* of the file that trigger.c is at */
        struct Judgement *judgement;
        unsigned role; /* plan_concern.c */
} Subject;

/* The manager has no file for it, and the tree that comes has none either: all that is left to do
 * is to stop it. */
static inline bool subject_is_unknown(const Subject *subject) {
        return subject->state && strcmp(subject->state->load_state, "not-found") == 0 &&
               !subject->units[AFTER];
}

typedef struct Comparison {
        Arena *arena;
        const PlanInput *input;
        const UnitStates *states; /* of this manager; NULL: no host */
        bool is_user;
        uint32_t uid; /* as debts have it */
        const UnitPair *pair;
        const TreeChange *files;
        size_t n_files;
        Map by_name;
        Subject **subjects;
        size_t n_subjects, n_subjects_allocated, n_connected;
} Comparison;

typedef struct ComparisonInput {
        const PlanInput *plan;
        const UnitPair *pair;
        const UnitStates *states;
        bool is_user;
        uint32_t uid;
        const TreeChange *files; /* all that differs between the trees */
        size_t n_files;
} ComparisonInput;

/* Everything lives in the arena; what the input points to must outlive it. comparison_done() in any
 * case. */
int comparison_init(Comparison *comparison,
                Arena *arena,
                const ComparisonInput *input,
                Error *reterr) must_check;
void comparison_done(Comparison *comparison);

/* The subject of a valid name as a tree has it; made when there is none. NULL when memory is short.
 */
Subject *comparison_subject(Comparison *comparison, Side side, const char *name) must_check;
/* NULL: there is none of that name. */
Subject *comparison_find(const Comparison *comparison, const char *name);
/* Gives the edges to subjects that have none yet, and so on. Returns 0 or -ENOMEM. */
int comparison_connect(Comparison *comparison) must_check;
int comparison_add_edge(Comparison *comparison,
                Subject *from,
                Subject *to,
                RelationKind kind,
                unsigned sides) must_check;

/* relation.c: the edges that follow from the text of one unit, on the sides given, and from links
 * to it. */
int relation_add_edges(Comparison *comparison, Subject *subject, const Unit *unit, unsigned sides)
                must_check;
/* And those from the links that its own NAME.wants/ and the like have: a target may have thousands.
 */
int relation_add_linked(Comparison *comparison, Subject *subject) must_check;

/* distribution_text.c: and those from the distribution's text, of a unit that the new tree does not
 * define and that the manager has not loaded. Returns 0 or a negative errno. */
int relation_add_distribution(Comparison *comparison, Subject *subject, Error *reterr) must_check;

/* wanted.c: fills Subject.wanted (rule R4) of one subject, for all but what others need; and then
 * for that. */
int wanted_by_itself(Comparison *comparison, Subject *subject) must_check;
int wanted_by_others(Comparison *comparison) must_check;

static inline bool subject_is_distribution(const Subject *subject, Side side) {
        return !subject->units[side]->is_defined;
}
/* The type-independent part of a unit's name is X: "dbus.service" and its like, under any of its
 * names. */
bool subject_has_name(const Subject *subject, const char *name);

/* subject_state.c: live states (rule R5). Without a host what before wants is on. */
bool subject_is_on(const Comparison *comparison, const Subject *subject);
bool subject_is_failed(const Comparison *comparison, const Subject *subject);
/* ActiveState=activating with a job at work, not waiting for a restart. */
bool subject_is_activating(const Comparison *comparison, const Subject *subject);
bool subject_has_sub_state(
                const Comparison *comparison, const Subject *subject, const char *sub_state);
/* A target that neither the tree defines nor the states list counts as on, but for those of which a
 * running host is not in any. */
bool subject_counts_as_on(const Comparison *comparison, const Subject *subject);
