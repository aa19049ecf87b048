/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/container_edits.h"

#include "activate/container_link.h"
#include "activate/in_root.h"
#include "diff/container.h"
#include "switch/output.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

/* Of what was edited, units and what names files: all that a plan reads. Whoever is inside chooses
 * how large a file is; it is the host's memory. */
enum { EDITS_MAX_BYTES = 8 * 1024 * 1024 };

void etc_look_done(EtcLook *look) {
        look->fit = fit_plan_free(look->fit);
        look->scan = scan_free(look->scan);
}

static int open_etc(pid_t leader) {
        char path[64];
        (void) snprintf(path, sizeof(path), "/proc/%d/root", (int) leader); /* fits */
        cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
        int fd = open_resolved(root, "etc", &how);
        return fd < 0 ? -errno : fd;
}

int etc_look(pid_t leader,
                const Tree *tree,
                uint64_t edits_max_bytes,
                Contents *contents,
                EtcLook *ret_look,
                Error *reterr) {
        cleanup(etc_look_donep) EtcLook look = { .input = { .root = ROOT_ETC,
                                                                 .old = tree,
                                                                 .new = tree,
                                                                 .force = true,
                                                                 .some_unread = true } };
        const ScanLimit limit = {
                .declared = tree, .root = ROOT_ETC, .others_max_bytes = edits_max_bytes
        };
        cleanup_fd int fd = open_etc(leader);
        const Root etc = { .fd = fd, .path = "its /etc" };
        cleanup_free Sought *sought = NULL;
        size_t n_sought = 0;
        if (fd == -ENOENT || fd == -ESRCH)
                return ETC_GONE;
        if (fd == -EACCES || fd == -EPERM)
                return error_set_errno(reterr, fd, "its /etc");
        if (fd < 0)
                return ETC_IS_NONE;
        if (fit_plan_seek(&look.input, true, &sought, &n_sought) < 0)
                return error_oom(reterr);
        int r = scan_new_limited(&etc, sought, n_sought, &limit, contents, &look.scan, reterr);
        if (r < 0)
                return r;
        look.input.found = look.scan->found;
        look.input.n_found = look.scan->n_found;
        r = fit_plan_new(&look.input, &look.fit, reterr);
        if (r < 0)
                return r;
        *ret_look = look;
        look = (EtcLook){ 0 };
        return ETC_LOOKED;
}

/* What is missing is put back by any fit, and counts as changed by hand here as well. */
static int add_edits(const EtcLook *look, const Tree *old, const Tree *new, Tree *edits) {
        for (size_t i = 0; i < look->fit->n_operations; i++) {
                const FitOperation *operation = &look->fit->operations[i];
                const Entry *before = tree_find(old, ROOT_ETC, operation->path),
                            *after = tree_find(new, ROOT_ETC, operation->path);
                if (operation->verb == FIT_RECORD || !before || !after ||
                                !entry_equal(before, after))
                        continue;
                if (effective_add_found(edits, &look->input, operation->found, NULL) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int container_edits_find(pid_t leader,
                const Tree *old,
                const Tree *new,
                Contents *contents,
                Tree **ret_tree,
                Error *reterr) {
        cleanup(etc_look_donep) EtcLook look = { 0 };
        cleanup(tree_freep) Tree *edits = tree_new();
        if (!edits)
                return error_oom(reterr);
        int r = etc_look(leader, old, EDITS_MAX_BYTES, contents, &look, reterr);
        if (r != ETC_LOOKED)
                return r < 0 ? r : 0;
        if (add_edits(&look, old, new, edits) < 0)
                return error_oom(reterr);
        r = tree_seal(edits, reterr);
        if (r < 0 || edits->n_entries == 0)
                return r;
        *ret_tree = TAKE(edits);
        return 1;
}

/* What a container has inside is of one profile's generations, and only a switch of that touches
 * it. */
static bool is_concerned(const Host *host, const ProfileConf *conf, const char *name) {
        const ContainerRule *rule = container_rule(conf, name);
        if (!host->is_of_containers)
                return !rule || !rule->profile;
        return rule && rule->profile && strcmp(rule->profile, host->profile_name) == 0;
}

static void warn_restless(const char *name) {
        char message[256];
        (void) snprintf(message, sizeof(message),
                        "Container %s has an /etc that does not stop changing: what was edited "
                        "there by hand stays",
                        name); /* fits */
        output_warning(message);
}

static int add_of(
                Host *host, Prepared *prepared, const char *name, Tree *all_edits, Error *reterr) {
        cleanup(tree_freep) Tree *before = NULL;
        cleanup(tree_freep) Tree *after = NULL;
        cleanup(tree_freep) Tree *edits = NULL;
        Error error;
        pid_t leader = 0;
        int r = container_leader(name, &leader, &error);
        if (r < 0) /* it does not run */
                return r == -ENOENT ? 0 : error_set(reterr, r, "%s", error.message);
        r = container_inside(prepared->effective.before, name, &before, reterr);
        if (r >= 0)
                r = container_inside(prepared->effective.after, name, &after, reterr);
        if (r >= 0)
                r = container_edits_find(leader, before, after, host->contents, &edits, reterr);
        if (r == -EBUSY) { /* whoever is inside holds up nothing but that */
                warn_restless(name);
                return 0;
        }
        if (r <= 0)
                return r < 0 ? error_prefix(reterr, "Container %s", name) : 0;
        if (container_place(all_edits, name, edits) < 0 || strv_add(&prepared->forced, name) < 0)
                return error_oom(reterr);
        return 0;
}

int container_edits_add(Host *host, Prepared *prepared, Error *reterr) {
        EffectiveTrees *trees = &prepared->effective;
        Tree *edits = effective_part(trees);
        const ProfileConf *conf = NULL;
        char name[CONTAINER_NAME_SIZE];
        size_t position = 0;
        if (!edits)
                return error_oom(reterr);
        int r = profile_conf_of(&prepared->arena, trees->after, host->contents, &conf, reterr);
        while (r >= 0 && container_next(trees->after, &position, name))
                if (is_concerned(host, conf, name))
                        r = add_of(host, prepared, name, edits, reterr);
        if (r >= 0)
                r = tree_seal(edits, reterr);
        return r < 0 ? r : effective_lay_over(trees, trees->before, edits, &trees->before, reterr);
}
