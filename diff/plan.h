/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan: which units act, how, in which order, and why; complete and immutable. The rules are
 * those of docs/plan.md, row by row (diff/decide.c has the table). A dry run prints it, a switch
 * keeps it with its record and carries it out. */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/kernel.h"
#include "diff/tree.h"
#include "diff/unit_state.h"

#include <stdint.h>

typedef enum Verb {
        VERB_STOP,
        VERB_START,
        VERB_RESTART,
        VERB_RELOAD,
        VERB_SKIP,
        N_VERBS,
} Verb;

/* When an action runs. The stops of PHASE_STOP are queued at once, before the flip. After the
 * daemon-reload the groups follow one another, each as soon as what the ones before it take down is
 * going down or back; of a group the late stops come first and are awaited, then its reloads,
 * restarts and starts are queued in one burst, in the plan's order. */
typedef enum Phase {
        PHASE_STOP,      /* before the flip, by the old text */
        PHASE_STOP_LATE, /* after the daemon-reload, right before what it makes way for */
        PHASE_RELOAD,
        PHASE_RESTART,
        PHASE_START,
        N_PHASES,
} Phase;

typedef enum DaemonAction {
        DAEMON_NONE,
        DAEMON_RELOAD,
        DAEMON_REEXEC,
} DaemonAction;

typedef struct UnitAction {
        const char *unit;
        const char *container; /* the one that the unit runs: to reload it is to activate what it
                                  shall have in place, to restart it is to reboot it; else NULL */
        Verb verb;
        Phase phase;                /* no meaning for VERB_SKIP */
        unsigned group;             /* same number: queued in one burst */
        const char *const *reasons; /* a chain, nearest first: "/etc/nginx/nginx.conf changed",
                                       "[Trigger]" */
        size_t n_reasons;
        bool debt;                  /* a skip that leaves the unit with an older definition */
        const char *leaves_restart; /* of a reload, beside which a restart is owed: the flag that
                                       forbids it; else NULL */
        bool is_inside;             /* of a container, where nothing but what is inside changed */
        bool runs_again;            /* the start of a oneshot that ran and ended, for a change */
        const char *invocation;     /* of a start: which run it had when that was planned. Another
                                       one that began before the daemon-reload has another text.
                                       NULL: nobody else starts it meanwhile */
} UnitAction;

typedef struct UnitDrag {
        const char *unit;
        const char *by;  /* the unit or file that brings it along */
        const char *via; /* "Requires", "PartOf", "Wants", "PathChanged" … */
        Verb verb;       /* what will be seen of the unit: stop, start or restart */
} UnitDrag;

typedef struct UnitChanged {
        const char *unit;
        bool is_defined; /* by the tree; else it has drop-ins for a unit of the distribution */
} UnitChanged;

/* A program that a unit which comes with another text runs, see diff/program.h. */
typedef struct UnitProgram {
        const char *unit;
        const char *key;   /* "ExecStart" */
        const char *path;  /* absolute */
        const char *place; /* "units/web.service:7"; NULL: not known */
} UnitProgram;

/* A container whose new limits are in force with the daemon-reload. */
typedef struct ContainerSet {
        const char *name;
        const char *const *reasons;
        size_t n_reasons;
} ContainerSet;

/* The plan of one manager: the system's, a user's, a container's. */
typedef struct UnitPlan {
        UnitAction *actions; /* in order; skips at the end */
        size_t n_actions;
        UnitDrag *dragged; /* what systemd drags along by itself */
        size_t n_dragged;
        UnitDrag *triggered; /* what path units (by their old text) start because a file that they
                                watch changes */
        size_t n_triggered;
        UnitDrag *awaited; /* such whose own start finds them up: told there, and waited for */
        size_t n_awaited;
        const char *const *held_down; /* units that the plan takes down and does not bring back:
                                         recorded as ours */
        size_t n_held_down;
        const char *const *settled; /* units that owe nothing any more: gone, masked, disabled or
                                       unwanted now */
        size_t n_settled;
        UnitChanged *changed; /* units that come with another text, whether they act or not; no
                                 templates, no masks */
        size_t n_changed;
        UnitProgram *programs; /* that these run; none of a user's manager */
        size_t n_programs;
        DaemonAction daemon;
        const char *const *daemon_reasons;
        size_t n_daemon_reasons;
        const char *const *notes; /* "The daemon-reload itself will stop x.service: …", old systemd
                                     and UpheldBy= … */
        size_t n_notes;
        ContainerSet *sets;
        size_t n_sets;
        const char *const *unknown; /* units whose relations the plan would use and the states do
                                       not have: ask, plan again */
        size_t n_unknown;
} UnitPlan;

typedef struct UserPlan {
        uint32_t uid;
        UnitPlan units;
} UserPlan;

/* What is done inside a container that is activated in place. */
typedef struct ContainerPlan {
        const char *name;
        UnitPlan units;
} ContainerPlan;

