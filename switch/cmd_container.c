/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the unit of a container runs: 'prepare' before it starts, 'activate' as its reload. Neither
 * takes the switch lock: it is the switch that has the unit reloaded, and waits for that. */

#include "activate/bundle_store.h"
#include "activate/container_root.h"
#include "switch/commands.h"
#include "switch/inside.h"

#include <errno.h>
#include <string.h>

static int prepare_container(const char *name, const char *root, Error *reterr) {
        char tree[BUNDLE_TREE_SIZE];
        int r = bundle_store_wanted(name, tree, reterr);
        if (r >= 0)
                r = container_root_make(root, reterr);
        return r < 0 ? r : bundle_store_point(name, "active", tree, reterr);
}

int cmd_container(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) options; /* there are none */
        if (n_arguments == 3 && strcmp(arguments[0], "prepare") == 0)
                return prepare_container(arguments[1], arguments[2], reterr);
        if (n_arguments == 2 && strcmp(arguments[0], "activate") == 0)
                return inside_activate(arguments[1], reterr);
        return error_set(reterr, USAGE_ERROR,
                        "container takes 'activate NAME', or 'prepare NAME ROOT' as the unit of a "
                        "container runs it");
}
