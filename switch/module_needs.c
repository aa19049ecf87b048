/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/module_needs.h"

#include "activate/kernel.h"
#include "activate/module_file.h"
#include "activate/module_tree.h"
#include "activate/process.h"
#include "diff/kernel.h"
#include "switch/kernels.h"
#include "switch/module_index.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The slice of the path that is the kernel's version; NULL: the entry is no module. */
static const char *version_of(const Entry *entry, int *ret_length) {
        static const char trees[] = KERNEL_MODULE_TREES, extra[] = KERNEL_EXTRA_MODULES;
        if (!entry || entry->root != ROOT_LIB || entry->kind != ENTRY_FILE ||
                        strncmp(entry->path, trees, strlen(trees)) != 0)
                return NULL;
        const char *version = entry->path + strlen(trees), *end = strstr(version, extra);
        *ret_length = end ? (int) (end - version) : 0;
        return end ? version : NULL;
}

/* Compressed ones that libkmod cannot read here may be modules all the same. */
static bool is_plain(const char *path) {
        return strcmp(path + strlen(path) - strlen(".ko"), ".ko") == 0;
}

int module_needs_fault(Contents *contents,
                const Entry *entry,
                Arena *arena,
                const char **ret_fault,
                Error *reterr) {
        int length = 0;
        const char *version = version_of(entry, &length), *release = NULL;
        if (!version)
                return 0;
        int r = content_load(contents, entry->content, reterr);
        if (r >= 0)
                r = module_file_release(entry->content, arena, &release, reterr);
        if (r < 0)
                return r;
        if (release ? strncmp(release, version, (size_t) length) == 0 && !release[length]
                    : !is_plain(entry->path))
                return 0;
        *ret_fault = release ? arena_printf(arena,
                                               "Is a module for the kernel %s, in the folder of "
                                               "%.*s; move it, or build it for that one",
                                               release, length, version)
                             : "Is no module, as it does not say for which kernel (vermagic); take "
                               "it out";
        return *ret_fault ? 0 : error_oom(reterr);
}

typedef struct Needs {
        const Host *host;
        Prepared *prepared;
        Problem *problems;
        size_t n_problems;
} Needs;

static int add(Needs *needs, ProblemKind kind, const char *subject, const char *message) {
        if (!subject || !message)
                return -ENOMEM;
        needs->problems[needs->n_problems++] =
                        (Problem){ .kind = kind, .subject = subject, .message = message };
        return 0;
}

