/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_containers.h"

#include "diff/container.h"
#include "diff/plan_units.h"

#include <errno.h>
#include <string.h>

static const ContainerStates *find_states(const PlanInput *input, const char *name) {
        for (size_t i = 0; i < input->n_containers; i++)
                if (strcmp(input->containers[i].name, name) == 0)
                        return &input->containers[i];
        return NULL;
}

/* What is planned of one container, as of a host, by the same rules. */
typedef struct Inside {
        Arena arena;
        Tree *before, *after;
        TreeChange *changes;
        size_t n_changes;
        UnitPair pair;
        PlanInput input;
        ComparisonInput comparison;
} Inside;

static void inside_donep(Inside *inside) {
        unit_pair_done(&inside->pair);
        free(inside->changes);
        (void) tree_free(inside->before);
        (void) tree_free(inside->after);
        arena_done(&inside->arena);
}

static int inside_init(Inside *inside, const PlanInput *input, const char *name, Error *reterr) {
        const ContainerStates *states = find_states(input, name);
        int r = container_inside(input->before, name, &inside->before, reterr);
        if (r >= 0)
                r = container_inside(input->after, name, &inside->after, reterr);
        if (r < 0)
                return r;
        if (tree_compare(inside->before, inside->after, &inside->changes, &inside->n_changes) < 0)
                return error_oom(reterr);
        const UnitPairInput pair_input = {
                .arena = &inside->arena,
                .before = inside->before,
                .after = inside->after,
                .contents = input->contents,
        };
        r = unit_pair_init(&inside->pair, &pair_input, reterr);
        inside->input = (PlanInput){ .before = inside->before,
                .after = inside->after,
                .contents = input->contents,
                .states = states ? states->states : NULL };
        inside->comparison = (ComparisonInput){ .plan = &inside->input,
                .pair = &inside->pair,
                .states = inside->input.states,
                .uid = UINT32_MAX,
                .files = inside->changes,
                .n_files = inside->n_changes };
        return r;
}

static const char silence[] =
                "The container does not answer: this is told as if all ran that it shall have";

static int plan_inside(
                Plan *plan, const PlanInput *input, const UnitAction *action, Error *reterr) {
        cleanup(inside_donep) Inside inside = { 0 };
        const ContainerStates *states = find_states(input, action->container);
        ContainerPlan *container = &plan->containers[plan->n_containers];
        container->name = action->container;
        int r = inside_init(&inside, input, action->container, reterr);
        if (r >= 0)
                r = plan_units(&plan->arena, &inside.comparison, &container->units, reterr);
        if (r >= 0 && states && !states->states &&
                        plan_add_note(plan, &container->units, silence) < 0)
                r = error_oom(reterr);
        plan->n_containers += r >= 0;
        return r;
}

int plan_containers_concern(const PlanInput *input,
                const char *name,
                Strv *ret_names,
                Strv *ret_patterns,
                Error *reterr) {
        cleanup(inside_donep) Inside inside = { 0 };
        PlanInput without_states = *input;
        without_states.n_containers = 0;
        int r = inside_init(&inside, &without_states, name, reterr);
        return r < 0 ? r : plan_concern_units(&inside.comparison, ret_names, ret_patterns, reterr);
}

int plan_containers(Plan *plan, const PlanInput *input, Error *reterr) {
        plan->containers = arena_new(&plan->arena, ContainerPlan, plan->units.n_actions + 1);
        if (!plan->containers)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->units.n_actions; i++) {
                const UnitAction *action = &plan->units.actions[i];
                if (!action->container || action->verb != VERB_RELOAD)
                        continue;
                int r = plan_inside(plan, input, action, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

void container_states_free(ContainerStates *states, size_t n_states) {
        for (size_t i = 0; i < n_states; i++) {
                (void) unit_states_free((UnitStates *) (uintptr_t) states[i].states);
                free((char *) (uintptr_t) states[i].name);
        }
        free(states);
}

static int take_apart(const UnitStates *all, const char *name, UnitStates *ret_states) {
        size_t length = strlen(name), position = 0;
        for (const UnitState *state; (state = map_next(&all->by_name, &position, NULL));) {
                if (strncmp(state->name, name, length) != 0 || state->name[length] != ':')
                        continue;
                UnitState copy = *state;
                copy.name = state->name + length + 1;
                if (unit_states_set(ret_states, &copy) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static bool is_listed(const ContainerStates *states, size_t n_states, const char *name) {
        for (size_t i = 0; i < n_states; i++)
                if (strcmp(states[i].name, name) == 0)
                        return true;
        return false;
}

/* Of each NAME.nspawn. */
static int
split_for(const UnitStates *all, const Tree *tree, ContainerStates *states, size_t *n_states) {
        size_t position = 0;
        for (char name[CONTAINER_NAME_SIZE]; container_next(tree, &position, name);) {
                if (is_listed(states, *n_states, name))
                        continue;
                cleanup_free char *copy = strdup(name);
                cleanup(unit_states_freep) UnitStates *inside = unit_states_new();
                if (!copy || !inside || take_apart(all, name, inside) < 0)
                        return -ENOMEM;
                states[(*n_states)++] =
                                (ContainerStates){ .name = TAKE(copy), .states = TAKE(inside) };
        }
        return 0;
}

static size_t count(const Tree *tree) {
        return tree->n_entries - tree_lower_bound(tree, ROOT_CONTAINERS, "");
}

int container_states_split(const UnitStates *all,
                const Tree *before,
                const Tree *after,
                ContainerStates **ret_states,
                size_t *ret_n_states,
                Error *reterr) {
        size_t n_states = 0;
        ContainerStates *states = calloc(count(before) + count(after) + 1, sizeof(ContainerStates));
        if (!states)
                return error_oom(reterr);
        if (split_for(all, before, states, &n_states) < 0 ||
                        split_for(all, after, states, &n_states) < 0) {
                container_states_free(states, n_states);
                return error_oom(reterr);
        }
        *ret_states = states;
        *ret_n_states = n_states;
        return 0;
}
