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

/* What happened to a file is one thing for all that act because of it. Of another reason, "a file
 * that it is known to read", each unit has its own: one node would join what has nothing to do with
 * each other. */
static bool is_shared(const char *reason) {
        return *reason == '/';
}

static void add_step(const Graph *graph, const UnitAction *action, const char *reason) {
        text_add(graph->text, "\"");
        add_bytes(graph, graph->owner);
        if (!is_shared(reason)) {
                add_bytes(graph, action->unit);
                text_add(graph->text, ": ");
        }
        add_bytes(graph, reason);
        text_add(graph->text, "\"");
}

static void add_step_label(const Graph *graph, const UnitAction *action, const char *reason) {
        if (is_shared(reason))
                return;
        text_add(graph->text, "\t");
        add_step(graph, action, reason);
        text_add(graph->text, " [label=\"");
        add_bytes(graph, reason);
        text_add(graph->text, "\"];\n");
}

/* The nth of an action's reasons on the way to the unit: first the file, where one is among them,
 * then what made it a reason. Without a file the last one is what all began with. */
static const char *nth_step(const UnitAction *action, size_t nth) {
        size_t file = 0;
        while (file < action->n_reasons && !is_shared(action->reasons[file]))
                file++;
        if (file == action->n_reasons)
                return action->reasons[action->n_reasons - 1 - nth];
        return nth == 0 ? action->reasons[file] : action->reasons[nth <= file ? nth - 1 : nth];
}

static void add_action(const Graph *graph, const UnitAction *action) {
        Text *text = graph->text;
        const char *name = action->container ? action->container : action->unit;
        char attributes[64];
        (void) snprintf(attributes, sizeof(attributes), "color=\"%s\"",
                        colors[action->verb]); /* fits */
        text_add(text, "\t");
        add_node(graph, name);
        text_addf(text, " [%s, xlabel=\"%s\"];\n", attributes,
                        action->container ? container_verb_to_string(action->verb)
                                          : verb_to_string(action->verb));
        for (size_t i = 0; i < action->n_reasons; i++)
                add_step_label(graph, action, action->reasons[i]);
        for (size_t i = 0; i < action->n_reasons; i++) {
                text_add(text, "\t");
                add_step(graph, action, nth_step(action, i));
                text_add(text, "->");
                if (i + 1 < action->n_reasons)
                        add_step(graph, action, nth_step(action, i + 1));
                else
                        add_node(graph, name);
                text_addf(text, " [%s];\n", attributes);
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
