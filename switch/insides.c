/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/insides.h"

#include "diff/container.h"
#include "diff/plan_containers.h"
#include "switch/inside_states.h"

#include <errno.h>
#include <string.h>

void insides_done(Insides *insides) {
        container_states_free(insides->items, insides->n_items);
        *insides = (Insides){ 0 };
}

static ContainerStates *find(const Insides *insides, const char *container) {
        for (size_t i = 0; i < insides->n_items; i++)
                if (strcmp(insides->items[i].name, container) == 0)
                        return &insides->items[i];
        return NULL;
}

static ContainerStates *add(Insides *insides, const char *container) {
        ContainerStates *grown =
                        reallocarray(insides->items, insides->n_items + 1, sizeof(ContainerStates));
        if (!grown)
                return NULL;
        insides->items = grown;
        ContainerStates *added = &grown[insides->n_items++];
        *added = (ContainerStates){ .name = strdup(container), .states = unit_states_new() };
        return added->name && added->states ? added : NULL;
}

static int ask_first(const PlanInput *input, Insides *insides, InsideQuery *query, Error *reterr) {
        const ContainerStates *added = add(insides, query->container);
        if (!added)
                return error_oom(reterr);
        query->states = (UnitStates *) (uintptr_t) added->states; /* ours */
        int r = plan_containers_concern(
                        input, query->container, &query->names, &query->patterns, reterr);
        return r < 0 ? r : 1;
}

static int ask_lacking(const ContainerStates *known,
                const UnitPlan *units,
                InsideQuery *query,
                Error *reterr) {
        query->states = (UnitStates *) (uintptr_t) known->states; /* ours */
        for (size_t i = 0; i < units->n_unknown; i++) {
                const UnitState *state = unit_states_find(known->states, units->unknown[i]);
                if ((!state || !state->has_relations) &&
                                strv_add(&query->relations, units->unknown[i]) < 0)
                        return error_oom(reterr);
        }
        return query->relations.n_items > 0;
}

static int make_query(const PlanInput *input,
                const ContainerPlan *container,
                Insides *insides,
                InsideQuery *query,
                Error *reterr) {
        const ContainerStates *known = find(insides, container->name);
        query->container = container->name;
        if (!known)
                return ask_first(input, insides, query, reterr);
        return known->states ? ask_lacking(known, &container->units, query, reterr) : 0;
}

static void forget_silent(Insides *insides, const InsideQuery *queries, size_t n_queries) {
        for (size_t i = 0; i < n_queries; i++)
                if (!queries[i].has_answered)
                        find(insides, queries[i].container)->states =
                                        unit_states_free(queries[i].states);
}

int insides_ask(const PlanInput *input, const Plan *plan, Insides *insides, Error *reterr) {
        size_t n_queries = 0;
        cleanup_free InsideQuery *queries = calloc(plan->n_containers + 1, sizeof(InsideQuery));
        if (!queries)
                return error_oom(reterr);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < plan->n_containers; i++) {
                r = make_query(input, &plan->containers[i], insides, &queries[n_queries], reterr);
                n_queries += r > 0;
        }
        if (r >= 0 && n_queries > 0)
                r = inside_states_ask(queries, n_queries, reterr);
        if (r >= 0)
                forget_silent(insides, queries, n_queries);
        for (size_t i = 0; i <= plan->n_containers; i++) {
                strv_done(&queries[i].names);
                strv_done(&queries[i].patterns);
                strv_done(&queries[i].relations);
        }
        return r < 0 ? r : n_queries > 0;
}

static int add_prefixed(const InsideQuery *query, UnitStates *states) {
        size_t position = 0;
        for (const UnitState *state;
                        (state = map_next(&query->states->by_name, &position, NULL));) {
                UnitState copy = *state;
                cleanup_free char *name = NULL;
                if (asprintf(&name, "%s:%s", query->container, state->name) < 0)
                        return -ENOMEM;
                copy.name = name;
                copy.names = NULL; /* they are of the container, not of the host */
                if (unit_states_set(states, &copy) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int ask_all_units(InsideQuery *queries, size_t n_queries, Error *reterr) {
        for (size_t i = 0; i < n_queries; i++) {
                queries[i].states = unit_states_new();
                if (!queries[i].states || strv_add(&queries[i].patterns, "*") < 0)
                        return error_oom(reterr);
        }
        return inside_states_ask(queries, n_queries, reterr);
}

/* Whoever did not answer is asked no more. */
static int ask_relations(InsideQuery *queries, size_t n_queries, Error *reterr) {
        size_t n_answered = 0;
        cleanup_free InsideQuery *answered = calloc(n_queries + 1, sizeof(InsideQuery));
        if (!answered)
                return error_oom(reterr);
        for (size_t i = 0; i < n_queries; i++) {
                InsideQuery *query = &queries[i];
                const UnitState *state;
                size_t position = 0;
                if (!query->has_answered)
                        continue;
                while ((state = map_next(&query->states->by_name, &position, NULL)))
                        if (strv_add_unique(&query->relations, state->name) < 0)
                                return error_oom(reterr);
                answered[n_answered++] = (InsideQuery){ .container = query->container,
                        .relations = query->relations,
                        .states = query->states };
        }
        return inside_states_ask(answered, n_answered, reterr);
}

static int ask_and_list(InsideQuery *queries, size_t n_queries, UnitStates *states, Error *reterr) {
        int r = ask_all_units(queries, n_queries, reterr);
        if (r >= 0)
                r = ask_relations(queries, n_queries, reterr);
        for (size_t i = 0; r >= 0 && i < n_queries; i++)
                if (queries[i].has_answered && add_prefixed(&queries[i], states) < 0)
                        r = error_oom(reterr);
        return r;
}

int insides_list(const Tree *tree, UnitStates *states, Error *reterr) {
        char name[CONTAINER_NAME_SIZE];
        cleanup_strv Strv names = { 0 };
        size_t position = 0;
        while (container_next(tree, &position, name))
                if (strv_add(&names, name) < 0)
                        return error_oom(reterr);
        cleanup_free InsideQuery *queries = calloc(names.n_items + 1, sizeof(InsideQuery));
        if (!queries)
                return error_oom(reterr);
        for (size_t i = 0; i < names.n_items; i++)
                queries[i].container = names.items[i];
        int r = ask_and_list(queries, names.n_items, states, reterr);
        for (size_t i = 0; i < names.n_items; i++) {
                strv_done(&queries[i].patterns);
                strv_done(&queries[i].relations);
                (void) unit_states_free(queries[i].states);
        }
        return r;
}
