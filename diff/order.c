/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/order.h"

#include <errno.h>
#include <string.h>

/* A unit that takes part. */
typedef struct Node {
        Subject *subject;
        bool acts;               /* by the plan, not only dragged along */
        struct Node *root;       /* of its group, by union and find */
        const char *first_name;  /* of a root: of those that act, "" for none yet */
        struct NodeList *before; /* what comes before it */
        bool is_seen;
        unsigned group;
} Node;

typedef struct NodeList {
        Node *node;
        struct NodeList *next;
} NodeList;

typedef struct Order {
        Judge *judge;
        Map by_name;  /* -> Node * */
        Node **nodes; /* by name */
        size_t n_nodes;
        OrderedUnit *out;
        size_t n_out;
} Order;

static bool acts(const Judgement *judgement) {
        return judgement->stops || judgement->starts || judgement->restarts || judgement->reloads;
}

static int compare_nodes(const void *left, const void *right) {
        return strcmp((*(Node *const *) left)->subject->name,
                        (*(Node *const *) right)->subject->name);
}

static int add_nodes(Order *order) {
        const Judge *judge = order->judge;
        order->nodes = arena_new(judge->arena, Node *, judge->n_subjects + 1);
        order->out = arena_new(judge->arena, OrderedUnit, judge->n_subjects + 1);
        if (!order->nodes || !order->out)
                return -ENOMEM;
        for (size_t i = 0; i < judge->n_subjects; i++) {
                const Judgement *judgement = judge->subjects[i]->judgement;
                bool is_dragged = judgement->is_dragged_restart || judgement->is_dragged_start ||
                                  judgement->is_dragged_stop;
                if (!acts(judgement) && !is_dragged)
                        continue;
                Node *node = arena_new(judge->arena, Node, 1);
                if (!node || map_put(&order->by_name, judge->subjects[i]->name, node) < 0)
                        return -ENOMEM;
                *node = (Node){
                        .subject = judge->subjects[i], .acts = acts(judgement), .root = node
                };
                order->nodes[order->n_nodes++] = node;
        }
        if (order->n_nodes > 1)
                qsort(order->nodes, order->n_nodes, sizeof(Node *), compare_nodes);
        return 0;
}

static Node *root_of(Node *node) {
        while (node->root != node) {
                node->root = node->root->root;
                node = node->root;
        }
        return node;
}

/* first comes before second; NULL, or not one of ours: nothing. */
static int relate(Order *order, Node *first, Node *second) {
        if (!first || !second || first == second)
                return 0;
        root_of(first)->root = root_of(second);
        NodeList *item = arena_new(order->judge->arena, NodeList, 1);
        if (!item)
                return -ENOMEM;
        *item = (NodeList){ .node = first, .next = second->before };
        second->before = item;
        return 0;
}

static Node *node_of(const Order *order, Side side, const char *name) {
        const char *real = unit_set_real_name(&order->judge->comparison->pair->sets[side], name);
        return real ? map_get(&order->by_name, real) : NULL;
}

static int relate_names(Order *order, Node *node, Side side, const UnitLine *line) {
        const char *value = unit_name_expand(order->judge->arena, node->subject->name, line->value),
                   *word = NULL;
        bool is_after = strcmp(line->key, "After") == 0;
        if (!value)
                return -ENOMEM;
        int r;
        while ((r = unit_value_next_name(order->judge->arena, &value, &word)) > 0) {
                Node *other = node_of(order, side, word);
                if (relate(order, is_after ? other : node, is_after ? node : other) < 0)
                        return -ENOMEM;
        }
        return r == -ENOMEM ? r : 0;
}

