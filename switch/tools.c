/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/tools.h"

#include "activate/apply.h"

#include <string.h>

static bool is_file_below(const Entry *entry, const char *directory) {
        return entry && entry->root == ROOT_ETC && entry->kind == ENTRY_FILE &&
               strncmp(entry->path, directory, strlen(directory)) == 0;
}

static void tell(const EngineOptions *options, const char *step) {
        if (options->step)
                options->step(options->userdata, step);
}

static const char *tool_root(const Host *host) {
        return host->is_image ? host->root : NULL;
}

int tools_make_users(Host *host, Prepared *prepared, const EngineOptions *options, Error *reterr) {
        const Plan *plan = prepared->plan;
        if (!plan->run_sysusers)
                return 0;
        cleanup_free SysusersFile *files = calloc(plan->n_files + 1, sizeof(SysusersFile));
        if (!files)
                return error_oom(reterr);
        size_t n_files = 0;
        for (size_t i = 0; i < plan->n_files; i++) {
                const Entry *after = plan->files[i].after;
                if (!is_file_below(after, "sysusers.d/"))
                        continue;
                int r = content_load(host->contents, after->content, reterr);
                if (r < 0)
                        return r;
                const char *path = arena_printf(&prepared->arena, "/etc/%s", after->path);
                if (!path)
                        return error_oom(reterr);
                files[n_files++] = (SysusersFile){ .path = path, .content = after->content };
        }
        if (n_files == 0)
                return 0;
        tell(options, "Making system users");
        return apply_sysusers(tool_root(host), files, n_files, options->timeout_usec, reterr);
}

static int add_tmpfiles(Strv *paths, const Entry *entry) {
        if (!is_file_below(entry, "tmpfiles.d/"))
                return 0;
        char path[4096];
        (void) snprintf(path, sizeof(path), "/etc/%s", entry->path); /* at most 1024 bytes */
        return strv_add_unique(paths, path);
}

int tools_apply_tmpfiles(
                Host *host, const Prepared *prepared, const EngineOptions *options, Error *reterr) {
        const Plan *plan = prepared->plan;
        cleanup_strv Strv paths = { 0 };
        int r = 0;
        for (size_t i = 0; r >= 0 && plan->run_tmpfiles && i < plan->n_files; i++)
                r = add_tmpfiles(&paths, plan->files[i].after);
        const Tree *tree = prepared->new;
        for (size_t i = 0; r >= 0 && prepared->owed_steps && i < tree->n_entries; i++)
                r = add_tmpfiles(&paths, &tree->entries[i]);
        if (r < 0)
                return error_oom(reterr);
        if (paths.n_items == 0)
                return 0;
        tell(options, "Applying tmpfiles.d");
        return apply_tmpfiles(tool_root(host), &paths, options->timeout_usec, reterr);
}
