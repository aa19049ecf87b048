/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/module_tree.h"

#include "activate/in_root.h"
#include "diff/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

/* libkmod takes paths: these lead through descriptors, so that no link leads out of an image. */
#define PATH_OF_FD "/proc/self/fd/%d"

static const char *const config_directories[] = { "etc/modprobe.d", "run/modprobe.d",
        "usr/local/lib/modprobe.d", "lib/modprobe.d" };

struct ModuleTree {
        struct kmod_ctx *kmod;
        int fd;
        int config_fds[N_ELEMENTS(config_directories)]; /* -1: it has none */
};

static void log_nothing(void *data,
                int priority,
                const char *file,
                int line,
                const char *function,
                const char *format,
                va_list arguments) {
        (void) data, (void) priority, (void) file, (void) line, (void) function, (void) format,
                        (void) arguments; /* what counts is in the results */
}

ModuleTree *module_tree_free(ModuleTree *tree) {
        if (!tree)
                return NULL;
        (void) kmod_unref(tree->kmod); /* the last one */
        cleanup_fdp(&tree->fd);
        for (size_t i = 0; i < N_ELEMENTS(tree->config_fds); i++)
                cleanup_fdp(&tree->config_fds[i]);
        free(tree);
        return NULL;
}

static int open_kmod(ModuleTree *tree) {
        char directory[64], paths[N_ELEMENTS(config_directories)][64];
        const char *config[N_ELEMENTS(config_directories) + 1] = { 0 };
        size_t n = 0;
        for (size_t i = 0; i < N_ELEMENTS(config_directories); i++)
                if (tree->config_fds[i] >= 0) {
                        (void) snprintf(paths[i], sizeof(paths[i]), PATH_OF_FD,
                                        tree->config_fds[i]); /* fits, as below */
                        config[n++] = paths[i];
                }
        (void) snprintf(directory, sizeof(directory), PATH_OF_FD, tree->fd);
        tree->kmod = kmod_new(directory, config);
        if (!tree->kmod)
                return -ENOMEM;
        kmod_set_log_fn(tree->kmod, log_nothing, NULL);
        int r = kmod_load_resources(tree->kmod);
        return r < 0 ? r : 0;
}

int module_tree_open(int root_fd, const char *version, ModuleTree **ret_tree, Error *reterr) {
        char path[PATH_MAX];
        cleanup(module_tree_freep) ModuleTree *tree = calloc(1, sizeof(ModuleTree));
        if (!tree)
                return error_oom(reterr);
        tree->fd = -1;
        for (size_t i = 0; i < N_ELEMENTS(tree->config_fds); i++)
                tree->config_fds[i] = in_root_open(
                                root_fd, config_directories[i], O_RDONLY | O_DIRECTORY);
        (void) snprintf(path, sizeof(path), "lib/modules/%s", version); /* cut: not there */
        tree->fd = in_root_open(root_fd, path, O_RDONLY | O_DIRECTORY);
        int r = tree->fd < 0 ? tree->fd : open_kmod(tree);
        if (r < 0)
                return error_set_errno(reterr, r,
                                "/lib/modules/%s has no list of modules, which depmod makes",
                                version);
        *ret_tree = TAKE(tree);
        return 0;
}

/* Each line of a dump begins with a name. */
static int add_names(FILE *dump, Strv *ret_names) {
        cleanup_free char *line = NULL;
        size_t n_allocated = 0;
        int r = 0;
        while (r >= 0 && getline(&line, &n_allocated, dump) > 0) {
                const char *start = line + strspn(line, " ");
                size_t length = strcspn(start, ": \n");
                if (length > 0)
                        r = strv_add_n(ret_names, start, length);
        }
        return r;
}

int module_tree_names(ModuleTree *tree, Strv *ret_names, Error *reterr) {
        static const enum kmod_index indexes[] = { KMOD_INDEX_MODULES_DEP,
                KMOD_INDEX_MODULES_BUILTIN };
        cleanup_fd int fd = memfd_create("modules", MFD_CLOEXEC);
        int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
        cleanup_file FILE *dump = copy < 0 ? NULL : fdopen(copy, "r");
        if (!dump)
                return error_set_errno(reterr, -errno, "The list of modules");
        for (size_t i = 0; i < N_ELEMENTS(indexes); i++)
                (void) kmod_dump_index(
                                tree->kmod, indexes[i], fd); /* one that is not there: none */
        rewind(dump);
        return add_names(dump, ret_names) < 0 ? error_oom(reterr) : 0;
}

/* path: below the tree, as it was before it may have been compressed. */
static bool is_installed(int root_fd, const char *version, const char *path) {
        static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };
        for (size_t i = 0; i < N_ELEMENTS(suffixes); i++) {
                char whole[PATH_MAX];
                (void) snprintf(whole, sizeof(whole), "lib/modules/%s/%s%s", version, path,
                                suffixes[i]); /* cut: not there */
                cleanup_fd int fd = in_root_open(root_fd, whole, O_PATH);
                if (fd >= 0)
                        return true;
        }
        return false;
}

