/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The modules of an installed kernel, /lib/modules/VERSION as depmod left it, and the modprobe.d of
 * the same root. Names are as the kernel has them, with '_' for '-'. */

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/strv.h"

#include <stdbool.h>

typedef struct ModuleTree ModuleTree;

/* Returns 0; -ENOENT where depmod was never run for such a kernel. */
int module_tree_open(
                int root_fd, const char *version, ModuleTree **ret_tree, Error *reterr) must_check;
ModuleTree *module_tree_free(ModuleTree *tree);
DEFINE_CLEANUP(ModuleTree, module_tree_free);

/* All that it has, built-in ones too; in no order, more than once perhaps. */
int module_tree_names(ModuleTree *tree, Strv *ret_names, Error *reterr) must_check;

/* Of names (the keys) those that a kernel has a module of its own for, as it was installed:
 * whatever depmod prefers to it now. */
int module_tree_hidden(int root_fd,
                const char *version,
                const Map *names,
                Strv *ret_hidden,
                Error *reterr) must_check;

/* How a module came into a closure. */
typedef enum ModuleNeed {
        MODULE_NAMED,
        MODULE_HARD,        /* another one has its symbols from it */
        MODULE_SOFT_BEFORE, /* another one is better loaded after it … */
        MODULE_SOFT_AFTER,  /* … or before it */
} ModuleNeed;

typedef struct Module {
        const char *name;
        const char *by; /* the module that needs it, or the alias that names it; NULL: its own name
                         */
        ModuleNeed need;
        bool is_builtin; /* there always, and in no file */
} Module;

/* Modules with all that they need, and what that needs. */
typedef struct ModuleClosure {
        ModuleTree *tree; /* not owned */
        Arena *arena;     /* not owned; has the names */
        Map by_name;
        Module **modules; /* in the order in which they were found */
        size_t n_modules, n_allocated;
} ModuleClosure;

/* name: of a module, or an alias, which may stand for several. Returns 1, 0 when the tree has
 * nothing by that name, or -ENOMEM. */
int module_closure_add(ModuleClosure *closure, const char *name) must_check;
void module_closure_done(ModuleClosure *closure);
static inline void module_closure_donep(ModuleClosure *closure) {
        module_closure_done(closure);
}
