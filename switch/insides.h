/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known of the units inside the containers that a plan activates in place. A switch asks
 * again when it comes to that: this is so that what is told before is what is done then. */

#include "diff/plan.h"

typedef struct Insides {
        ContainerStates *items; /* as a PlanInput takes them; a name is as long as these */
        size_t n_items;
} Insides;

/* Asks what the plan, which was made of the input, lacks: at first what it concerns, then what it
 * says. Returns 1 when something was asked for, 0, or a negative errno. What does not answer is not
 * asked again. */
int insides_ask(const PlanInput *input, const Plan *plan, Insides *insides, Error *reterr)
                must_check;
void insides_done(Insides *insides);

/* All that is loaded inside the containers that a tree declares and that run, with all that hangs
 * on it, as a file of states has it: "CONTAINER:UNIT". What does not answer is left out. */
int insides_list(const Tree *tree, UnitStates *states, Error *reterr) must_check;