/* The initrd of a kernel, which is made anew. */
typedef struct PlanInitrd {
        const char *kernel;         /* its version */
        const char *const *reasons; /* "dm_mod comes", "there is none" */
        size_t n_reasons;
} PlanInitrd;

typedef struct Plan {
        Arena arena;
        UnitPlan units;
        UserPlan *users;
        size_t n_users;
        ContainerPlan *containers;
        size_t n_containers;
        bool run_sysusers;        /* files in sysusers.d changed */
        bool run_tmpfiles;        /* files in tmpfiles.d changed */
        const char *const *hooks; /* that will run, in their order: all there are, unless the plan
                                     is empty */
        size_t n_hooks;
        PlanInitrd *initrds;
        size_t n_initrds;
        const char *const *reboot_needed;
        size_t n_reboot_needed;
        bool is_until_boot;      /* a reboot ends it: these never come */
        size_t n_of_boot_loader; /* the first of them: what it has to be given */
        TreeChange *files; /* every path of /etc and hooks that differs; entries are of the input's
                              trees, which must outlive the plan */
        size_t n_files;
} Plan;

typedef enum DebtCause {
        DEBT_SKIPPED,
        DEBT_FAILED,
        DEBT_TIMEOUT,
        DEBT_HELD_DOWN, /* a switch took the unit down as a dependent: no administrator's stop (rule
                           4) */
} DebtCause;

typedef struct Debt {
        const char *unit;
        uint32_t uid; /* UINT32_MAX: the system manager */
        Verb verb;    /* the action that is owed */
        DebtCause cause;
        const char *reason;        /* as the plan gave it */
        const char *invocation_id; /* of the unit when the debt was made; "" unknown: a restart by
                                      hand pays it */
        uint64_t since_usec;       /* CLOCK_REALTIME */
        int64_t switch_id;
} Debt;

typedef struct UserStates {
        uint32_t uid;
        const UnitStates *states;
} UserStates;

typedef struct ContainerStates {
        const char *name;
        const UnitStates *states; /* NULL: it was asked, and did not answer */
} ContainerStates;

typedef struct PlanInput {
        const Tree *before; /* what the host has: the old generation laid over what was found
                               beneath it */
        const Tree *after;  /* what it shall have: the new one laid over what is given back */
        Contents *contents;
        const UnitStates *states; /* NULL: no host; each unit that before wants counts as active */
        const UserStates *users;  /* running user managers */
        size_t n_users;
        const ContainerStates *containers; /* that run; of others each unit that before wants counts
                                              as active */
        size_t n_containers;
        const Debt *debts;
        size_t n_debts;
        /* texts of units that only the distribution has, for what their start pulls in where the
         * manager has not loaded them; NULL: none at hand */
        const struct Distribution *distribution;
        RunningKernel kernel;
        /* why its modules take a boot: what is loaded is no more what the file will be */
        const char *const *module_reasons;
        size_t n_module_reasons;
        const PlanInitrd *initrds; /* that are to be made */
        size_t n_initrds;
        bool is_until_boot;                     /* a test: the next boot takes another generation */
        bool has_no_initrd_maker;               /* what is asked of the initrd comes to none */
        const struct LiveInitrds *live_initrds; /* of another host, instead; NULL: not known */
        bool states_are_whole;                  /* a unit that the states do not name is off */
        bool everything_off;     /* --root: an image that does not run: no unit acts */
        struct PlanDraft *draft; /* may be NULL, see below */
} PlanInput;

/* What is found of two trees whatever the live states are: given to several calls with the same
 * trees, which outlive it, all but the first cost half. */
typedef struct PlanDraft PlanDraft;
PlanDraft *plan_draft_new(void) must_check;
PlanDraft *plan_draft_free(PlanDraft *draft);
DEFINE_CLEANUP(PlanDraft, plan_draft_free);

/* Pure. Returns 0 or a negative errno. */
int plan_new(const PlanInput *input, Plan **ret_plan, Error *reterr) must_check;
Plan *plan_free(Plan *plan);
DEFINE_CLEANUP(Plan, plan_free);

/* One more for units of the plan, whose text lives as long as the plan. Returns 0 or -ENOMEM. */
int plan_add_note(Plan *plan, UnitPlan *units, const char *note) must_check;

/* Which live states plan_new() needs at the least, as names and globs ("app-*.service") for the
 * manager. */
int plan_concern(const PlanInput *input, Strv *ret_names, Strv *ret_patterns, Error *reterr)
                must_check;

/* What the action is called where it is one of a container: "activate", "reboot". */
const char *container_verb_to_string(Verb verb);

bool plan_is_empty(const Plan *plan); /* no file changes, no unit acts, no initrd is made */

const char *verb_to_string(Verb verb);             /* "restart" */
int verb_from_string(const char *text);            /* or -EINVAL */
const char *debt_cause_to_string(DebtCause cause); /* "held-down" */
int debt_cause_from_string(const char *text);      /* or -EINVAL */
const char *phase_to_string(Phase phase);          /* "stop-late" */
const char *daemon_action_to_string(DaemonAction action);
