/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_markdown.h"

#include "diff/file_patch.h"
#include "diff/plan_text.h"
#include "diff/quote.h"

#include <string.h>

/* GitHub takes 65536 characters a comment. Whoever wants the rest has the repository. */
enum { PATCHES_MAX_BYTES = 40000 };

/* What would be a mark of Markdown or HTML, or end a cell, means itself. */
static void add_escaped(Text *text, const char *part) {
        for (; *part; part++) {
                if (strchr("\\`*_[]|<>&#~$!", *part))
                        text_add(text, "\\");
                text_add_n(text, (unsigned char) *part < ' ' ? " " : part, 1);
        }
}

/* In a cell: what is between backquotes is as it is, but for the bar. */
static void add_code(Text *text, const char *name) {
        if (strpbrk(name, "`\\")) { /* a backslash before a bar would be taken for ours */
                add_escaped(text, name);
                return;
        }
        text_add(text, "`");
        for (; *name; name++) {
                text_add(text, *name == '|' ? "\\" : "");
                text_add_n(text, (unsigned char) *name < ' ' ? " " : name, 1);
        }
        text_add(text, "`");
}

static void add_count(Text *text, size_t n, const char *what, const char **separator) {
        if (n == 0)
                return;
        text_addf(text, "%s%zu %s", *separator, n, what);
        *separator = ", ";
}

static size_t n_actions_of(const UnitPlan *units, Verb verb) {
        size_t n = 0;
        for (size_t i = 0; i < units->n_actions; i++)
                n += units->actions[i].verb == verb && !units->actions[i].container;
        return n;
}

/* What a container is to people is not the unit that runs it. */
static const char *name_of(const UnitAction *action) {
        return action->container ? action->container : action->unit;
}

static const char *verb_of(const UnitAction *action) {
        return action->container ? container_verb_to_string(action->verb)
                                 : verb_to_string(action->verb);
}

static void add_containers_count(Text *text, const Plan *plan) {
        const char *separator = "; containers: ";
        for (Verb verb = 0; verb < N_VERBS; verb++) {
                size_t n = 0;
                for (size_t i = 0; i < plan->units.n_actions; i++)
                        n += plan->units.actions[i].verb == verb &&
                             plan->units.actions[i].container;
                if (n > 0) {
                        text_addf(text, "%s%zu to %s", separator, n,
                                        container_verb_to_string(verb));
                        separator = ", ";
                }
        }
}

static void add_verbs(Text *text, const Plan *plan, const char **separator) {
        for (Verb verb = 0; verb < N_VERBS; verb++) {
                size_t n = n_actions_of(&plan->units, verb);
                for (size_t i = 0; i < plan->n_users; i++)
                        n += n_actions_of(&plan->users[i].units, verb);
                add_count(text, n, verb_past(verb), separator);
        }
}

static size_t n_changed_files(const Plan *plan) {
        size_t n = 0;
        for (size_t i = 0; i < plan->n_files; i++)
                n += file_change_of(&plan->files[i]) != FILE_SAME;
        return n;
}

static void add_html(Text *text, const char *part) {
        for (; *part; part++)
                switch (*part) {
                case '<':
                        text_add(text, "&lt;");
                        break;
                case '&':
                        text_add(text, "&amp;");
                        break;
                default:
                        text_add_n(text, part, 1);
                }
}

/* "**2 files change; units: 1 reloaded, 2 started.**" */
static void add_summary(Text *text, const Plan *plan) {
        size_t n_files = n_changed_files(plan);
        text_addf(text, "**%zu file%s change%s; units: ", n_files, n_files == 1 ? "" : "s",
                        n_files == 1 ? "s" : "");
        const char *separator = "";
        add_verbs(text, plan, &separator);
        size_t n_along = plan->units.n_dragged + plan->units.n_triggered;
        add_count(text, n_along, "more brought along", &separator);
        text_add(text, *separator ? "" : "none acts");
        add_containers_count(text, plan);
        text_addf(text, "%s.**\n\n",
                        plan->n_reboot_needed > 0 && !plan->is_until_boot ? "; a reboot is needed"
                                                                          : "");
}

static void add_row(Text *text,
                const char *verb,
                const char *unit,
                const char *const *reasons,
                size_t n_reasons) {
        text_addf(text, "| %s | ", verb);
        add_code(text, unit);
        text_add(text, " | ");
        for (size_t i = 0; i < n_reasons; i++) {
                text_add(text, i > 0 ? " ← " : "");
                add_escaped(text, reasons[i]);
        }
        text_add(text, " |\n");
}

static void add_drags(Text *text, const char *how, const UnitDrag *drags, size_t n_drags) {
        for (const UnitDrag *drag = drags; drag < drags + n_drags; drag++) {
                const char *const reasons[] = { drag->by, drag->via };
                char verb[64];
                (void) snprintf(verb, sizeof(verb), "%s (%s)", verb_to_string(drag->verb),
                                how); /* fits */
                add_row(text, verb, drag->unit, reasons, N_ELEMENTS(reasons));
        }
}

static void add_units(Text *text, const char *manager, const UnitPlan *units) {
        if (units->n_actions + units->n_sets + units->n_dragged + units->n_triggered > 0) {
                text_addf(text, "| action | %s | why |\n| --- | --- | --- |\n", manager);
                for (const UnitAction *action = units->actions;
                                action < units->actions + units->n_actions; action++)
                        add_row(text, verb_of(action), name_of(action), action->reasons,
                                        action->n_reasons);
                for (const ContainerSet *set = units->sets; set < units->sets + units->n_sets;
                                set++)
                        add_row(text, "set live", set->name, set->reasons, set->n_reasons);
                add_drags(text, "dragged along", units->dragged, units->n_dragged);
                add_drags(text, "triggered", units->triggered, units->n_triggered);
                text_add(text, "\n");
        }
        for (size_t i = 0; i < units->n_notes; i++) {
                text_add(text, "> **Note:** ");
                add_escaped(text, units->notes[i]);
                text_add(text, "\n\n");
        }
}

