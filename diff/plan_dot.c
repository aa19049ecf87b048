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

/* owner: "", or whose manager it is that has the names: "web:" of a container, "1000:" of a user.
 * The same name means another unit there. */
typedef struct Graph {
        Text *text;
        const char *owner;
} Graph;

static void add_bytes(const Graph *graph, const char *part) {
        for (; *part; part++) {
                text_add(graph->text, *part == '"' || *part == '\\' ? "\\" : "");
                text_add_n(graph->text, (unsigned char) *part < ' ' ? " " : part, 1);
        }
}

/* A string of the language: only the quote is special in it, and a backslash begins an escape. */
static void add_node(const Graph *graph, const char *name) {
        text_add(graph->text, "\"");
        add_bytes(graph, graph->owner);
        add_bytes(graph, name);
        text_add(graph->text, "\"");
}

static void add_edge(const Graph *graph, const char *from, const char *to, const char *attributes) {
        text_add(graph->text, "\t");
        add_node(graph, from);
        text_add(graph->text, "->");
        add_node(graph, to);
        text_addf(graph->text, " [%s", attributes);
}

/* A chain has the nearest reason first: the arrows lead from its end to the unit. */
static void add_action(const Graph *graph, const UnitAction *action) {
        const char *to = action->container ? action->container : action->unit;
        char attributes[64];
        (void) snprintf(attributes, sizeof(attributes), "color=\"%s\"",
                        colors[action->verb]); /* fits */
        text_add(graph->text, "\t");
        add_node(graph, to);
        text_addf(graph->text, " [%s, xlabel=\"%s\"];\n", attributes,
                        action->container ? container_verb_to_string(action->verb)
                                          : verb_to_string(action->verb));
        for (size_t i = 0; i < action->n_reasons; i++) {
                add_edge(graph, action->reasons[i], to, attributes);
                text_add(graph->text, "];\n");
                to = action->reasons[i];
        }
}

static void add_drags(const Graph *graph, const UnitDrag *drags, size_t n_drags) {
        for (const UnitDrag *drag = drags; drag < drags + n_drags; drag++) {
                char attributes[64];
                (void) snprintf(attributes, sizeof(attributes), "style=\"dashed\", color=\"%s\"",
                                colors[drag->verb]); /* fits */
                add_edge(graph, drag->by, drag->unit, attributes);
                text_add(graph->text, ", label=\"");
                add_bytes(graph, drag->via);
                text_add(graph->text, "\"];\n");
        }
}

static void add_units(const Graph *graph, const UnitPlan *units) {
        for (size_t i = 0; i < units->n_actions; i++)
                add_action(graph, &units->actions[i]);
        add_drags(graph, units->dragged, units->n_dragged);
        add_drags(graph, units->triggered, units->n_triggered);
}

static void add_cluster(Text *text, const char *kind, const char *name, const UnitPlan *units) {
        char owner[80];
        (void) snprintf(owner, sizeof(owner), "%s:", name); /* fits: a name has 64 letters */
        text_addf(text, "\tsubgraph \"cluster_%s_%s\" {\n\tlabel=\"%s %s\";\n", kind, name, kind,
                        name);
        add_units(&(Graph){ .text = text, .owner = owner }, units);
        text_add(text, "\t}\n");
}

void plan_to_dot(const Plan *plan, Text *text) {
        text_add(text, "digraph sysswitch {\n\trankdir=LR;\n\tnode [shape=box];\n");
        add_units(&(Graph){ .text = text, .owner = "" }, &plan->units);
        for (size_t i = 0; i < plan->n_containers; i++)
                add_cluster(text, "container", plan->containers[i].name,
                                &plan->containers[i].units);
        for (size_t i = 0; i < plan->n_users; i++) {
                char uid[16];
                (void) snprintf(uid, sizeof(uid), "%u", plan->users[i].uid); /* fits */
                add_cluster(text, "user", uid, &plan->users[i].units);
        }
        text_add(text, "}\n");
}