static int find_faults(Needs *needs, Error *reterr) {
        Arena *arena = &needs->prepared->arena;
        const FitPlan *fit = needs->prepared->fit;
        for (size_t i = 0; i < fit->n_operations; i++) {
                const Entry *entry = fit->operations[i].entry;
                const char *fault = NULL;
                int r = module_needs_fault(needs->host->contents, entry, arena, &fault, reterr);
                if (r < 0)
                        return r;
                if (!fault)
                        continue;
                const char *path = arena_printf(arena, "/lib/%s", entry->path);
                char name[SOURCE_MAX_PATH_BYTES * 2];
                if (entry->origin)
                        reference_file_name(&needs->prepared->target, entry->origin, name,
                                        sizeof(name));
                if (add(needs, PROBLEM_KERNEL, path,
                                    arena_printf(arena, "%s: %s", entry->origin ? name : path,
                                                    fault)) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static bool brings_modules_for(const Tree *tree, const char *version) {
        char directory[512];
        (void) snprintf(directory, sizeof(directory), KERNEL_MODULE_TREES "%s" KERNEL_EXTRA_MODULES,
                        version); /* a name that is cut is not there */
        size_t at = tree_lower_bound(tree, ROOT_LIB, directory);
        return at < tree->n_entries && tree->entries[at].root == ROOT_LIB &&
               strncmp(tree->entries[at].path, directory, strlen(directory)) == 0;
}

static int note_missing(Needs *needs, const Strv *versions) {
        Plan *plan = needs->prepared->plan;
        for (size_t i = 0; i < versions->n_items; i++) {
                const char *version = versions->items[i];
                if (module_index_is_there(needs->host, version) ||
                                !brings_modules_for(needs->prepared->new, version))
                        continue;
                const char *note = arena_printf(&plan->arena,
                                "No kernel %s is installed: the modules for it wait in "
                                "/lib/modules/%s" KERNEL_EXTRA_MODULES,
                                version, version);
                if (!note || plan_add_note(plan, &plan->units, note) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* An upgrade of the kernel is how a driver is lost unseen. */
static int note_next(Needs *needs, Error *reterr) {
        Plan *plan = needs->prepared->plan;
        Arena *arena = &plan->arena;
        const Host *host = needs->host;
        const ProfileConf *conf = NULL;
        const char *next = NULL;
        int r = kernels_conf_of(host, needs->prepared->new, arena, &conf, reterr);
        if (r < 0 || !conf || conf->kernel.n_extra_modules == 0)
                return r;
        next = conf->kernel.version;
        r = next ? 0 : kernel_next_version(host->root_fd, arena, &next, reterr);
        if (r < 0 || !next || brings_modules_for(needs->prepared->new, next))
                return r;
        const char *note = arena_printf(arena,
                        "ExtraModules= has no module for the kernel %s, which boots next", next);
        return note && plan_add_note(plan, &plan->units, note) >= 0 ? 0 : error_oom(reterr);
}

/* The modules that come to a kernel, and that nobody has for its initrd: name -> Entry *. */
static int find_coming(
                const Needs *needs, const KernelRule *rule, const char *version, Map *ret_coming) {
        const FitPlan *fit = needs->prepared->fit;
        for (size_t i = 0; i < fit->n_operations; i++) {
                const Entry *entry = fit->operations[i].entry;
                char file[MODULE_NAME_SIZE];
                int length = 0;
                const char *of = version_of(entry, &length);
                if (!of || strncmp(of, version, (size_t) length) != 0 || version[length] ||
                                tree_find(needs->prepared->old, ROOT_LIB, entry->path))
                        continue;
                kernel_module_of_file(entry->path, file);
                char *name = arena_strdup(&needs->prepared->arena, file);
                if (!name || (!kernel_initrd_names(rule, name) &&
                                             map_put(ret_coming, name, (void *) (uintptr_t) entry) <
                                                             0))
                        return -ENOMEM;
        }
        return 0;
}

static int note_hidden_of(
                Needs *needs, const KernelRule *rule, const char *version, Error *reterr) {
        Plan *plan = needs->prepared->plan;
        cleanup(map_donep) Map coming = { 0 };
        cleanup_strv Strv hidden = { 0 };
        if (find_coming(needs, rule, version, &coming) < 0)
                return error_oom(reterr);
        int r = module_tree_hidden(needs->host->root_fd, version, &coming, &hidden, reterr);
        for (size_t i = 0; r >= 0 && i < hidden.n_items; i++) {
                const char *note = arena_printf(&plan->arena,
                                "The initrd of %s may have the kernel's own %s, until it is made "
                                "anew",
                                version, hidden.items[i]);
                if (!note || plan_add_note(plan, &plan->units, note) < 0)
                        return error_oom(reterr);
        }
        return r;
}

/* Where the switch makes no initrds by itself. */
static int note_hidden(Needs *needs, const Strv *versions, Error *reterr) {
        const Prepared *prepared = needs->prepared;
        const ProfileConf *conf = NULL;
        bool are_made = prepared->initrds.are_made && !prepared->initrds.uki;
        int r = kernels_conf_of(needs->host, prepared->new, &prepared->plan->arena, &conf, reterr);
        if (r < 0 || !conf || are_made || prepared->distribution.initrd_maker == INITRD_NO_MAKER)
                return r;
        for (size_t i = 0; r >= 0 && i < versions->n_items; i++)
                r = note_hidden_of(needs, &conf->kernel, versions->items[i], reterr);
        return r;
}

static int find_tool(Needs *needs, const Strv *versions) {
        for (size_t i = 0; i < versions->n_items; i++)
                if (module_index_is_there(needs->host, versions->items[i]))
                        return process_finds("depmod")
                                               ? 0
                                               : add(needs, PROBLEM_PROGRAM, "depmod",
                                                                 "depmod, which makes the index of "
                                                                 "modules, is not there: install "
                                                                 "kmod");
        return 0;
}

static int find_place(Needs *needs) {
        const Host *host = needs->host;
        if (host->lib.fd >= 0)
                return 0;
        return add(needs, PROBLEM_IN_THE_WAY, host->lib.path,
                        arena_printf(&needs->prepared->arena,
                                        "%s is not there, and modules and firmware lie below it: "
                                        "make it, or take them out",
                                        host->lib.path));
}

int module_needs_find(const Host *host,
                Prepared *prepared,
                bool is_rollback,
                Problem **ret_problems,
                size_t *ret_n_problems,
                Error *reterr) {
        enum { N_OTHERS = 2 };
        Needs needs = { .host = host, .prepared = prepared };
        cleanup_strv Strv versions = { 0 };
        if (!lib_files_in(prepared->old) && !lib_files_in(prepared->new))
                return 0;
        needs.problems = arena_new(
                        &prepared->arena, Problem, prepared->fit->n_operations + N_OTHERS);
        if (!needs.problems || module_index_versions(prepared->fit, &versions) < 0 ||
                        find_place(&needs) < 0 || find_tool(&needs, &versions) < 0 ||
                        note_missing(&needs, &versions) < 0)
                return error_oom(reterr);
        int r = is_rollback ? 0 : find_faults(&needs, reterr);
        if (r >= 0)
                r = note_next(&needs, reterr);
        if (r >= 0)
                r = note_hidden(&needs, &versions, reterr);
        *ret_problems = needs.problems;
        *ret_n_problems = needs.n_problems;
        return r;
}

static bool is_mask(int root_fd, const char *path) {
        char target[sizeof("/dev/null")];
        return readlinkat(root_fd, path, target, sizeof(target)) == (ssize_t) strlen("/dev/null") &&
               memcmp(target, "/dev/null", strlen("/dev/null")) == 0;
}

/* Where what loads Modules= is masked: the link that says so, below /etc as it will be, or by hand
 * in /run; NULL: it is not. */
static const char *find_mask(const Host *host, const Tree *before, const Tree *after) {
        static const char path[] = "systemd/system/systemd-modules-load.service";
        static const char in_etc[] = "etc/systemd/system/systemd-modules-load.service";
        static const char in_run[] = "run/systemd/system/systemd-modules-load.service";
        const Entry *entry = tree_find(after, ROOT_ETC, path);
        bool is_left_alone = !entry && !tree_find(before, ROOT_ETC, path);
        bool is_declared = entry && entry->target && strcmp(entry->target, "/dev/null") == 0;
        if (is_declared || (is_left_alone && is_mask(host->root_fd, in_etc)))
                return in_etc;
        return !entry && is_mask(host->root_fd, in_run) ? in_run : NULL;
}

int module_needs_warn(Host *host, Prepared *prepared, const ProfileConf *conf, Error *reterr) {
        const EffectiveTrees *trees = &prepared->effective;
        const ProfileConf *old = NULL;
        int r = kernels_conf_of(host, prepared->old, &prepared->arena, &old, reterr);
        if (r < 0 || !conf || conf->kernel.n_modules == 0)
                return r;
        bool is_same = old && old->kernel.n_modules == conf->kernel.n_modules;
        for (size_t i = 0; is_same && i < conf->kernel.n_modules; i++)
                is_same = strcmp(old->kernel.modules[i].text, conf->kernel.modules[i].text) == 0;
        const char *mask = find_mask(host, trees->before, trees->after);
        if (is_same || !mask)
                return 0;
        const char *place =
                        profile_conf_place(&prepared->arena, conf, conf->kernel.modules[0].line);
        const char *warning =
                        place ? arena_printf(&prepared->arena,
                                                "%s: Modules= come to none: "
                                                "systemd-modules-load.service is masked (/%s)",
                                                place, mask)
                              : NULL;
        if (!warning)
                return error_oom(reterr);
        reference_warn(&prepared->target, warning);
        return 0;
}
