/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_units.h"

#include "diff/daemon.h"
#include "diff/drag.h"
#include "diff/note.h"
#include "diff/order.h"
#include "diff/program.h"

#include <errno.h>
#include <string.h>

typedef struct Assembly {
        Arena *arena; /* the plan's */
        Judge *judge;
        UnitPlan *plan;
} Assembly;

/* The lists of a plan live in its own arena; everything else goes with the comparison. */
static const char *const *copy_strings(Arena *arena, const char *const *strings, size_t n) {
        const char **copy = arena_new(arena, const char *, n + 1);
        for (size_t i = 0; copy && i < n; i++)
                if (!(copy[i] = arena_strdup(arena, strings[i])))
                        return NULL;
        return copy;
}

static bool
add_action(Assembly *assembly, const Subject *subject, Verb verb, Phase phase, unsigned group) {
        const Judgement *judgement = subject->judgement;
        const Chain *chain = verb == VERB_STOP ? &judgement->stop_reasons : &judgement->reasons;
        bool ends_by_itself = judgement->facts.is_connection ||
                              (judgement->facts.is_container && !judgement->facts.is_on) ||
                              (judgement->facts.is_oneshot && judgement->facts.is_activating);
        const UnitAction action = {
                .unit = arena_strdup(assembly->arena, subject->name),
                .container = judgement->container
                                             ? arena_strdup(assembly->arena, judgement->container)
                                             : NULL,
                .verb = verb,
                .phase = phase,
                .group = group,
                .reasons = copy_strings(assembly->arena, chain->items, chain->n),
                .n_reasons = chain->n,
                .debt = verb == VERB_SKIP && !ends_by_itself && !judgement->is_dragged_restart,
                .leaves_restart = judgement->leaves_restart,
                .is_inside = judgement->container && facts_ask_reload_alone(&judgement->facts),
                .runs_again = verb == VERB_START && judgement->facts.is_oneshot &&
                              !judgement->facts.is_newly_wanted,
        };
        assembly->plan->actions[assembly->plan->n_actions++] = action;
        return action.unit && action.reasons && (action.container || !judgement->container);
}

static bool add_group(Assembly *assembly, const OrderedUnit *units, size_t n_units) {
        bool is_added = true;
        for (size_t i = n_units; i-- > 0;)
                if (units[i].subject->judgement->stops && units[i].subject->judgement->stops_late)
                        is_added &= add_action(assembly, units[i].subject, VERB_STOP,
                                        PHASE_STOP_LATE, units[i].group);
        for (size_t i = 0; i < n_units; i++)
                if (units[i].subject->judgement->reloads)
                        is_added &= add_action(assembly, units[i].subject, VERB_RELOAD,
                                        PHASE_RELOAD, units[i].group);
        for (size_t i = 0; i < n_units; i++)
                if (units[i].subject->judgement->restarts)
                        is_added &= add_action(assembly, units[i].subject, VERB_RESTART,
                                        PHASE_RESTART, units[i].group);
        for (size_t i = 0; i < n_units; i++)
                if (units[i].subject->judgement->starts)
                        is_added &= add_action(assembly, units[i].subject, VERB_START, PHASE_START,
                                        units[i].group);
        return is_added;
}

static int compare_ordered(const void *left, const void *right) {
        const OrderedUnit *a = *(const OrderedUnit *const *) left,
                          *b = *(const OrderedUnit *const *) right;
        if (a->group != b->group)
                return a->group < b->group ? -1 : 1;
        return a < b ? -1 : a > b;
}

/* Units by group, each group in its order. */
static OrderedUnit *sort_by_group(Arena *arena, OrderedUnit *units, size_t n_units) {
        OrderedUnit **pointers = arena_new(arena, OrderedUnit *, n_units + 1);
        OrderedUnit *sorted = arena_new(arena, OrderedUnit, n_units + 1);
        if (!pointers || !sorted)
                return NULL;
        for (size_t i = 0; i < n_units; i++)
                pointers[i] = &units[i];
        if (n_units > 1)
                qsort(pointers, n_units, sizeof(pointers[0]), compare_ordered);
        for (size_t i = 0; i < n_units; i++)
                sorted[i] = *pointers[i];
        return sorted;
}

static int compare_subjects(const void *left, const void *right) {
        return strcmp((*(Subject *const *) left)->name, (*(Subject *const *) right)->name);
}

static bool add_skips(Assembly *assembly) {
        const Judge *judge = assembly->judge;
        Subject **skipped = arena_new(judge->arena, Subject *, judge->n_subjects + 1);
        size_t n = 0;
        bool is_added = skipped != NULL;
        for (size_t i = 0; skipped && i < judge->n_subjects; i++)
                if (judge->subjects[i]->judgement->skips)
                        skipped[n++] = judge->subjects[i];
        if (n > 1)
                qsort(skipped, n, sizeof(Subject *), compare_subjects);
        for (size_t i = 0; i < n; i++)
                is_added &= add_action(assembly, skipped[i], VERB_SKIP, PHASE_STOP, 0);
        return is_added;
}

