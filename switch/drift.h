/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a host is not as its active generation says, as nobody but status asks. */

#include "base/arena.h"
#include "base/error.h"
#include "switch/host.h"
#include "switch/prepare.h"

typedef struct DriftFile {
        EntryRoot root;
        const char *path;
        bool is_missing;  /* else it was edited, or something else is there */
        const char *what; /* for people: "is missing", "was edited by hand" */
} DriftFile;

typedef struct DriftUnit {
        const char *unit;
        const char *state; /* "failed", "inactive", "active", "masked" */
        bool wanted;       /* else it is masked or disabled, and on */
} DriftUnit;

typedef struct Drift {
        Arena arena;
        Prepared *prepared; /* owned; what was compared */
        DriftFile *files;
        size_t n_files;
        DriftUnit *units;
        size_t n_units;
} Drift;

/* Compares all files; and all units too, unless the host is an image, whose units have no state. A
 * live host must be connected for both. */
int drift_find_files(Host *host, Drift *ret_drift, Error *reterr) must_check;
int drift_find(Host *host, Drift *ret_drift, Error *reterr) must_check;
/* What a fit that would make a tree true has to do, or cannot: the paths are the fit's. */
int drift_list_files(const FitPlan *fit,
                Arena *arena,
                DriftFile **ret_files,
                size_t *ret_n_files,
                Error *reterr) must_check;
void drift_done(Drift *drift);
static inline void drift_donep(Drift *drift) {
        drift_done(drift);
}
