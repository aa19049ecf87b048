/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/note.h"

#include <errno.h>
#include <string.h>

static int add(Judge *judge, Notes *notes, const char *item) {
        if (!item)
                return -ENOMEM;
        if (notes->n_items == notes->n_allocated) {
                size_t n = notes->n_allocated ? notes->n_allocated * 2 : 8;
                notes->items = arena_grow(
                                judge->arena, notes->items, notes->n_items, n, sizeof(char *));
                if (!notes->items)
                        return -ENOMEM;
                notes->n_allocated = n;
        }
        notes->items[notes->n_items++] = item;
        return 0;
}

/* Newly upheld by [Install] or a link, which systemd before 254 does not look at (rule R4). */
static int note_upheld(Judge *judge, Notes *notes, const Subject *subject) {
        if (!(subject->wanted[AFTER] & (WANTED_INSTALL | WANTED_LINK)))
                return 0;
        for (Edge *edge = subject->in; edge; edge = edge->next_in) {
                bool by_text = false;
                if (edge->kind != RELATION_UPHOLDS || edge->sides != 1u << AFTER)
                        continue;
                const char *const *values = NULL;
                size_t n_values = 0;
                if (unit_text_values(judge->arena, &edge->from->units[AFTER]->text, "Unit",
                                    "Upholds", &values, &n_values) < 0)
                        return -ENOMEM;
                for (size_t i = 0; i < n_values; i++)
                        by_text |= strstr(values[i], subject->name) != NULL;
                if (!by_text)
                        return add(judge, notes,
                                        arena_printf(judge->arena,
                                                        "%s: UpheldBy=%s and .upholds/ mean "
                                                        "something from systemd 254 on",
                                                        subject->name, edge->from->name));
        }
        return 0;
}

static int note_timer(Judge *judge, Notes *notes, const Subject *subject, bool daemon_reloads) {
        const Comparison *comparison = judge->comparison;
        const UnitText *text = &subject->units[AFTER]->text;
        bool starts = subject->judgement && subject->judgement->starts;
        bool goes_on = subject_is_on(comparison, subject) && !judge_goes_down(subject) && !starts;
        if (daemon_reloads && goes_on && unit_text_value(text, "Timer", "OnActiveSec"))
                return add(judge, notes,
                                arena_printf(judge->arena,
                                                "%s: a daemon-reload starts its OnActiveSec= anew",
                                                subject->name));
        if (starts && (unit_text_value(text, "Timer", "OnBootSec") ||
                                      unit_text_value(text, "Timer", "OnStartupSec")))
                return add(judge, notes,
                                arena_printf(judge->arena,
                                                "%s: fires as it starts, if OnBootSec= or "
                                                "OnStartupSec= is over",
                                                subject->name));
        return 0;
}

static int note_reload(Judge *judge, Notes *notes, const Subject *subject) {
        if (subject->units[BEFORE] == subject->units[AFTER])
                return 0;
        const char *type = unit_text_value(&subject->units[AFTER]->text, "Service", "Type");
        if (!type || strcmp(type, "notify-reload") != 0)
                return 0;
        return add(judge, notes,
                        arena_printf(judge->arena,
                                        "%s: Type=notify-reload is known from systemd 253 on",
                                        subject->name));
}

static int compare_strings(const void *left, const void *right) {
        return strcmp(*(const char *const *) left, *(const char *const *) right);
}

int note_find(Judge *judge, bool daemon_reloads, Notes *ret_notes) {
        const Comparison *comparison = judge->comparison;
        *ret_notes = (Notes){ 0 };
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                const Subject *subject = comparison->subjects[i];
                if (unit_name_is_template(subject->name) || comparison->input->everything_off)
                        continue;
                int r = note_upheld(judge, ret_notes, subject);
                if (r == 0 && subject->type == UNIT_TIMER)
                        r = note_timer(judge, ret_notes, subject, daemon_reloads);
                if (r == 0 && subject->type == UNIT_SERVICE)
                        r = note_reload(judge, ret_notes, subject);
                if (r < 0)
                        return r;
        }
        if (ret_notes->n_items > 1)
                qsort(ret_notes->items, ret_notes->n_items, sizeof(char *), compare_strings);
        return 0;
}
