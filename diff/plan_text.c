/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_text.h"

#include "diff/file_patch.h"
#include "diff/quote.h"

#include <string.h>

enum {
        VERB_WIDTH = 9,      /* of the longest, "restarted" */
        MAX_UNIT_WIDTH = 40, /* a longer name moves its own arrow only */
        N_SHOWN_FILES = 20,
        N_SHOWN_REASONS = 1, /* of the daemon-reload */
};

static const char bold[] = "\033[1m", green[] = "\033[32m", yellow[] = "\033[33m",
                  red[] = "\033[31m", grey[] = "\033[2m";

static const struct {
        const char *past, *present, *color;
} verbs[N_VERBS] = {
        [VERB_STOP] = { "stopped", "Stopping", red },
        [VERB_START] = { "started", "Starting", green },
        [VERB_RESTART] = { "restarted", "Restarting", yellow },
        [VERB_RELOAD] = { "reloaded", "Reloading", yellow },
        [VERB_SKIP] = { "skipped", "Skipping", grey },
};

const char *verb_past(Verb verb) {
        return verbs[verb].past;
}

const char *verb_present(Verb verb) {
        return verbs[verb].present;
}

typedef struct Writer {
        const PlanTextOptions *options;
        Text *text;
        size_t unit_width; /* of the names in this plan */
} Writer;

static void add_colored(const Writer *writer, const char *color, const char *part) {
        text_add(writer->text, writer->options->color ? color : "");
        text_add(writer->text, part);
        text_add(writer->text, writer->options->color ? "\033[m" : "");
}

static void add_heading(const Writer *writer, const char *heading) {
        add_colored(writer, bold, heading);
        text_add(writer->text, "\n");
}

static void add_padding(const Writer *writer, size_t used, size_t width) {
        for (; used < width; used++)
                text_add_n(writer->text, " ", 1);
}

static void add_arrow(const Writer *writer) {
        text_add(writer->text, writer->options->ascii ? " <- " : " ← ");
}

static void add_reasons(const Writer *writer, const char *const *reasons, size_t n_reasons) {
        for (size_t i = 0; i < n_reasons; i++) {
                add_arrow(writer);
                text_add_line(writer->text, reasons[i]);
        }
}

static void add_more(const Writer *writer, size_t n_left) {
        text_addf(writer->text, "  %s and %zu more (-v lists them)\n",
                        writer->options->ascii ? "..." : "…", n_left);
}

static void add_path(const Writer *writer, EntryRoot root, const char *path) {
        text_add_name(writer->text, entry_root_prefix(root), path);
}

static void add_counts(const Writer *writer, const Plan *plan) {
        static const struct {
                FileChange change;
                const char *name;
        } kinds[] = { { FILE_CHANGED, "changed" }, { FILE_ADDED, "added" },
                { FILE_REMOVED, "removed" } };
        add_colored(writer, bold, "Files:");
        const char *separator = "  ";
        for (size_t kind = 0; kind < N_ELEMENTS(kinds); kind++) {
                size_t n = 0;
                for (size_t i = 0; i < plan->n_files; i++)
                        n += file_change_of(&plan->files[i]) == kinds[kind].change;
                if (n == 0)
                        continue;
                text_addf(writer->text, "%s%zu %s", separator, n, kinds[kind].name);
                separator = ", ";
        }
        text_add(writer->text, "\n");
}

static void add_files(const Writer *writer, const Plan *plan) {
        static const char *const colors[] = {
                [FILE_ADDED] = green, [FILE_REMOVED] = red, [FILE_CHANGED] = yellow
        };
        size_t n_changes = 0;
        for (size_t i = 0; i < plan->n_files; i++)
                n_changes += file_change_of(&plan->files[i]) != FILE_SAME;
        if (n_changes == 0)
                return;
        add_counts(writer, plan);
        size_t n_shown = 0, n_most = writer->options->verbose ? SIZE_MAX : N_SHOWN_FILES;
        for (size_t i = 0; i < plan->n_files && n_shown < n_most; i++) {
                const TreeChange *change = &plan->files[i];
                FileChange kind = file_change_of(change);
                if (kind == FILE_SAME)
                        continue;
                const Entry *entry = kind == FILE_REMOVED ? change->before : change->after;
                char letter[2] = { file_change_letter(kind), 0 };
                text_add(writer->text, "  ");
                add_colored(writer, colors[kind], letter);
                text_add(writer->text, " ");
                add_path(writer, entry->root, entry->path);
                text_add(writer->text, "\n");
                n_shown++;
        }
        if (n_shown < n_changes)
                add_more(writer, n_changes - n_shown);
}

