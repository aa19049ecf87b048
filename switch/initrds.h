/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The initrds of a host's kernels: which modules a profile has in them, and which of them have to
 * be made anew for it. One is, when what goes into it is not what the last committed switch made it
 * with. */

#include "activate/initrd.h"
#include "diff/fit_space.h"
#include "diff/kernel_require.h"
#include "diff/plan.h"
#include "switch/host.h"

struct Prepared;
struct EngineOptions;
struct EngineResult;

typedef struct InitrdNeed {
        Initrd initrd;
        const char *modules; /* as initrd_note() has them */
} InitrdNeed;

/* What the initrd of a kernel that is there was made with. */
typedef struct InitrdBefore {
        const char *kernel;
        const char *modules; /* likewise */
        bool is_adopted;     /* somebody else made it, by what is active */
        bool is_outdated;    /* somebody else made it, before that was active */
} InitrdBefore;

typedef struct Initrds {
        InitrdBefore *before; /* of each kernel */
        size_t n_before;
        InitrdNeed *adopted; /* that somebody else made, with what they have: to be noted */
        size_t n_adopted;
        InitrdNeed *needs;   /* that are to be made */
        PlanInitrd *planned; /* of each */
        size_t n_needs;
        bool are_made;      /* by a switch, as far as they are needed */
        KernelUnmet *unmet; /* modules that no kernel has */
        size_t n_unmet;
        const char **warnings; /* modules that some kernels lack */
        size_t n_warnings;
        const char *uki;       /* where they are, or are too, and not made by us: for people */
        const char *uki_maker; /* the command that does it */
        bool has_no_maker;     /* for what is asked for */
        bool has_no_kernel;    /* that is known as installed */
} Initrds;

typedef struct InitrdsAsk {
        const Tree *tree;     /* of the profile */
        const Tree *active;   /* which the makers are told by now, or were before the flip */
        const Initrds *known; /* after the flip: what was found before; else NULL */
        bool makes;           /* else the needs stay empty */
} InitrdsAsk;

/* All of it in the arena. */
int initrds_find(Host *host,
                const InitrdsAsk *ask,
                Arena *arena,
                Initrds *ret_initrds,
                Error *reterr) must_check;

/* Prints what comes of them that is not what was asked for by conf (NULL: there is no [Kernel]).
 * Once: when the modules change, or their maker has gone; not at each switch of anything. */
int initrds_warn(Host *host,
                struct Prepared *prepared,
                const ProfileConf *conf,
                bool only_default,
                Error *reterr) must_check;

/* The room that new images take in the directory of a need's first one: all of them that are there,
 * beside the old ones; and once more what is kept of these by a copy, where there are no links. An
 * eighth more than the old ones have. ret_n_bytes_going: of it, and of what is there, what goes
 * with the commit. */
void initrds_space(const Initrds *initrds,
                const InitrdNeed *need,
                bool has_links,
                SpaceNeed *ret_need,
                uint64_t *ret_n_bytes_going);

/* In the open transaction: notes those that somebody else made. Before the flip: a switch that is
 * undone makes what their makers were told younger than they are. */
int initrds_note_found(Host *host, const Initrds *initrds, Error *reterr) must_check;

/* After the flip: makes and places what is needed, and notes it. What it did is taken back by
 * initrds_settle(), whether it succeeded or not. What fails in a rollback that nobody asked to stop
 * is a warning of the result: the initrds are as they were, and nothing is noted of them. */
int initrds_make(Host *host,
                const struct EngineOptions *options,
                struct EngineResult *result,
                Error *reterr) must_check;

/* The most that this takes, for a deadline. */
uint64_t initrds_timeout_usec(const struct Prepared *prepared);

/* Of a switch that ended so. Only where the database is to be had: then /boot is, too. Returns as
 * initrd_settle() does. */
int initrds_settle(const Host *host, bool is_commit, Error *reterr) must_check;
