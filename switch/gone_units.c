/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/gone_units.h"

#include "activate/job_wait.h"
#include "diff/unit_name.h"
#include "state/debt.h"

#include <errno.h>
#include <string.h>

static const char unit_directory[] = "systemd/system/";

static bool has(const Tree *tree, const char *path) {
        const Entry *entry = tree_find(tree, ROOT_ETC, path);
        return entry && (entry->kind == ENTRY_FILE || entry->kind == ENTRY_LINK);
}

/* "NAME@*.TYPE" for a template. */
static int add_unit(const char *unit, Strv *names, Strv *patterns) {
        if (!unit_name_is_template(unit))
                return strv_add(names, unit);
        cleanup_free char *pattern = NULL;
        const char *at = strchr(unit, '@');
        if (asprintf(&pattern, "%.*s@*%s", (int) (at - unit), unit, at + 1) < 0)
                return -ENOMEM;
        return strv_add(patterns, pattern);
}

static int find_gone(const Tree *before, const Tree *after, Strv *names, Strv *patterns) {
        size_t length = strlen(unit_directory);
        size_t i = tree_lower_bound(before, ROOT_ETC, unit_directory);
        for (; i < before->n_entries; i++) {
                const Entry *entry = &before->entries[i];
                if (entry->root != ROOT_ETC || strncmp(entry->path, unit_directory, length) != 0)
                        break;
                const char *unit = entry->path + length;
                if (strchr(unit, '/') || !unit_name_is_valid(unit) || !has(before, entry->path) ||
                                has(after, entry->path))
                        continue;
                if (add_unit(unit, names, patterns) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static bool acts(const UnitPlan *plan, const char *unit) {
        for (size_t i = 0; plan && i < plan->n_actions; i++)
                if (strcmp(plan->actions[i].unit, unit) == 0)
                        return true;
        return false;
}

static int forget(Host *host, const UnitStates *states, const UnitPlan *plan, Error *reterr) {
        size_t position = 0;
        const UnitState *state;
        int n = 0;
        while ((state = map_next(&states->by_name, &position, NULL))) {
                bool is_gone = strcmp(state->load_state, "not-found") == 0;
                if (!is_gone || !unit_state_is_failed(state) || acts(plan, state->name))
                        continue;
                int r = job_wait_reset_failed(host->systemd, state->name);
                if (r < 0)
                        return error_set_errno(
                                        reterr, r, "%s: Cannot reset its failure", state->name);
                /* of a switch that was to be confirmed it stands still, and nothing tells the next
                 * plan that there is no such unit */
                r = debt_clear(host->database, host->profile_name, state->name, UINT32_MAX, reterr);
                if (r < 0)
                        return r;
                n++;
        }
        return n;
}

int gone_units_forget(Host *host,
                const Tree *before,
                const Tree *after,
                const UnitPlan *plan,
                Error *reterr) {
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        cleanup(unit_states_freep) UnitStates *states = unit_states_new(),
                                              *then = unit_states_new();
        if (!states || !then || find_gone(before, after, &names, &patterns) < 0)
                return error_oom(reterr);
        if (names.n_items + patterns.n_items == 0 || !host_has_units(host) ||
                        host->is_of_containers)
                return 0;
        int r = systemd_read_states(host->systemd, &names, &patterns, states, reterr);
        if (r >= 0)
                r = forget(host, states, plan, reterr);
        /* whoever asks next sees it: the answer comes after what was asked for before */
        return r <= 0 ? r : systemd_read_states(host->systemd, &names, &patterns, then, reterr);
}