static int add_actions(Assembly *assembly) {
        Judge *judge = assembly->judge;
        OrderedUnit *units = NULL;
        size_t n_units = 0;
        assembly->plan->actions = arena_new(assembly->arena, UnitAction, 2 * judge->n_subjects + 1);
        if (!assembly->plan->actions || order_units(judge, &units, &n_units) < 0)
                return -ENOMEM;
        units = sort_by_group(judge->arena, units, n_units);
        if (!units)
                return -ENOMEM;
        bool is_added = true;
        for (size_t i = n_units; i-- > 0;)
                if (units[i].subject->judgement->stops && !units[i].subject->judgement->stops_late)
                        is_added &= add_action(assembly, units[i].subject, VERB_STOP, PHASE_STOP,
                                        units[i].group);
        for (size_t i = 0, end; i < n_units; i = end) {
                for (end = i; end < n_units && units[end].group == units[i].group;)
                        end++;
                is_added &= add_group(assembly, units + i, end - i);
        }
        return is_added && add_skips(assembly) ? 0 : -ENOMEM;
}

static int compare_drags(const void *left, const void *right) {
        const UnitDrag *a = left, *b = right;
        int order = strcmp(a->unit, b->unit);
        return order ? order : (int) a->verb - (int) b->verb;
}

static UnitDrag *copy_drags(Arena *arena, const Drags *drags) {
        UnitDrag *copy = arena_new(arena, UnitDrag, drags->n_items + 1);
        for (size_t i = 0; copy && i < drags->n_items; i++) {
                copy[i] = drags->items[i];
                copy[i].unit = arena_strdup(arena, drags->items[i].unit);
                copy[i].by = arena_strdup(arena, drags->items[i].by);
                copy[i].via = arena_strdup(arena, drags->items[i].via);
                if (!copy[i].unit || !copy[i].by || !copy[i].via)
                        return NULL;
        }
        if (copy && drags->n_items > 1)
                qsort(copy, drags->n_items, sizeof(UnitDrag), compare_drags);
        return copy;
}

static int compare_strings(const void *left, const void *right) {
        return strcmp(*(const char *const *) left, *(const char *const *) right);
}

/* Could come back, were it not for what it hangs on. */
static bool is_held_down(const Subject *subject) {
        const Judgement *judgement = subject->judgement;
        const Unit *after = subject->units[AFTER];
        bool is_left = after->is_defined ||
                       (!subject->units[BEFORE]->is_defined && subject->type != UNIT_SCOPE);
        return judgement->came_along && !judgement->starts && is_left && !after->is_masked &&
               !judgement->facts.is_connection;
}

static int add_held_down(Assembly *assembly) {
        const Judge *judge = assembly->judge;
        const char **names = arena_new(judge->arena, const char *, judge->n_subjects + 1);
        size_t n = 0;
        for (size_t i = 0; names && i < judge->n_subjects; i++)
                if (is_held_down(judge->subjects[i]))
                        names[n++] = judge->subjects[i]->name;
        if (n > 1)
                qsort(names, n, sizeof(char *), compare_strings);
        assembly->plan->held_down = names ? copy_strings(assembly->arena, names, n) : NULL;
        assembly->plan->n_held_down = n;
        return assembly->plan->held_down ? 0 : -ENOMEM;
}

static bool owes_no_more(const Subject *subject) {
        const UnitFacts *facts = &subject->judgement->facts;
        if (subject->debt && subject->debt->verb == VERB_STOP)
                return !facts->is_on || facts->is_wanted;
        return subject->debt &&
               (subject_is_unknown(subject) || facts->is_gone || facts->is_masked ||
                               facts->is_unwanted || (facts->is_disabled && !facts->was_disabled));
}

static int add_settled(Assembly *assembly) {
        const Judge *judge = assembly->judge;
        const char **names = arena_new(judge->arena, const char *, judge->n_candidates + 1);
        size_t n = 0;
        for (size_t i = 0; names && i < judge->n_candidates; i++)
                if (owes_no_more(judge->subjects[i]))
                        names[n++] = judge->subjects[i]->name;
        if (n > 1)
                qsort(names, n, sizeof(char *), compare_strings);
        assembly->plan->settled = names ? copy_strings(assembly->arena, names, n) : NULL;
        assembly->plan->n_settled = n;
        return assembly->plan->settled ? 0 : -ENOMEM;
}

static bool comes_changed(const Subject *subject) {
        const Unit *after = subject->units[AFTER];
        return after && after != subject->units[BEFORE] && !after->is_masked &&
               (after->is_defined || after->text.n_parts > 0) &&
               !unit_name_is_template(subject->name);
}

static int compare_changed(const void *left, const void *right) {
        return strcmp(((const UnitChanged *) left)->unit, ((const UnitChanged *) right)->unit);
}

