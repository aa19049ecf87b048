/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/comparison.h"

#include "diff/trigger.h"

#include <string.h>

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

static bool list_has(const char *const *list, const char *name) {
        for (; list && *list; list++)
                if (is(*list, name))
                        return true;
        return false;
}

bool subject_has_name(const Subject *subject, const char *name) {
        return is(subject->name, name) || (subject->state && list_has(subject->state->names, name));
}

/* Without a host: a oneshot that ends by itself is over, all else that is wanted is up. So is what
 * each host runs at its boot, whether the tree wants it or not. */
static bool is_on_by_itself(const Comparison *comparison, const Subject *subject) {
        if (!comparison->is_user && subject_is_distribution(subject, BEFORE) &&
                        !subject->disable[BEFORE] && trigger_runs_at_boot(subject->name))
                return true;
        const UnitText *text = &subject->units[BEFORE]->text;
        const char *type = unit_text_value(text, "Service", "Type");
        bool ends = type && is(type, "oneshot") &&
                    unit_text_boolean(text, "Service", "RemainAfterExit") != 1;
        return subject->wanted[BEFORE] && !ends;
}

bool subject_is_on(const Comparison *comparison, const Subject *subject) {
        if (comparison->input->everything_off)
                return false;
        return comparison->states ? unit_state_is_on(subject->state)
                                  : is_on_by_itself(comparison, subject);
}

bool subject_is_failed(const Comparison *comparison, const Subject *subject) {
        return !comparison->input->everything_off && unit_state_is_failed(subject->state);
}

bool subject_is_activating(const Comparison *comparison, const Subject *subject) {
        return subject_is_on(comparison, subject) && subject->state &&
               is(subject->state->active_state, "activating") &&
               !is(subject->state->sub_state, "auto-restart");
}

bool subject_has_sub_state(
                const Comparison *comparison, const Subject *subject, const char *sub_state) {
        if (!subject_is_on(comparison, subject))
                return false;
        return subject->state ? is(subject->state->sub_state, sub_state) : is(sub_state, "waiting");
}

bool subject_counts_as_on(const Comparison *comparison, const Subject *subject) {
        static const char *const never[] = { "rescue", "emergency", "sleep", "suspend", "hibernate",
                "hybrid-sleep", "suspend-then-hibernate", "shutdown", "reboot", "poweroff", "halt",
                "kexec", "soft-reboot", "exit", "umount", "final", "system-update" };
        if (subject_is_on(comparison, subject))
                return true;
        if (subject->type != UNIT_TARGET || subject->state ||
                        !subject_is_distribution(subject, AFTER) ||
                        comparison->input->everything_off || comparison->input->states_are_whole)
                return false;
        size_t length = strlen(subject->name) - strlen(".target");
        for (size_t i = 0; i < N_ELEMENTS(never); i++)
                if (strlen(never[i]) == length && memcmp(subject->name, never[i], length) == 0)
                        return false;
        return strncmp(subject->name, "initrd", 6) != 0;
}
