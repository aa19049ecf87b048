/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A comparison at work: what diff does with one pair, and diff --all with one for each host. */

#include "diff/live_file.h"
#include "diff/plan_containers.h"
#include "switch/options.h"
#include "switch/plan_output.h"
#include "switch/prepare.h"

typedef struct Diff {
        const Options *options;
        Host *host;
        const char *left, *right; /* NULL: nothing is there */
        const char *states;       /* file of live states; NULL: none */
        char **paths;             /* only these files are shown; none: all */
        size_t n_paths;
        /* Of what is compared; the plan is one of these two's. */
        Prepared *prepared;
        ReferenceTree old, new;
        Tree *before, *after; /* with what is in the way, and comes back; NULL: it is not known */
        LiveFile *live;       /* of states; NULL */
        ContainerStates *containers;
        size_t n_containers;
        Plan *own_plan;
        const Plan *plan;
        Plan shown; /* the same with the files that are shown */
} Diff;

/* Both as they are written: nothing is asked of a host. */
int diff_compare_trees(Diff *diff, Error *reterr) must_check;
/* What a switch would do now: with what is there beneath the active generation, debt, and live
 * states. */
int diff_compare_with_host(Diff *diff, Error *reterr) must_check;
/* Returns 1: one of the sides has something at the path (or glob), or below it. */
int diff_has_path(const Diff *diff, const char *path, Error *reterr) must_check;
int diff_refuse_path(const char *path, Error *reterr);
/* Fills diff->shown: what the paths that were given leave of the plan. */
int diff_choose_files(Diff *diff, Error *reterr) must_check;

bool diff_is_different(const Diff *diff);
int diff_add_text(const Diff *diff, const Output *output, Text *text, Error *reterr) must_check;
int diff_add_markdown(const Diff *diff, const char *title, Text *text, Error *reterr) must_check;
int diff_to_json(const Diff *diff, char **ret_json, Error *reterr) must_check;

void diff_done(Diff *diff);
static inline void diff_donep(Diff *diff) {
        diff_done(diff);
}

/* diff --all: references[0] and [1] are revisions. Returns as cmd_diff() does. */
int diff_all(const Options *options,
                Host *host,
                char **revisions,
                char **paths,
                size_t n_paths,
                Error *reterr) must_check;
