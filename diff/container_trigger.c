/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A container is a service that is reloaded, in place, when what runs inside changed, and restarted
 * when a setting of its .nspawn file did, each of which nspawn reads at its start alone. */

#include "diff/container.h"
#include "diff/nspawn.h"
#include "diff/trigger.h"

#include <errno.h>
#include <string.h>

#define SUFFIX ".nspawn"

static int fire(Comparison *comparison,
                const char *name,
                size_t length,
                bool reload,
                TriggerReason reason,
                Error *reterr) {
        const char *unit = arena_printf(
                        comparison->arena, "container-%.*s.service", (int) length, name);
        Subject *subject = unit ? comparison_subject(comparison, AFTER, unit) : NULL;
        Trigger *trigger = subject ? trigger_of(comparison, subject) : NULL;
        if (!trigger || !reason.what || !reason.why)
                return error_oom(reterr);
        TriggerReason *noted = reload ? &trigger->reload : &trigger->restart;
        if (!noted->what)
                *noted = reason;
        return 0;
}

static int
settings_of(Comparison *comparison, const Entry *entry, const UnitFile **ret_file, Error *reterr) {
        *ret_file = NULL;
        return entry ? unit_file_of(comparison->input->contents, entry->content, entry->path,
                                       ret_file, reterr)
                     : 0;
}

static int look_at_settings(Comparison *comparison, const TreeChange *change, Error *reterr) {
        const UnitFile *files[N_SIDES] = { NULL, NULL };
        const Entry *entry = change->after ? change->after : change->before;
        int r = settings_of(comparison, change->before, &files[BEFORE], reterr);
        if (r >= 0)
                r = settings_of(comparison, change->after, &files[AFTER], reterr);
        if (r < 0)
                return r;
        const char *key = nspawn_changed_key(files[BEFORE], files[AFTER]);
        if (!key)
                return 0;
        Arena *arena = comparison->arena;
        const TriggerReason reason = { .what = arena_printf(arena, "%s= changed", key),
                .why = arena_printf(arena, "containers/%s", entry->path) };
        return fire(comparison, entry->path, strlen(entry->path) - strlen(SUFFIX), false, reason,
                        reterr);
}

/* OnChange=reboot. */
static bool container_is_rebooted(const Comparison *comparison, const char *path, size_t length) {
        char name[CONTAINER_NAME_SIZE];
        (void) snprintf(name, sizeof(name), "%.*s", (int) length, path); /* fits */
        const ContainerRule *rule = container_rule(comparison->pair->confs[AFTER], name);
        return rule && rule->on_change == ON_CHANGE_REBOOT;
}

static int look_inside(Comparison *comparison, const TreeChange *change, Error *reterr) {
        const Entry *entry = change->after ? change->after : change->before;
        const char *path = strchr(entry->path, '/');
        if (entry->kind == ENTRY_DIRECTORY && entry->implied)
                return 0; /* comes and goes with what is below it */
        size_t length = (size_t) (path - entry->path);
        Arena *arena = comparison->arena;
        bool is_rebooted = container_is_rebooted(comparison, entry->path, length);
        const TriggerReason reason = { .what = arena_printf(arena, "%s %s", path,
                                                       !change->before  ? "added"
                                                       : !change->after ? "removed"
                                                                        : "changed"),
                .why = is_rebooted ? "OnChange=reboot"
                                   : arena_printf(arena, "inside %.*s", (int) length,
                                                     entry->path) };
        return fire(comparison, entry->path, length, !is_rebooted, reason, reterr);
}

int container_trigger_find(Comparison *comparison, Error *reterr) {
        for (size_t i = 0; i < comparison->n_files; i++) {
                const TreeChange *change = &comparison->files[i];
                const Entry *entry = change->after ? change->after : change->before;
                if (entry->root != ROOT_CONTAINERS)
                        continue;
                int r = strchr(entry->path, '/') ? look_inside(comparison, change, reterr)
                                                 : look_at_settings(comparison, change, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}
