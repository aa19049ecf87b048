/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plan kept in a file between its review and its switch, with all that it depends on: the two
 * trees, what lies at the paths that change, the states of the units that it names, what is owed,
 * and which sysswitch made it. No contents, and of secrets no digest either: that a secret is
 * another one is known by its file's times, or by the commit. */

#include "switch/prepare.h"

typedef struct SavedPlan SavedPlan;

/* -EBADMSG: no saved plan, or one of another version of the format. */
int saved_plan_read(const char *path, SavedPlan **ret_saved, Error *reterr) must_check;
SavedPlan *saved_plan_free(SavedPlan *saved);
DEFINE_CLEANUP(SavedPlan, saved_plan_free);

/* What it is a plan to, as reference_read() takes it. */
const char *saved_plan_reference(const SavedPlan *saved);

/* Was it made by --force? Then it has what becomes of each edited file, and is carried out so. */
bool saved_plan_forces(const SavedPlan *saved);

/* Is what was prepared now what was reviewed? -ESTALE: no, and all that moved is named. */
int saved_plan_check(const SavedPlan *saved,
                const Host *host,
                const Prepared *prepared,
                Error *reterr) must_check;

/* Whole or not at all; a file that is there is replaced. */
int saved_plan_write(const char *path, const Host *host, const Prepared *prepared, Error *reterr)
                must_check;
