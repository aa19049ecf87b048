/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a PlanRun: what run_plan.c, group.c, refused.c, triggered.c and verdict.c share. */

#include "activate/job_wait.h"
#include "activate/run_plan.h"
#include "activate/unit_look.h"
#include "base/arena.h"

typedef struct ActionRun {
        const UnitAction *action;
        Job job;
        const UnitLook *before;
        bool brings_back; /* starts what may be up again by itself: PHASE_STOP took it down */
} ActionRun;

typedef enum GroupStage {
        GROUP_WAITING,
        GROUP_STOPPING, /* its PHASE_STOP_LATE is under way */
        GROUP_ACTING,   /* all its jobs were asked for */
} GroupStage;

/* The actions of one group, but for PHASE_STOP. */
typedef struct Group {
        GroupStage stage;
        ActionRun **actions; /* in the plan's order */
        size_t n_actions;
        bool only_adds; /* nothing in it goes down */
        bool brings_back;
        uint64_t expected_usec; /* to start it all, by what it took the last time */
} Group;

struct PlanRun {
        Systemd *systemd;
        const UnitPlan *plan;
        RunOptions options;
        JobWait *wait;
        Arena arena;
        ActionRun *actions; /* as in the plan */
        UnitLook *before;   /* of the actions, and of the dragged units after them */
        const char *const *failed_before;
        size_t n_failed_before;
        Group *groups; /* in the order in which they shall run */
        size_t n_groups;
        Job **in_flight; /* in the order in which they began */
        size_t n_in_flight;
        Job *triggered; /* as in the plan; IDLE: it has no job */
        Job *restored;  /* starts of what PHASE_STOP took down for nothing */
        size_t n_restored;
        unsigned n_ended, n_total; /* actions, for the progress */
        uint64_t left_usec;        /* for jobs; UINT64_MAX: no limit */
        uint64_t begin_usec;       /* CLOCK_MONOTONIC */
        uint64_t begin_realtime_usec;
        uint64_t reloaded_usec; /* when the daemon-reload was over; 0: none */
        bool daemon_reloaded;
};

/* Sorts the actions into groups, and the groups into their order. */
int groups_new(PlanRun *run) must_check;
/* Until which instant of CLOCK_MONOTONIC another group shall wait for this one; 0: no longer. */
uint64_t group_holds_until(const Group *group, uint64_t now);
bool group_late_stops_ended(const Group *group);

int triggered_new(PlanRun *run) must_check;
/* Lets path units see what happened so far, and listens to the jobs that they made. */
int triggered_join(PlanRun *run, Error *reterr) must_check;
/* Does the group act on a unit whose triggered job is not over? */
bool triggered_holds(const PlanRun *run, const Group *group);
typedef enum TriggeredWait {
        TRIGGERED_BEFORE_RELOAD,  /* until they run; those of units that the plan touches: end */
        TRIGGERED_BEFORE_ACTIONS, /* until those end whose units an action drags along */
        TRIGGERED_BEFORE_VERDICT, /* until all end */
} TriggeredWait;
/* Waits, but not for ever. */
int triggered_wait(PlanRun *run, TriggeredWait what_for, Error *reterr) must_check;

/* Waits for the job of a unit, and looks at it again. */
int comeback_await(PlanRun *run, UnitLook *look, Error *reterr) must_check;

/* A stop of this phase that was refused is done when the unit is down all the same. */
int refused_settle(PlanRun *run, ActionRun *action, Phase phase, Error *reterr) must_check;