int module_tree_hidden(int root_fd,
                const char *version,
                const Map *names,
                Strv *ret_hidden,
                Error *reterr) {
        enum { ORDER_MAX_BYTES = 16 << 20 };
        char path[PATH_MAX], name[MODULE_NAME_SIZE];
        cleanup_free char *order = NULL;
        size_t size = 0;
        if (names->n_items == 0)
                return 0;
        (void) snprintf(path, sizeof(path), "lib/modules/%s/modules.order", version); /* likewise */
        int r = in_root_read(root_fd, path, ORDER_MAX_BYTES, &order, &size);
        if (r < 0)
                return r == -ENOENT ? 0 : error_set_errno(reterr, r, "/%s", path);
        char *rest = order;
        for (const char *line; r >= 0 && (line = strsep(&rest, "\n"));) {
                kernel_module_of_file(line, name);
                if (*name && map_get(names, name) && is_installed(root_fd, version, line))
                        r = strv_add_unique(ret_hidden, name);
        }
        return r < 0 ? error_oom(reterr) : 0;
}

void module_closure_done(ModuleClosure *closure) {
        map_done(&closure->by_name);
        free(closure->modules);
        *closure = (ModuleClosure){ 0 };
}

/* Of libkmod only a list tells. */
static int is_builtin(ModuleTree *tree, const char *name, bool *ret_is_builtin) {
        struct kmod_list *one = NULL, *others = NULL;
        int r = kmod_module_new_from_lookup(tree->kmod, name, &one);
        if (r >= 0 && one)
                r = kmod_module_apply_filter(tree->kmod, KMOD_FILTER_BUILTIN, one, &others);
        *ret_is_builtin = one && !others;
        kmod_module_unref_list(one);
        kmod_module_unref_list(others);
        return r < 0 ? r : 0;
}

static int add_module(ModuleClosure *closure, const Module *module) {
        if (closure->n_modules == closure->n_allocated) {
                size_t n = closure->n_allocated * 2 + 32;
                Module **grown = reallocarray(closure->modules, n, sizeof(*grown));
                if (!grown)
                        return -ENOMEM;
                closure->modules = grown;
                closure->n_allocated = n;
        }
        Module *added = arena_memdup(closure->arena, module, sizeof(*module));
        if (!added || !(added->name = arena_strdup(closure->arena, module->name)) ||
                        is_builtin(closure->tree, added->name, &added->is_builtin) < 0)
                return -ENOMEM;
        closure->modules[closure->n_modules++] = added;
        return map_put(&closure->by_name, added->name, added);
}

/* Of several needs the strongest counts. */
static int note_module(ModuleClosure *closure, const Module *module) {
        Module *known = map_get(&closure->by_name, module->name);
        if (!known)
                return add_module(closure, module);
        if (module->need < known->need) {
                known->need = module->need;
                known->by = module->by;
        }
        return 0;
}

/* Releases the list. */
static int note_list(
                ModuleClosure *closure, struct kmod_list *list, ModuleNeed need, const char *by) {
        struct kmod_list *entry;
        int r = 0;
        kmod_list_foreach(entry, list) {
                struct kmod_module *module = kmod_module_get_module(entry);
                Module found = { .name = kmod_module_get_name(module), .need = need, .by = by };
                if (need == MODULE_NAMED && kernel_same_module(by, found.name))
                        found.by = NULL;
                if (r >= 0)
                        r = note_module(closure, &found);
                (void) kmod_module_unref(module); /* the list has it, too */
        }
        kmod_module_unref_list(list);
        return r;
}

static int note_needed(ModuleClosure *closure, const char *name) {
        struct kmod_module *module = NULL;
        struct kmod_list *before = NULL, *after = NULL;
        int r = kmod_module_new_from_name(closure->tree->kmod, name, &module);
        if (r < 0)
                return r;
        r = note_list(closure, kmod_module_get_dependencies(module), MODULE_HARD, name);
        if (r >= 0)
                r = kmod_module_get_softdeps(module, &before, &after);
        int noted = note_list(closure, before, MODULE_SOFT_BEFORE, name);
        int last = note_list(closure, after, MODULE_SOFT_AFTER, name);
        (void) kmod_module_unref(module); /* ours */
        return r < 0 ? r : noted < 0 ? noted : last;
}

int module_closure_add(ModuleClosure *closure, const char *name) {
        struct kmod_list *list = NULL;
        size_t n_before = closure->n_modules;
        const char *alias = arena_strdup(closure->arena, name);
        if (!alias)
                return -ENOMEM;
        int r = kmod_module_new_from_lookup(closure->tree->kmod, name, &list);
        if (r < 0)
                return r == -ENOMEM ? r : 0; /* no name of anything */
        if (!list)
                return 0;
        r = note_list(closure, list, MODULE_NAMED, alias);
        for (size_t i = n_before; r >= 0 && i < closure->n_modules; i++)
                r = note_needed(closure, closure->modules[i]->name);
        return r < 0 ? r : 1;
}
