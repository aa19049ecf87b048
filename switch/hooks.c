/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/hooks.h"

#include "activate/apply.h"
#include "base/text.h"

#include <errno.h>

/* An environment string holds 128 KiB at most (MAX_ARG_STRLEN): a longer list is left out, and that
 * is told. */
enum { LIST_MAX_BYTES = 120 * 1024 };

static int add_list(Strv *environment, const char *name, Text *list) {
        cleanup_free char *lines = NULL;
        size_t length = list->length;
        if (text_take(list, &lines) < 0)
                return -ENOMEM;
        cleanup_free char *variable = NULL;
        int r = length > LIST_MAX_BYTES ? asprintf(&variable, "%s_LEFT_OUT=1", name)
                                        : asprintf(&variable, "%s=%s", name, lines);
        return r < 0 ? -ENOMEM : strv_add(environment, variable);
}

static int add_changes(Strv *environment, const Plan *plan) {
        cleanup(text_donep) Text paths = { 0 }, units = { 0 };
        for (size_t i = 0; i < plan->n_files; i++) {
                const Entry *entry =
                                plan->files[i].after ? plan->files[i].after : plan->files[i].before;
                if (entry->root == ROOT_ETC && entry->kind != ENTRY_DIRECTORY)
                        text_addf(&paths, "/etc/%s\n", entry->path);
        }
        for (size_t i = 0; i < plan->units.n_actions; i++)
                text_addf(&units, "%s %s\n", verb_to_string(plan->units.actions[i].verb),
                                plan->units.actions[i].unit);
        int r = add_list(environment, "SYSSWITCH_PATHS", &paths);
        return r < 0 ? r : add_list(environment, "SYSSWITCH_UNITS", &units);
}

static int add_number(Strv *environment, const char *name, int64_t number) {
        char variable[64];
        (void) snprintf(variable, sizeof(variable), "%s=%lld", name,
                        (long long) number); /* fits: both are short */
        return strv_add(environment, variable);
}

static int make_environment(Host *host,
                const Prepared *prepared,
                const HookOptions *options,
                Strv *environment) {
        char variable[320];
        int r = strv_add(environment,
                        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        if (r >= 0)
                r = strv_add(environment, "LANG=C.UTF-8");
        (void) snprintf(variable, sizeof(variable), "SYSSWITCH_VERB=%s", options->verb); /* fits */
        if (r >= 0)
                r = strv_add(environment, variable);
        (void) snprintf(variable, sizeof(variable), "SYSSWITCH_PROFILE=%s",
                        host->profile_name); /* names are short */
        if (r >= 0)
                r = strv_add(environment, variable);
        if (r >= 0)
                r = add_number(environment, "SYSSWITCH_FROM", options->from_number);
        if (r >= 0)
                r = add_number(environment, "SYSSWITCH_TO", options->to_number);
        return r < 0 ? r : add_changes(environment, prepared->plan);
}

static int run_one(Host *host,
                const Entry *hook,
                const Strv *environment,
                const HookOptions *options,
                Error *reterr) {
        if (options->step) {
                char text[256];
                (void) snprintf(text, sizeof(text), "Running hook %s",
                                hook->path); /* cut: only told */
                options->step(options->userdata, text);
        }
        int r = content_load(host->contents, hook->content, reterr);
        if (r >= 0)
                r = apply_hook(hook, environment, options->timeout_usec, options->output,
                                options->userdata, reterr);
        if (r == -ETIMEDOUT)
                return error_set(reterr, r, "Hook %s ran into its deadline and was killed",
                                hook->path);
        if (r < 0)
                return error_prefix(reterr, "Hook %s", hook->path);
        return r == 0 ? 0
                      : error_set(reterr, -ECHILD, "Hook %s ended with status %d", hook->path, r);
}

int hooks_run(Host *host, const Prepared *prepared, const HookOptions *options, Error *reterr) {
        if (!host_has_units(host))
                return 0;
        cleanup_strv Strv environment = { 0 };
        int result = 0;
        for (size_t i = tree_lower_bound(prepared->new, ROOT_HOOKS, "");
                        i < prepared->new->n_entries &&
                        prepared->new->entries[i].root == ROOT_HOOKS;
                        i++) {
                const Entry *hook = &prepared->new->entries[i];
                if (hook->kind != ENTRY_FILE)
                        continue;
                if (environment.n_items == 0 &&
                                make_environment(host, prepared, options, &environment) < 0)
                        return error_oom(reterr);
                int r = run_one(host, hook, &environment, options, result < 0 ? NULL : reterr);
                if (result >= 0)
                        result = r;
        }
        return result;
}
