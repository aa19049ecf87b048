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
} LaidContainers;

/* In the arena of prepared. No switch may be open. What is laid is whole; its names are not synced.
 */
int containers_lay(Host *host, const Prepared *prepared, LaidContainers *ret_laid, Error *reterr)
                must_check;
/* Before its first start on a host whose generation was laid into an image, or whose bundles are
 * lost: as the active generation has it. */
int containers_lay_lost(const char *name, Error *reterr) must_check;
/* The manifest is there: they take these trees at their next start or reload. Synced, unless on the
 * file system of synced_fd, which the caller syncs. */
int containers_point(const LaidContainers *laid, int synced_fd, Error *reterr) must_check;
