/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One table for people, and two that the unit of a container runs: 'prepare' before it starts,
 * 'apply' as its reload. These two take no switch lock: it is the switch that has the unit started
 * or reloaded, and waits for that. */

#include "activate/bundle_journal.h"
#include "activate/bundle_roots.h"
#include "activate/bundle_store.h"
#include "activate/container_link.h"
#include "activate/container_root.h"
#include "activate/in_root.h"
#include "diff/container.h"
#include "diff/nspawn.h"
#include "switch/commands.h"
#include "switch/container_verbs.h"
#include "switch/containers.h"
#include "switch/engine.h"
#include "switch/inside.h"
#include "switch/output.h"
#include "switch/stop_request.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { SETTINGS_MAX_BYTES = 1024 * 1024 };

/* As nspawn will read them. *ret_file is NULL where there are none: then there is just nothing to
 * make for them. */
static int read_settings(Arena *arena, const char *name, const UnitFile **ret_file, Error *reterr) {
        char path[128];
        cleanup_free char *text = NULL;
        size_t size = 0;
        (void) snprintf(path, sizeof(path), "/etc/systemd/nspawn/%.64s.nspawn", name); /* fits */
        cleanup_fd int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int r = in_root_read(root_fd, path, SETTINGS_MAX_BYTES, &text, &size);
        *ret_file = NULL;
        if (r < 0)
                return r == -ENOENT ? 0 : error_set_errno(reterr, r, "%s", path);
        return unit_file_parse(arena, path, text, size, ret_file, reterr);
}

/* Of a tree of its bundle. */
static int tell_options(Arena *arena, const char *name, const char *tree, Error *reterr) {
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *inside = NULL;
        if (!contents)
                return error_oom(reterr);
        int r = bundle_store_read(name, tree, contents, &inside, reterr);
        const char *options = r < 0 ? NULL : nspawn_options(arena, inside);
        if (r < 0)
                return r;
        return options ? bundle_store_tell(name, options, reterr) : error_oom(reterr);
}

static int run_prepare(
                const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) options; /* there are none */
        const char *name = arguments[0], *root = arguments[1],
                   *below = n_arguments > 2 ? arguments[2] : NULL;
        char tree[BUNDLE_TREE_SIZE];
        cleanup(arena_donep) Arena arena = { 0 };
        const UnitFile *settings = NULL;
        int r = bundle_store_wanted(name, tree, reterr);
        if (r == -ENOENT) {
                r = containers_lay_lost(name, reterr);
                if (r >= 0)
                        r = bundle_store_wanted(name, tree, reterr);
        }
        if (r >= 0)
                r = bundle_roots_note(name, root, below, reterr);
        if (r >= 0)
                r = read_settings(&arena, name, &settings, reterr);
        if (r >= 0)
                r = container_root_make(root, below, settings, reterr);
        if (r >= 0)
                r = tell_options(&arena, name, tree, reterr);
        if (r >= 0) /* all of it is started anew */
                r = bundle_journal_drop(name, reterr);
        container_forget_dead(name);
        return r < 0 ? r : bundle_store_point(name, "active", tree, reterr);
}

/* systemd kills a reload that lasts too long, but only the process that it started. This one then
 * takes the container back. */
static void apply_in_child(const char *name, pid_t parent) {
        Error error;
        stop_request_listen();
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM); /* cannot fail for a signal */
        if (getppid() != parent)
                (void) raise(SIGTERM); /* to itself */
        int r = inside_activate(name, &error);
        if (r < 0)
                output_error(&error);
        _exit(r < 0 ? EXIT_REFUSED : EXIT_DONE);
}

static int run_apply(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) options; /* there are none */
        (void) n_arguments;
        pid_t own = getpid(), pid = fork();
        int status;
        if (pid < 0)
                return error_set_errno(reterr, -errno, "fork");
        if (pid == 0)
                apply_in_child(arguments[0], own);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_set_errno(reterr, -errno, "waitpid");
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_DONE : EXIT_REFUSED;
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
        { "prepare", 2, 3, 0, run_prepare },
        { "apply", 1, 1, 0, run_apply },
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
        char whole_name[32];
        (void) snprintf(whole_name, sizeof(whole_name), "container %s", row->name); /* fits */
        if (options_check_taken(options, row->options, whole_name, reterr) < 0)
                return USAGE_ERROR;
        if (row->run != container_list && option_is_given(options, OPTION_JSON))
                return error_set(reterr, USAGE_ERROR, "container %s prints no JSON", row->name);
        return row->run(options, arguments + 1, n_given, reterr);
}
