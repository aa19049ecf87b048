/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The containers of a host as they are, beside what is declared: for those who ask. */

#include "activate/container_look.h"
#include "switch/host.h"

typedef struct ContainerView {
        const char *name, *unit;
        bool is_declared;      /* else only its root is there still */
        const char *profile;   /* that says what is inside: "system", or the one that it follows */
        int64_t generation;    /* of that profile, which its next start takes */
        char active_state[20]; /* of its unit */
        bool has_other_tree;   /* it runs, with another tree than that */
        bool is_restarted;     /* it was started by no switch, and not by the boot of the host */
        bool rebooted_itself;  /* from inside, the last time */
        ContainerLook look;
} ContainerView;

typedef struct ContainerViews {
        Arena arena;
        ContainerView *items; /* by name */
        size_t n_items;
} ContainerViews;

/* Of the host whose active generation declares them. Must be connected. */
int container_views_find(Host *host, ContainerViews *ret_views, Error *reterr) must_check;
void container_views_done(ContainerViews *views);
static inline void container_views_donep(ContainerViews *views) {
        container_views_done(views);
}
/* -ENOENT, with what to do, where there is none of this name. */
int container_view_of(const ContainerViews *views,
                const char *name,
                const ContainerView **ret_view,
                Error *reterr) must_check;