bool fit_operation_displaces(const FitOperation *operation) {
        return (operation->keep_displaced || operation->renews_displaced) &&
               (operation->verb == FIT_EXCHANGE || operation->verb == FIT_REMOVE);
}

static void add_kept(const Writer *writer, const char *heading, bool displaced) {
        const FitPlan *fit = writer->options->fit;
        bool headed = false;
        for (size_t i = 0; fit && i < fit->n_operations; i++) {
                const FitOperation *operation = &fit->operations[i];
                if (!(displaced ? fit_operation_displaces(operation) : operation->keep_saved))
                        continue;
                if (!headed)
                        add_heading(writer, heading);
                headed = true;
                text_add(writer->text, "  ");
                add_path(writer, operation->root, operation->path);
                text_add(writer->text, "\n");
        }
}

static void add_conflicts(const Writer *writer) {
        const FitPlan *fit = writer->options->fit;
        if (!fit || fit->n_conflicts == 0)
                return;
        add_heading(writer, "In the way:");
        for (size_t i = 0; i < fit->n_conflicts; i++) {
                const FitConflict *conflict = &fit->conflicts[i];
                text_add(writer->text, "  ");
                add_path(writer, conflict->root, conflict->path);
                text_addf(writer->text, " %s\n", conflict->what);
        }
}

static void add_verb_named(const Writer *writer, Verb verb, const char *name) {
        text_add(writer->text, "  ");
        add_colored(writer, verbs[verb].color, name);
        add_padding(writer, strlen(name), VERB_WIDTH);
}

static void add_verb(const Writer *writer, Verb verb) {
        add_verb_named(writer, verb, verb_to_string(verb));
}

static void add_action(const Writer *writer, const UnitAction *action) {
        add_verb(writer, action->verb);
        text_add(writer->text, action->unit);
        if (action->n_reasons > 0)
                add_padding(writer, strlen(action->unit), writer->unit_width);
        add_reasons(writer, action->reasons, action->n_reasons);
        text_add(writer->text, "\n");
}

static void add_drags(
                const Writer *writer, const char *heading, const UnitDrag *drag, size_t n_drags) {
        if (n_drags == 0)
                return;
        add_heading(writer, heading);
        for (; n_drags > 0; drag++, n_drags--) {
                add_verb(writer, drag->verb);
                text_add(writer->text, drag->unit);
                add_padding(writer, strlen(drag->unit), writer->unit_width);
                add_arrow(writer);
                text_add_line(writer->text, drag->by);
                text_addf(writer->text, " (%s)\n", drag->via);
        }
}

static void widen(Writer *writer, const char *unit) {
        size_t length = strlen(unit);
        if (length > writer->unit_width && length <= MAX_UNIT_WIDTH)
                writer->unit_width = length;
}

static void add_daemon(const Writer *writer, const UnitPlan *units) {
        if (units->daemon == DAEMON_NONE)
                return;
        static const char *const steps[] = {
                [DAEMON_RELOAD] = "daemon-reload", [DAEMON_REEXEC] = "daemon-reexec"
        };
        bool cut = !writer->options->verbose && units->n_daemon_reasons > N_SHOWN_REASONS;
        add_colored(writer, bold, "systemd:");
        text_addf(writer->text, "  %s", steps[units->daemon]);
        for (size_t i = 0; i < (cut ? N_SHOWN_REASONS : units->n_daemon_reasons); i++) {
                if (i > 0) {
                        text_add(writer->text, "\n");
                        add_padding(writer, 0, strlen("systemd:  ") + strlen(steps[units->daemon]));
                }
                add_arrow(writer);
                text_add_line(writer->text, units->daemon_reasons[i]);
        }
        if (cut)
                text_addf(writer->text, " and %zu more", units->n_daemon_reasons - N_SHOWN_REASONS);
        text_add(writer->text, "\n");
}

static void add_units(Writer *writer, const char *heading, const UnitPlan *units) {
        size_t n_units = 0;
        writer->unit_width = 0;
        for (size_t i = 0; i < units->n_actions; i++)
                if (!units->actions[i].container) {
                        widen(writer, units->actions[i].unit);
                        n_units++;
                }
        for (size_t i = 0; i < units->n_dragged; i++)
                widen(writer, units->dragged[i].unit);
        for (size_t i = 0; i < units->n_triggered; i++)
                widen(writer, units->triggered[i].unit);
        if (n_units > 0)
                add_heading(writer, heading);
        for (size_t i = 0; i < units->n_actions; i++)
                if (!units->actions[i].container)
                        add_action(writer, &units->actions[i]);
        add_drags(writer, "Dragged along by systemd:", units->dragged, units->n_dragged);
        add_drags(writer, "Triggered by changed files:", units->triggered, units->n_triggered);
        add_daemon(writer, units);
        for (size_t i = 0; i < units->n_notes; i++) {
                add_colored(writer, yellow, "Note:");
                text_add(writer->text, " ");
                text_add_line(writer->text, units->notes[i]);
                text_add(writer->text, "\n");
        }
}