static int relate_by_text(Order *order, Node *node, Side side) {
        TextCursor cursor = { .text = &node->subject->units[side]->text };
        for (const UnitLine *line; (line = unit_text_next(&cursor));) {
                bool is_order = strcmp(line->key, "After") == 0 || strcmp(line->key, "Before") == 0;
                if (is_order && strcmp(line->section, "Unit") == 0 &&
                                relate_names(order, node, side, line) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* What a unit needs comes before it; what starts another one comes before that. */
static int relate_by_edges(Order *order, Node *node) {
        for (const Edge *edge = node->subject->out; edge; edge = edge->next_out) {
                Node *other = map_get(&order->by_name, edge->to->name);
                bool goes_first = edge->kind == RELATION_TRIGGERS;
                if (edge->kind != RELATION_ALSO && relate(order, goes_first ? node : other,
                                                                   goes_first ? other : node) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int relate_list(Order *order, Node *node, const char *const *names, bool is_after) {
        for (; names && *names; names++) {
                Node *other = map_get(&order->by_name, *names);
                if (relate(order, is_after ? other : node, is_after ? node : other) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int relate_by_state(Order *order, Node *node) {
        const UnitState *state = node->subject->state;
        if (!state)
                return 0;
        const char *const *const needs[] = { state->after, state->requires, state->requisite,
                state->binds_to, state->wants, state->upholds, state->part_of,
                state->triggered_by };
        for (size_t i = 0; i < N_ELEMENTS(needs); i++)
                if (relate_list(order, node, needs[i], true) < 0)
                        return -ENOMEM;
        return relate_list(order, node, state->before, false);
}

static int relate_all(Order *order) {
        for (size_t i = 0; i < order->n_nodes; i++) {
                Node *node = order->nodes[i];
                const Unit *const *units = node->subject->units;
                if (relate_by_text(order, node, AFTER) < 0 ||
                                (units[BEFORE] != units[AFTER] &&
                                                relate_by_text(order, node, BEFORE) < 0) ||
                                relate_by_edges(order, node) < 0 ||
                                relate_by_state(order, node) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Nodes are in the order of their names: the first that acts numbers its group. */
static void number_groups(Order *order) {
        unsigned n_groups = 0;
        for (size_t i = 0; i < order->n_nodes; i++) {
                Node *root = root_of(order->nodes[i]);
                if (order->nodes[i]->acts && !root->first_name) {
                        root->first_name = order->nodes[i]->subject->name;
                        root->group = n_groups++;
                }
        }
}

/* Depth first, what comes before a node before it; a circle is cut where it is met. An explicit
 * stack: chains of units may be long. */
static int list_from(Order *order, Node *node) {
        NodeList *stack = arena_new(order->judge->arena, NodeList, 1);
        if (!stack)
                return -ENOMEM;
        *stack = (NodeList){ .node = node };
        node->is_seen = true;
        while (stack) {
                Node *first = NULL;
                for (const NodeList *item = stack->node->before; item; item = item->next)
                        if (!item->node->is_seen &&
                                        (!first || strcmp(item->node->subject->name,
                                                                   first->subject->name) < 0))
                                first = item->node;
                if (!first) {
                        if (stack->node->acts)
                                order->out[order->n_out++] =
                                                (OrderedUnit){ .subject = stack->node->subject,
                                                        .group = root_of(stack->node)->group };
                        stack = stack->next;
                        continue;
                }
                first->is_seen = true;
                NodeList *top = arena_new(order->judge->arena, NodeList, 1);
                if (!top)
                        return -ENOMEM;
                *top = (NodeList){ .node = first, .next = stack };
                stack = top;
        }
        return 0;
}

static int list_all(Order *order) {
        for (size_t i = 0; i < order->n_nodes; i++)
                if (!order->nodes[i]->is_seen && list_from(order, order->nodes[i]) < 0)
                        return -ENOMEM;
        return 0;
}

int order_units(Judge *judge, OrderedUnit **ret_units, size_t *ret_n_units) {
        Order order = { .judge = judge };
        int r = add_nodes(&order);
        if (r == 0)
                r = relate_all(&order);
        if (r == 0) {
                number_groups(&order);
                r = list_all(&order);
        }
        map_done(&order.by_name);
        *ret_units = order.out;
        *ret_n_units = order.n_out;
        return r;
}
