/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Carries a FitPlan out: stage, flip, then commit or undo. All state is on disk, in
 * ROOT/.sysswitch, so that any process can end what another began.
 *
 *   clean --fit_stage--> staged --fit_flip--> flipped --fit_commit--> clean, the new files stay
 *                           |                    |
 *                           +-------fit_undo-----+-----------------> clean, everything is as before
 *            (fit_put_back, fit_set_undone, fit_forget)
 *
 * 1. Before the manifest is there (whole, synced, in a synced directory) nothing outside .sysswitch
 * was touched.
 * 2. Manifest present = not committed. Its removal is the commit.
 * 3. What is staged is synced before the manifest is written; from the manifest on there are only
 * renames.
 * 4. fit_undo() reads the manifest and nothing else, may be interrupted anywhere and called again,
 * and throws nothing away that others put at a path meanwhile: that is kept beside it as
 * PATH.sysswitch-saved. */

#include "activate/owner.h"
#include "activate/root.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/content.h"
#include "diff/fit_plan.h"
#include "diff/restore.h"

typedef struct FitOptions {
        Contents *contents; /* data of what comes are loaded from here */
        Owners *owners;     /* NULL: owners are left alone (an image, without root) */
        /* Kept in the manifest for who has to undo it; never NULL. */
        const char *switch_id, *from, *to;
        const UnitBefore *units; /* sorted by uid */
        size_t n_units;
} FitOptions;

/* The plan must have no conflicts. On failure nothing is changed and nothing is left. -EEXIST: an
 * earlier switch was neither committed nor undone; -ESRCH: an owner that does not exist; -ENOSPC …
 */
int fit_stage(const Root *root, const FitPlan *plan, const FitOptions *options, Error *reterr)
                must_check;

/* Renames all of it into place, and syncs. -ESTALE: something changed since it was looked at (and
 * was left so). On any failure some paths may be new: fit_undo(). */
int fit_flip(const Root *root, const FitPlan *plan, Error *reterr) must_check;

/* Returns 1 when a switch was undone, 0 when there was none. Paths kept beside are added to
 * ret_kept (may be NULL). */
int fit_undo(const Root *root, Strv *ret_kept, Error *reterr) must_check;

/* fit_undo() in steps, for who has more to bring back than files and a record to end: 1. the files,
 * as often as it takes; the switch stays open. */
int fit_put_back(const Root *root, Strv *ret_kept, Error *reterr) must_check;
/* 2. Everything is as before: no switch is open from here on, and this is remembered until
 * fit_forget(), as a record that says "staged" would be taken for a commit without it. */
int fit_set_undone(const Root *root, Error *reterr) must_check;
int fit_is_undone(const Root *root, Error *reterr) must_check; /* 1 or 0 */
/* 3. The record was ended. Nothing there is no error. */
int fit_forget(const Root *root, Error *reterr) must_check;

/* Returns 1 when a switch was committed, 0 when there was none. On failure it is not committed,
 * unless -EUCLEAN: the disk would not say, and the manifest must be read again. */
int fit_commit(const Root *root, Error *reterr) must_check;
