/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the plan says of containers beyond the actions of their units: what is done inside. */

#include "diff/comparison.h"

/* Fills plan->containers, once plan->units is there: one for each container that is activated in
 * place. */
int plan_containers(Plan *plan, const PlanInput *input, Error *reterr) must_check;

/* plan_concern() of what is done inside one of them. */
int plan_containers_concern(const PlanInput *input,
                const char *name,
                Strv *ret_names,
                Strv *ret_patterns,
                Error *reterr) must_check;

/* The states that a file lists as "CONTAINER:UNIT", of the containers that a tree declares, taken
 * apart: one for each container, empty ones too. From malloc(), as ret_states' own. */
int container_states_split(const UnitStates *states,
                const Tree *before,
                const Tree *after,
                ContainerStates **ret_states,
                size_t *ret_n_states,
                Error *reterr) must_check;
void container_states_free(ContainerStates *states, size_t n_states);
