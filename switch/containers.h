/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch does for containers beside their units: the bundles of the new generation are laid
 * before anything changes, and pointed at once the manifest is there (activate/bundle_store.h). */

#include "switch/host.h"
#include "switch/prepare.h"

typedef struct LaidContainer {
        const char *name;
        const char *tree;
        bool is_forced; /* its /etc is made exact: what was edited there goes, too */
} LaidContainer;

typedef struct LaidContainers {
        LaidContainer *items; /* those that shall have another tree, or the same exactly */
        size_t n_items;
        Strv files; /* that were written, and have no names yet */
} LaidContainers;

/* Items are in the arena of prepared. No switch may be open. What is laid is not synced. */
int containers_lay(Host *host, const Prepared *prepared, LaidContainers *ret_laid, Error *reterr)
                must_check;
/* Before its first start on a host whose generation was laid into an image, or whose bundles are
 * lost: as the active generation has it. */
int containers_lay_lost(const char *name, Error *reterr) must_check;
void containers_done(LaidContainers *laid);
/* The manifest is there, and what was laid was synced before it: they take these trees at their
 * next start or reload. Not synced. */
int containers_point(const LaidContainers *laid, Error *reterr) must_check;
