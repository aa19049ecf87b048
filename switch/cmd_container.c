/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One table for people, and two that the unit of a container runs: 'prepare' before it starts,
 * 'apply' as its reload. These two take no switch lock: it is the switch that has the unit started
 * or reloaded, and waits for that. */

#include "activate/bundle_roots.h"
#include "activate/bundle_store.h"
#include "activate/container_root.h"
#include "diff/container.h"
#include "switch/commands.h"
#include "switch/container_verbs.h"
#include "switch/inside.h"

#include <errno.h>
#include <string.h>

static int prepare(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) options; /* there are none */
        (void) n_arguments;
        const char *name = arguments[0], *root = arguments[1];
        char tree[BUNDLE_TREE_SIZE];
        int r = bundle_store_wanted(name, tree, reterr);
        if (r >= 0)
                r = bundle_roots_note(name, root, reterr);
        if (r >= 0)
                r = container_root_make(root, reterr);
        return r < 0 ? r : bundle_store_point(name, "active", tree, reterr);
}

static int apply(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) options; /* there are none */
        (void) n_arguments;
        return inside_activate(arguments[0], reterr);
}

static const struct Row {
        const char *name;
        size_t min_arguments, max_arguments; /* the first is a container */
        uint64_t options;
        int (*run)(const Options *options, char **arguments, size_t n_arguments, Error *reterr);
} rows[] = {
        { "list", 0, 0, 0, container_list },
        { "reboot", 1, 1, OPTION_BIT(OPTION_TIMEOUT), container_reboot },
        { "activate", 1, 1, OPTION_BIT(OPTION_TIMEOUT), container_activate },
        { "shell", 1, 256, 0, container_shell },
        { "log", 1, 1, OPTION_BIT(OPTION_LIMIT), container_show_log },
        { "remove", 1, 1, OPTION_BIT(OPTION_PURGE), container_remove },
        { "prepare", 2, 2, 0, prepare },
        { "apply", 1, 1, 0, apply },
};

static const struct Row *find(const char *name) {
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                if (strcmp(rows[i].name, name) == 0)
                        return &rows[i];
        return NULL;
}

int cmd_container(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        const struct Row *row = n_arguments > 0 ? find(arguments[0]) : NULL;
        if (!row)
                return error_set(reterr, USAGE_ERROR,
                                "container takes list, reboot, activate, shell, log or remove "
                                "(see sysswitch container --help)");
        size_t n_given = n_arguments - 1;
        if (n_given < row->min_arguments || n_given > row->max_arguments)
                return error_set(reterr, USAGE_ERROR, "container %s takes %s", row->name,
                                row->max_arguments == 0 ? "no name" : "the name of one container");
        const char *fault = n_given > 0 ? container_name_fault(arguments[1]) : NULL;
        if (fault)
                return error_set(reterr, USAGE_ERROR, "%s %s", arguments[1], fault);
        if (options->root)
                return error_set(reterr, USAGE_ERROR, "Containers run on a host, not in --root=");
        static const uint64_t own = OPTION_BIT(OPTION_TIMEOUT) | OPTION_BIT(OPTION_LIMIT) |
                                    OPTION_BIT(OPTION_PURGE);
        if (options->given & own & ~row->options)
                return error_set(reterr, USAGE_ERROR,
                                "container %s takes no option of its own that was given",
                                row->name);
        return row->run(options, arguments + 1, n_given, reterr);
}
