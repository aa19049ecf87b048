/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Plans of a manager, written as words, and their run against a fake one. */

#include "activate/connection.h"
#include "activate/run_plan.h"
#include "tests/support/fake_manager.h"

typedef struct PlanWords {
        Arena arena;
        UnitPlan plan;
} PlanWords;

/* One action a line: "restart a.service 1": verb, unit, group; "stop" is of PHASE_STOP, "stop-late"
 * of PHASE_STOP_LATE. "drags stop b.service a.service": unit and by.
 * "triggers start b.service a.path": the same. "daemon-reload". "changed a.timer": it comes with
 * another text; "drop-in b.service": with a drop-in for what the distribution has. */
void plan_words_init(PlanWords *words, const char *text);
void plan_words_done(PlanWords *words);

typedef struct PlanWorld {
        FakeManager *fake;
        Systemd *systemd;
        PlanWords words;
        RunOptions options;
        PlanRun *run;
        Report *report;
        char told[4096]; /* the progress: "begin a.service\n", "wait …", "end a.service done\n" */
} PlanWorld;

void plan_world_init(PlanWorld *world, const FakeOptions *fake, const char *plan);
void plan_world_done(PlanWorld *world);

/* All of it, up to the report; the test ends when a step does not work. */
void plan_world_run(PlanWorld *world);

const ActionReport *plan_world_action(const PlanWorld *world, const char *unit, Verb verb);
const UnitFailure *plan_world_failure(const PlanWorld *world, const char *unit); /* or NULL */
