/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the containers of a host are not as declared. That one is off is told of its unit, as of
 * any. */

#include "switch/container_view.h"
#include "switch/drift.h"

typedef struct ContainerDrift {
        const ContainerView *view;
        const char *what; /* for people; NULL: only its files differ */
        DriftFile *files; /* below its /etc, from the tree that it has */
        size_t n_files;
} ContainerDrift;

typedef struct ContainerDrifts {
        ContainerViews views;
        ContainerDrift *items; /* of those that differ */
        size_t n_items;
} ContainerDrifts;

/* Must be connected. */
int container_drift_find(Host *host, ContainerDrifts *ret_drifts, Error *reterr) must_check;
void container_drift_done(ContainerDrifts *drifts);
static inline void container_drift_donep(ContainerDrifts *drifts) {
        container_drift_done(drifts);
}