static int add_changed(Assembly *assembly) {
        const Comparison *comparison = assembly->judge->comparison;
        UnitPlan *plan = assembly->plan;
        size_t n = 0;
        for (size_t i = 0; i < comparison->n_subjects; i++)
                n += comes_changed(comparison->subjects[i]);
        plan->changed = arena_new(assembly->arena, UnitChanged, n + 1);
        if (!plan->changed)
                return -ENOMEM;
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                const Subject *subject = comparison->subjects[i];
                if (!comes_changed(subject))
                        continue;
                UnitChanged *changed = &plan->changed[plan->n_changed++];
                changed->unit = arena_strdup(assembly->arena, subject->name);
                changed->is_defined = subject->units[AFTER]->is_defined;
                if (!changed->unit)
                        return -ENOMEM;
        }
        if (n > 1)
                qsort(plan->changed, n, sizeof(UnitChanged), compare_changed);
        return 0;
}

static int add_programs(Assembly *assembly) {
        const Comparison *comparison = assembly->judge->comparison;
        UnitPlan *plan = assembly->plan;
        return comparison->is_user ? 0
                                   : program_find(comparison, assembly->arena, plan,
                                                     &plan->programs, &plan->n_programs);
}

static bool is_set_live(const Judgement *judgement) {
        return judgement->container && judgement->change.has_resources && judgement->facts.is_on &&
               !judgement->restarts && !judgement->stops;
}

static int add_sets(Assembly *assembly) {
        const Judge *judge = assembly->judge;
        UnitPlan *plan = assembly->plan;
        plan->sets = arena_new(assembly->arena, ContainerSet, judge->n_candidates + 1);
        if (!plan->sets)
                return -ENOMEM;
        for (size_t i = 0; i < judge->n_candidates; i++) {
                const Judgement *judgement = judge->subjects[i]->judgement;
                const Change *change = &judgement->change;
                if (!is_set_live(judgement))
                        continue;
                ContainerSet *set = &plan->sets[plan->n_sets++];
                set->name = arena_strdup(assembly->arena, judgement->container);
                set->reasons = copy_strings(assembly->arena, change->reasons, change->n_reasons);
                set->n_reasons = change->n_reasons;
                if (!set->name || !set->reasons)
                        return -ENOMEM;
        }
        return 0;
}

static int add_unknown(Assembly *assembly) {
        const Judge *judge = assembly->judge;
        const char **names = arena_new(judge->arena, const char *, judge->unknown.n_items + 1);
        size_t n = 0, position = 0;
        if (!names)
                return -ENOMEM;
        for (const Subject *subject; (subject = map_next(&judge->unknown, &position, NULL));)
                names[n++] = subject->name;
        if (n > 1)
                qsort(names, n, sizeof(char *), compare_strings);
        assembly->plan->unknown = copy_strings(assembly->arena, names, n);
        assembly->plan->n_unknown = n;
        return assembly->plan->unknown ? 0 : -ENOMEM;
}

static int assemble(Assembly *assembly, Error *reterr) {
        Judge *judge = assembly->judge;
        UnitPlan *plan = assembly->plan;
        Drags triggered, awaited, dragged;
        DaemonReasons daemon;
        Notes notes;
        int r = daemon_find(judge, &daemon, reterr);
        if (r < 0)
                return r;
        if (path_unit_find(judge, &triggered, &awaited) < 0 || drag_find(judge, &dragged) < 0 ||
                        judge_explain(judge) < 0 || add_actions(assembly) < 0 ||
                        add_held_down(assembly) < 0 || add_settled(assembly) < 0 ||
                        add_unknown(assembly) < 0 || add_changed(assembly) < 0 ||
                        add_programs(assembly) < 0 || add_sets(assembly) < 0 ||
                        note_find(judge, daemon.n_items > 0, &notes) < 0)
                return judge->error.code ? error_set(reterr, judge->error.code, "%s",
                                                           judge->error.message)
                                         : error_oom(reterr);
        if (judge->comparison->input->everything_off)
                daemon.n_items = 0; /* nothing is reloaded where nothing runs */
        plan->daemon = daemon.n_items > 0 ? DAEMON_RELOAD : DAEMON_NONE;
        plan->daemon_reasons = copy_strings(assembly->arena, daemon.items, daemon.n_items);
        plan->n_daemon_reasons = daemon.n_items;
        plan->notes = copy_strings(assembly->arena, notes.items, notes.n_items);
        plan->n_notes = notes.n_items;
        plan->dragged = copy_drags(assembly->arena, &dragged);
        plan->n_dragged = dragged.n_items;
        plan->triggered = copy_drags(assembly->arena, &triggered);
        plan->n_triggered = triggered.n_items;
        plan->awaited = copy_drags(assembly->arena, &awaited);
        plan->n_awaited = awaited.n_items;
        return plan->daemon_reasons && plan->notes && plan->dragged && plan->triggered &&
                                               plan->awaited
                               ? 0
                               : error_oom(reterr);
}

int plan_units(Arena *plan_arena, const ComparisonInput *input, UnitPlan *ret_plan, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        Comparison comparison;
        Judge judge = { 0 };
        *ret_plan = (UnitPlan){ 0 };
        int r = comparison_init(&comparison, &arena, input, reterr);
        if (r == 0)
                r = judge_init(&judge, &comparison, reterr);
        if (r == 0)
                r = assemble(&(Assembly){ .arena = plan_arena, .judge = &judge, .plan = ret_plan },
                                reterr);
        judge_done(&judge);
        comparison_done(&comparison);
        return r;
}
