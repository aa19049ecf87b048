/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/loaded_modules.h"

#include "activate/kernel.h"
#include "base/text.h"
#include "diff/kernel.h"

#include <errno.h>
#include <string.h>

typedef struct Loaded {
        Host *host;
        Arena arena;
        const char *modules; /* /proc/modules; NULL: the kernel has none */
        char directory[256]; /* of the running kernel's, below /lib */
} Loaded;

static void loaded_donep(Loaded *loaded) {
        arena_done(&loaded->arena);
}

static int loaded_init(Loaded *loaded, Host *host, Error *reterr) {
        RunningKernel running;
        *loaded = (Loaded){ .host = host };
        if (host->is_image)
                return 0;
        int r = kernel_running(&loaded->arena, &running, reterr);
        if (r >= 0)
                r = kernel_loaded_modules(&loaded->arena, &loaded->modules, reterr);
        if (r >= 0)
                (void) snprintf(loaded->directory, sizeof(loaded->directory),
                                KERNEL_MODULE_TREES "%s" KERNEL_EXTRA_MODULES,
                                running.version); /* a name that is cut is no kernel's */
        return r;
}

/* The name of a module of the running kernel that is loaded; NULL: it is none. In the arena. */
static int name_of(Loaded *loaded, const Entry *entry, const char **ret_name) {
        *ret_name = NULL;
        if (!loaded->modules || !entry || entry->root != ROOT_LIB || entry->kind != ENTRY_FILE ||
                        strncmp(entry->path, loaded->directory, strlen(loaded->directory)) != 0)
                return 0;
        char name[MODULE_NAME_SIZE];
        kernel_module_of_file(entry->path, name);
        if (!kernel_module_is_loaded(loaded->modules, name))
                return 0;
        *ret_name = arena_strdup(&loaded->arena, name);
        return *ret_name ? 0 : -ENOMEM;
}

typedef enum Match { MATCH_UNKNOWN, MATCH_SAME, MATCH_OTHER } Match;

/* The id is a note, and the file has the very same bytes. */
static int compare(Loaded *loaded, const char *name, const Entry *entry, Error *reterr) {
        const void *note = NULL;
        size_t size = 0;
        const Content *content = entry->content;
        bool is_plain = strcmp(entry->path + strlen(entry->path) - strlen(".ko"), ".ko") == 0;
        int r = is_plain ? kernel_module_note(name, &loaded->arena, &note, &size, reterr) : 0;
        if (r < 0 || !note)
                return r < 0 ? r : MATCH_UNKNOWN;
        r = content_load(loaded->host->contents, entry->content, reterr);
        if (r < 0)
                return r;
        return memmem(content->data, content->size_bytes, note, size) ? MATCH_SAME : MATCH_OTHER;
}

int loaded_modules_find(Host *host, const Tree *tree, Strv *ret_names, Error *reterr) {
        cleanup(loaded_donep) Loaded loaded;
        int r = loaded_init(&loaded, host, reterr);
        for (size_t i = tree_lower_bound(tree, ROOT_LIB, loaded.directory);
                        r >= 0 && i < tree->n_entries; i++) {
                const char *name = NULL;
                if (name_of(&loaded, &tree->entries[i], &name) < 0)
                        return error_oom(reterr);
                r = name ? compare(&loaded, name, &tree->entries[i], reterr) : 0;
                if (r == MATCH_OTHER && strv_add_unique(ret_names, name) < 0)
                        return error_oom(reterr);
        }
        return r < 0 ? r : 0;
}

/* What goes leaves a module of the kernel's own, or none, in its place. */
static int is_outdated(Loaded *loaded, const char *name, const TreeChange *change, Error *reterr) {
        int r = compare(loaded, name, change->after ? change->after : change->before, reterr);
        if (r < 0)
                return r;
        return change->after ? r != MATCH_SAME : r != MATCH_OTHER;
}

int loaded_modules_reasons(Host *host,
                const TreeChange *changes,
                size_t n_changes,
                Strv *ret_reasons,
                Error *reterr) {
        cleanup(loaded_donep) Loaded loaded;
        int r = loaded_init(&loaded, host, reterr);
        for (size_t i = 0; r >= 0 && i < n_changes; i++) {
                const TreeChange *change = &changes[i];
                const char *name = NULL;
                if (name_of(&loaded, change->after ? change->after : change->before, &name) < 0)
                        return error_oom(reterr);
                r = name ? is_outdated(&loaded, name, change, reterr) : 0;
                if (r <= 0)
                        continue;
                const char *reason = arena_printf(&loaded.arena,
                                "the module %s is loaded, and its file %s", name,
                                change->after ? "becomes another one" : "goes");
                if (!reason || strv_add_unique(ret_reasons, reason) < 0)
                        return error_oom(reterr);
        }
        return r < 0 ? r : 0;
}
