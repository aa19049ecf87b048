/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of a switch below /lib (modules and firmware of [Kernel]): looked at and planned as
 * those of /etc are, but that nothing of others is replaced. */

#include "activate/scan.h"
#include "diff/fit_plan.h"
#include "switch/host.h"

typedef struct LibFiles {
        Scan *scan;       /* owned; NULL: there are none */
        Found *displaced; /* directories that were there before, sorted by path; not owned */
        size_t n_displaced;
        FitInput input; /* what its part of the fit was made from */
        FitPlan *fit;   /* owned: the joined one points into it */
} LibFiles;

bool lib_files_in(const Tree *tree);

/* of_etc: what the plan of /etc, which it is joined to, was made from. Does nothing where neither
 * tree has such files. files has displaced. */
int lib_files_look(Host *host,
                const FitInput *of_etc,
                bool check_all,
                LibFiles *files,
                FitPlan *fit,
                Error *reterr) must_check;
void lib_files_done(LibFiles *files);