static void add_container(
                Writer *writer, const char *name, const char *const *reasons, size_t n_reasons) {
        text_add(writer->text, name);
        if (n_reasons > 0)
                add_padding(writer, strlen(name), writer->unit_width);
        add_reasons(writer, reasons, n_reasons);
        text_add(writer->text, "\n");
}

static void add_containers(Writer *writer, const Plan *plan) {
        const UnitPlan *units = &plan->units;
        bool headed = false;
        writer->unit_width = 0;
        for (size_t i = 0; i < units->n_actions; i++) {
                const UnitAction *action = &units->actions[i];
                if (!action->container)
                        continue;
                if (!headed)
                        add_heading(writer, "Containers:");
                headed = true;
                add_verb_named(writer, action->verb, container_verb_to_string(action->verb));
                add_container(writer, action->container, action->reasons, action->n_reasons);
        }
        if (units->n_sets > 0 && !headed)
                add_heading(writer, "Containers:");
        for (size_t i = 0; i < units->n_sets; i++) {
                add_verb_named(writer, VERB_RELOAD, "set");
                add_container(writer, units->sets[i].name, units->sets[i].reasons,
                                units->sets[i].n_reasons);
        }
        for (size_t i = 0; i < plan->n_containers; i++) {
                char heading[96];
                (void) snprintf(heading, sizeof(heading), "Units inside %s:",
                                plan->containers[i].name); /* fits: a name has 64 letters */
                add_units(writer, heading, &plan->containers[i].units);
        }
}

static void add_steps(const Writer *writer, const Plan *plan) {
        if (plan->run_sysusers || plan->run_tmpfiles) {
                add_colored(writer, bold, "Applied:");
                text_addf(writer->text, "  %s%s%s\n", plan->run_sysusers ? "sysusers.d" : "",
                                plan->run_sysusers && plan->run_tmpfiles ? ", " : "",
                                plan->run_tmpfiles ? "tmpfiles.d" : "");
        }
        if (plan->n_hooks == 0)
                return;
        add_colored(writer, bold, "Hooks:");
        for (size_t i = 0; i < plan->n_hooks; i++) {
                text_add(writer->text, i == 0 ? "  " : ", ");
                text_add_name(writer->text, "", plan->hooks[i]);
        }
        text_add(writer->text, "\n");
}

static void add_initrds(const Writer *writer, const Plan *plan) {
        if (plan->n_initrds > 0)
                add_heading(writer, "Initrds:");
        for (size_t i = 0; i < plan->n_initrds; i++) {
                const PlanInitrd *initrd = &plan->initrds[i];
                text_add(writer->text, "  made anew for ");
                text_add_line(writer->text, initrd->kernel);
                for (size_t j = 0; j < initrd->n_reasons; j++) {
                        text_add(writer->text, j == 0 ? ": " : ", ");
                        text_add_line(writer->text, initrd->reasons[j]);
                }
                text_add(writer->text, "\n");
        }
}

static void add_reboot(const Writer *writer, const Plan *plan) {
        if (plan->n_reboot_needed == 0)
                return;
        add_colored(writer, yellow,
                        plan->is_until_boot ? "Not tested, as it takes a reboot:"
                                            : "Reboot needed:");
        for (size_t i = 0; i < plan->n_reboot_needed; i++) {
                text_add(writer->text, i > 0 ? ", " : " ");
                text_add_line(writer->text, plan->reboot_needed[i]);
        }
        text_add(writer->text, "\n");
}

void plan_to_text(const Plan *plan, const PlanTextOptions *options, Text *text) {
        Writer writer = { .options = options, .text = text };
        add_files(&writer, plan);
        add_kept(&writer, "Put away, to come back when no longer managed:", true);
        add_kept(&writer, "Edited by hand, saved and replaced:", false);
        add_conflicts(&writer);
        add_steps(&writer, plan);
        add_units(&writer, "Units:", &plan->units);
        add_containers(&writer, plan);
        for (size_t i = 0; i < plan->n_users; i++) {
                char heading[64];
                (void) snprintf(heading, sizeof(heading), "Units of user %u:", plan->users[i].uid);
                add_units(&writer, heading, &plan->users[i].units);
        }
        add_initrds(&writer, plan);
        add_reboot(&writer, plan);
}
