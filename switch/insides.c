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

static int list_one(const char *container, UnitStates *states, Error *reterr) {
        cleanup(unit_states_freep) UnitStates *inside = unit_states_new();
        cleanup_strv Strv all = { 0 }, none = { 0 }, loaded = { 0 };
        if (!inside || strv_add(&all, "*") < 0)
                return error_oom(reterr);
        InsideQuery query = {
                .container = container, .names = none, .patterns = all, .states = inside
        };
        int r = inside_states_ask(&query, 1, reterr);
        if (r < 0 || !query.has_answered)
                return r;
        size_t position = 0;
        for (const UnitState *state; (state = map_next(&inside->by_name, &position, NULL));)
                if (strv_add_unique(&loaded, state->name) < 0)
                        return error_oom(reterr);
        query = (InsideQuery){ .container = container, .relations = loaded, .states = inside };
        r = inside_states_ask(&query, 1, reterr);
        return r >= 0 && query.has_answered && add_prefixed(&query, states) < 0 ? error_oom(reterr)
                                                                                : r;
}

int insides_list(const Tree *tree, UnitStates *states, Error *reterr) {
        char name[CONTAINER_NAME_SIZE];
        size_t position = 0;
        int r = 0;
        while (r >= 0 && container_next(tree, &position, name))
                r = list_one(name, states, reterr);
        return r;
}
