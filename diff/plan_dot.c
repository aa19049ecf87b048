/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_dot.h"

#include <string.h>

static const char *const colors[N_VERBS] = {
        [VERB_STOP] = "red",
        [VERB_START] = "darkgreen",
        [VERB_RESTART] = "orange",
        [VERB_RELOAD] = "blue",
        [VERB_SKIP] = "grey",
};

/* A string of the language: only the quote is special in it, and a backslash begins an escape. */
static void add_string(Text *text, const char *part) {
        text_add(text, "\"");
        for (; *part; part++) {
                text_add(text, *part == '"' || *part == '\\' ? "\\" : "");
                text_add_n(text, (unsigned char) *part < ' ' ? " " : part, 1);
        }
        text_add(text, "\"");
}

static void add_edge(Text *text, const char *from, const char *to, const char *attributes) {
        text_add(text, "\t");
        add_string(text, from);
        text_add(text, "->");
        add_string(text, to);
        text_addf(text, " [%s];\n", attributes);
}

/* A chain has the nearest reason first: the arrows lead from its end to the unit. */
static void add_action(Text *text, const UnitAction *action) {
        text_add(text, "\t");
        add_string(text, action->unit);
        text_addf(text, " [color=\"%s\", xlabel=\"%s\"];\n", colors[action->verb],
                        verb_to_string(action->verb));
        char attributes[64];
        (void) snprintf(attributes, sizeof(attributes), "color=\"%s\"",
                        colors[action->verb]); /* fits */
        const char *to = action->unit;
        for (size_t i = 0; i < action->n_reasons; i++) {
                add_edge(text, action->reasons[i], to, attributes);
                to = action->reasons[i];
        }
}

static void add_drags(Text *text, const UnitDrag *drags, size_t n_drags) {
        for (const UnitDrag *drag = drags; drag < drags + n_drags; drag++) {
                text_add(text, "\t");
                add_string(text, drag->by);
                text_add(text, "->");
                add_string(text, drag->unit);
                text_addf(text, " [style=\"dashed\", color=\"%s\", label=", colors[drag->verb]);
                add_string(text, drag->via);
                text_add(text, "];\n");
        }
}

static void add_units(Text *text, const UnitPlan *units) {
        for (size_t i = 0; i < units->n_actions; i++)
                add_action(text, &units->actions[i]);
        add_drags(text, units->dragged, units->n_dragged);
        add_drags(text, units->triggered, units->n_triggered);
}

void plan_to_dot(const Plan *plan, Text *text) {
        text_add(text, "digraph sysswitch {\n\trankdir=LR;\n\tnode [shape=box];\n");
        add_units(text, &plan->units);
        for (size_t i = 0; i < plan->n_users; i++) {
                text_addf(text, "\tsubgraph \"cluster_user_%u\" {\n\tlabel=\"user %u\";\n",
                                plan->users[i].uid, plan->users[i].uid);
                add_units(text, &plan->users[i].units);
                text_add(text, "\t}\n");
        }
        text_add(text, "}\n");
}
