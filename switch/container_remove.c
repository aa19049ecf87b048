/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bundle_roots.h"
#include "activate/removal.h"
#include "base/path.h"
#include "diff/container.h"
#include "diff/profile_conf.h"
#include "state/generation.h"
#include "switch/commands.h"
#include "switch/container_verbs.h"
#include "switch/container_view.h"
#include "switch/recovery.h"

#include <errno.h>
#include <string.h>

#define STATE_DIRECTORY "/var/lib/sysswitch"

/* What the next boot takes counts as much as what is active. */
typedef struct Declared {
        Tree *next;
        const Tree *trees[2]; /* the second may be NULL */
} Declared;

static void declared_donep(Declared *declared) {
        (void) tree_free(declared->next);
}

static int read_declared(Host *host, Declared *declared, Error *reterr) {
        int r = host_active_tree(host, &declared->trees[0], reterr);
        if (r >= 0 && host->database && host->profile.default_number != host->profile.active)
                r = generation_load(host->database, host->profile_name,
                                host->profile.default_number, host->contents, &declared->next,
                                reterr);
        declared->trees[1] = declared->next;
        return r;
}

static int check_declared(const Declared *declared, const char *name, Error *reterr) {
        return container_settings(declared->trees[0], name) ||
                                               container_settings(declared->trees[1], name)
                               ? error_set(reterr, -EBUSY,
                                                 "Container %s is declared: take it out of the "
                                                 "source and switch first",
                                                 name)
                               : 0;
}

static int check_other(const char *root, const char *other, const char *there, Error *reterr) {
        bool holds = path_is_below(there, root);
        return holds || path_is_below(root, there)
                               ? error_set(reterr, -EBUSY, "%s is the root of container %s, too",
                                                 holds ? there : root, other)
                               : 0;
}

/* Also of those that were never started. */
static int check_declared_roots(
                Host *host, const Declared *declared, const char *root, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(declared->trees); i++) {
                const ContainerRoot *roots = NULL;
                size_t n_roots = 0;
                r = container_roots(&arena, declared->trees[i], host->contents, &roots, &n_roots,
                                reterr);
                for (size_t k = 0; r >= 0 && k < n_roots; k++)
                        r = check_other(root, roots[k].name, roots[k].path, reterr);
        }
        return r;
}

/* A root may be anywhere, and hold what is another's. */
static int check_root(
                const ContainerViews *views, const char *name, const char *root, Error *reterr) {
        const char *slash = strchr(root + 1, '/');
        if (*root != '/' || !slash || !slash[1] || path_is_below(STATE_DIRECTORY, root) ||
                        path_is_below(root, STATE_DIRECTORY))
                return error_set(reterr, -EPERM,
                                "%s is not only the root of a container: remove it by hand", root);
        for (size_t i = 0; i < views->n_items; i++) {
                const char *other = views->items[i].name;
                cleanup_free char *there = NULL;
                if (strcmp(other, name) == 0)
                        continue;
                int r = bundle_roots_find(other, &there, reterr);
                if (r >= 0)
                        r = check_other(root, other, there, reterr);
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        return 0;
}

static int purge(Host *host, const char *name, char **ret_root, Error *reterr) {
        cleanup(container_views_donep) ContainerViews views = { 0 };
        cleanup(declared_donep) Declared declared = { 0 };
        const ContainerView *view;
        int r = read_declared(host, &declared, reterr);
        if (r >= 0)
                r = check_declared(&declared, name, reterr);
        if (r >= 0)
                r = container_views_find(host, &views, reterr);
        if (r >= 0)
                r = container_view_of(&views, name, &view, reterr);
        if (r < 0)
                return r;
        bool is_off = strcmp(view->active_state, "inactive") == 0 ||
                      strcmp(view->active_state, "failed") == 0;
        if (view->look.leader != 0 || !is_off)
                return error_set(reterr, -EBUSY, "Container %s runs: systemctl stop %s", name,
                                view->unit);
        r = bundle_roots_find(name, ret_root, reterr);
        if (r == -ENOENT) /* it was never started: there is nothing but its bundle */
                return bundle_roots_forget(name, reterr);
        if (r >= 0)
                r = check_root(&views, name, *ret_root, reterr);
        if (r >= 0)
                r = check_declared_roots(host, &declared, *ret_root, reterr);
        if (r >= 0 && !bundle_roots_is_made(name, *ret_root))
                return error_set(reterr, -EPERM,
                                "%s was there before container %s: what is in it may be "
                                "somebody's, remove it by hand, and then the container",
                                *ret_root, name);
        if (r >= 0)
                r = removal_run(*ret_root, reterr);
        return r < 0 ? r : bundle_roots_forget(name, reterr);
}

static int run(const Options *options, const char *name, Error *reterr) {
        cleanup(host_donep) Host host;
        cleanup_free char *root = NULL;
        char what[128];
        (void) snprintf(what, sizeof(what), "container remove %.64s", name); /* fits */
        int r = host_open("/", "system", DATABASE_READ, &host, reterr);
        if (r >= 0)
                r = host_connect(&host, reterr);
        if (r >= 0)
                r = host_lock(&host, what, reterr);
        if (r >= 0)
                r = recovery_is_needed(&host, reterr);
        if (r > 0)
                return error_set(reterr, -EBUSY,
                                "A switch is open: sysswitch confirm, rollback or recover ends it");
        if (r >= 0)
                r = purge(&host, name, &root, reterr);
        if (r < 0)
                return r;
        if (!option_is_given(options, OPTION_QUIET))
                printf("Container %s is removed%s%s.\n", name, root ? ", with " : "",
                                root ? root : "");
        return 0;
}

int container_remove(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) n_arguments; /* it is one */
        if (!option_is_given(options, OPTION_PURGE))
                return error_set(reterr, USAGE_ERROR,
                                "A container is removed by taking it out of the source; its root "
                                "stays. --purge deletes that, with all that is in it");
        return run(options, arguments[0], reterr);
}
