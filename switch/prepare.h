/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything that is known before anything is changed: what the host has, what it shall have, what
 * is in the way, and the plan. A dry run ends here; a switch carries exactly this out (style: the
 * dry run is the same path, stopped). */

#include "activate/scan.h"
#include "base/error.h"
#include "diff/fit_plan.h"
#include "diff/plan.h"
#include "diff/problem.h"
#include "state/origin.h"
#include "switch/effective.h"
#include "switch/host.h"
#include "switch/initrds.h"
#include "switch/insides.h"
#include "switch/lib_files.h"
#include "switch/reference.h"
#include "switch/users.h"

struct CheckResults;
struct Rehearsal;

typedef struct PrepareOptions {
        bool force;         /* --force */
        bool save_edited;   /* rollback: edited files are saved and replaced */
        bool only_host;     /* of what is edited inside containers the caller asks himself */
        bool check_all;     /* compare every managed file's bytes: --force, status */
        bool is_until_boot; /* a test */
        bool makes_initrds; /* the kernels' initrds are part of it */
        bool only_looks;    /* whether there is anything to do: nobody sees the plan, and there is
                               none where the trees differ */
} PrepareOptions;

typedef struct Prepared {
        Arena arena;
        ReferenceTree target;     /* owned */
        int64_t from_number;      /* the active generation */
        const Tree *old;          /* of the active generation */
        const Tree *new;          /* target.tree */
        EffectiveTrees effective; /* as the plan takes them */
        Scan *scan;
        Found *displaced; /* sorted by path */
        size_t n_displaced;
        struct Packages *packages; /* of activate/packages; NULL: they were not asked; owned */
        Found *superseded; /* displaced before, and not given back: a package's version came after
                              it, or the package is gone; saved instead */
        size_t n_superseded;
        FitInput fit_input; /* what fit was made from, for later comparisons */
        LibFiles lib;
        FitPlan *fit;              /* of both roots */
        Strv forced;               /* containers with edits inside, which this makes exact */
        PlanDraft *draft;          /* of the effective trees: it is planned more than once */
        Distribution distribution; /* as the plan reads it */
        RunningKernel kernel;      /* nothing known: an image */
        const char *const *module_reasons; /* as the plan takes them */
        size_t n_module_reasons;
        UnitStates *states;
        Users users;
        Insides insides; /* owned */
        Initrds initrds;
        Debt *debts;
        size_t n_debts, n_paid;    /* the paid ones are behind the others */
        uint64_t last_switch_usec; /* when it began; 0: there was none */
        const char *owed_steps;    /* why a step that is no unit's (a hook, tmpfiles) failed in the
                                      last switch: they run again; NULL: none did */
        Plan *plan;
        Problems problems;           /* of switch/preflight; in the arena */
        struct CheckResults *checks; /* of switch/checks; NULL: not run, owned */
        struct Rehearsal *rehearsal; /* of switch/rehearsal; NULL: there was none, owned */
        bool is_same_tree;           /* the target's tree equals the active one */
} Prepared;

/* Takes target over, in every case. Host must be connected for a live host, unless it only_looks.
 * Nothing is written, no lock is taken. 1: something is to be done, and nothing else was looked at
 * (only_looks). */
int prepare(Host *host,
                ReferenceTree *target,
                const PrepareOptions *options,
                Prepared **ret_prepared,
                Error *reterr) must_check;
Prepared *prepared_free(Prepared *prepared);
DEFINE_CLEANUP(Prepared, prepared_free);

/* Equal tree, nothing missing, nothing owed. */
bool prepared_has_nothing_to_do(const Prepared *prepared);