static void add_lines(Text *text, const char *heading, const char *const *lines, size_t n_lines) {
        if (n_lines == 0)
                return;
        text_addf(text, "**%s:**\n", heading);
        for (size_t i = 0; i < n_lines; i++) {
                text_add(text, "- ");
                add_escaped(text, lines[i]);
                text_add(text, "\n");
        }
        text_add(text, "\n");
}

static void add_initrds(Text *text, const Plan *plan) {
        if (plan->n_initrds == 0)
                return;
        text_add(text, "**Initrds made anew:**\n");
        for (size_t i = 0; i < plan->n_initrds; i++) {
                text_add(text, "- ");
                add_code(text, plan->initrds[i].kernel);
                for (size_t j = 0; j < plan->initrds[i].n_reasons; j++) {
                        text_add(text, j == 0 ? ": " : ", ");
                        add_escaped(text, plan->initrds[i].reasons[j]);
                }
                text_add(text, "\n");
        }
        text_add(text, "\n");
}

/* Longer than any run of backquotes in what it encloses. */
static void add_fence(Text *text, const char *body, const char *language) {
        size_t longest = 2, run = 0;
        for (; *body; body++) {
                run = *body == '`' ? run + 1 : 0;
                longest = run > longest ? run : longest;
        }
        for (size_t i = 0; i <= longest; i++)
                text_add(text, "`");
        text_addf(text, "%s\n", language);
}

static int add_patch(Text *text, Contents *contents, const TreeChange *change, Error *reterr) {
        cleanup(text_donep) Text patch = { 0 };
        cleanup_free char *body = NULL;
        int r = file_patch(contents, change, false, &patch, reterr);
        if (r < 0)
                return r;
        if (text_take(&patch, &body) < 0)
                return error_oom(reterr);
        FileChange kind = file_change_of(change);
        text_addf(text, "<details><summary>%s ",
                        kind == FILE_ADDED     ? "added"
                        : kind == FILE_REMOVED ? "removed"
                                               : "changed");
        const Entry *entry = change->after ? change->after : change->before;
        cleanup(text_donep) Text name = { 0 };
        text_add_name(&name, entry_root_prefix(entry->root), entry->path);
        if (name.error < 0)
                return error_oom(reterr);
        text_add(text, "<code>");
        add_html(text, name.data);
        text_add(text, "</code></summary>\n\n");
        add_fence(text, body, "diff");
        text_add(text, body);
        text_add(text, strlen(body) > 0 && body[strlen(body) - 1] != '\n' ? "\n" : "");
        add_fence(text, body, "");
        text_add(text, "\n</details>\n");
        return 0;
}

static int add_patches(const Plan *plan, Contents *contents, Text *text, Error *reterr) {
        size_t n_left = n_changed_files(plan), begin = text->length;
        for (size_t i = 0; i < plan->n_files; i++) {
                if (file_change_of(&plan->files[i]) == FILE_SAME)
                        continue;
                cleanup(text_donep) Text patch = { 0 };
                int r = add_patch(&patch, contents, &plan->files[i], reterr);
                if (r < 0)
                        return r;
                if (text->length - begin + patch.length > PATCHES_MAX_BYTES)
                        break;
                text_add(text, patch.data ? patch.data : "");
                n_left--;
        }
        if (n_left > 0)
                text_addf(text, "\n%zu more file%s: too long to show here.\n", n_left,
                                n_left == 1 ? "" : "s");
        return 0;
}

int plan_to_markdown(const Plan *plan,
                Contents *contents,
                const char *title,
                Text *text,
                Error *reterr) {
        text_add(text, "### ");
        add_escaped(text, title);
        text_add(text, "\n\n");
        if (plan_is_empty(plan) && plan->n_reboot_needed == 0)
                text_add(text, "**Nothing changes.**\n");
        else
                add_summary(text, plan);
        bool has_containers = plan->n_containers > 0 || plan->units.n_sets > 0;
        for (size_t i = 0; i < plan->units.n_actions; i++)
                has_containers |= plan->units.actions[i].container != NULL;
        add_units(text, has_containers ? "unit or container" : "unit", &plan->units);
        for (size_t i = 0; i < plan->n_containers; i++) {
                char manager[96];
                (void) snprintf(manager, sizeof(manager), "unit inside %s",
                                plan->containers[i].name); /* fits: a name has 64 letters */
                add_units(text, manager, &plan->containers[i].units);
        }
        for (size_t i = 0; i < plan->n_users; i++) {
                char manager[64];
                (void) snprintf(manager, sizeof(manager), "unit of user %u",
                                plan->users[i].uid); /* fits */
                add_units(text, manager, &plan->users[i].units);
        }
        add_initrds(text, plan);
        add_lines(text, plan->is_until_boot ? "Not tested, as it takes a reboot" : "Reboot needed",
                        plan->reboot_needed, plan->n_reboot_needed);
        add_lines(text, "Hooks", plan->hooks, plan->n_hooks);
        int r = add_patches(plan, contents, text, reterr);
        return r < 0 ? r : text->error < 0 ? error_oom(reterr) : 0;
}
