/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which units each tree wants, and why (rule R4). */
#include "diff/comparison.h"
#include "diff/install.h"

#include <errno.h>
#include <string.h>

/* The units found to be wanted whose own dependencies are still to be followed. */
typedef struct Queue {
        Subject **subjects;
        size_t n;
} Queue;

static void want(Subject *subject, Side side, unsigned why, Queue *queue) {
        if (subject->units[side]->is_masked || unit_name_is_template(subject->name))
                return;
        if (!subject->wanted[side] && queue)
                queue->subjects[queue->n++] = subject;
        subject->wanted[side] |= why;
}

/* [Install] of the merged text. Where a text of the host has a quote without an end, what stands
 * before counts. */
static int read_install(Comparison *comparison, const Unit *unit, Install *install) {
        install->n_items = 0;
        install->default_instance = NULL;
        for (size_t i = 0; i < unit->text.n_parts; i++) {
                const TextPart *part = unit->text.parts[i];
                const UnitLine *bad = NULL;
                if (part->file && install_read(install, comparison->arena, part->file, part->path,
                                                  &bad) == -ENOMEM)
                        return -ENOMEM;
        }
        return 0;
}

static int add_install_edge(
                Comparison *comparison, Subject *subject, Side side, const InstallItem *item) {
        static const int kinds[N_INSTALL_KEYS] = {
                [INSTALL_WANTED_BY] = RELATION_WANTS,
                [INSTALL_REQUIRED_BY] = RELATION_REQUIRES,
                [INSTALL_UPHELD_BY] = RELATION_UPHOLDS,
                [INSTALL_ALSO] = RELATION_ALSO,
                [INSTALL_ALIAS] = -1,
                [INSTALL_DEFAULT_INSTANCE] = -1,
        };
        const char *name = unit_name_expand(comparison->arena, subject->name, item->word);
        if (!name)
                return -ENOMEM;
        if (kinds[item->key] < 0 || !unit_name_is_valid(name))
                return 0;
        Subject *other = comparison_subject(comparison, side, name);
        if (!other)
                return -ENOMEM;
        bool is_also = item->key == INSTALL_ALSO;
        return comparison_add_edge(comparison, is_also ? subject : other, is_also ? other : subject,
                        (RelationKind) kinds[item->key], 1u << side);
}

/* Does [Install] of this unit count: it has a file of its own, or Enable= names it. */
static bool is_installable(const Subject *subject, Side side) {
        return (subject->units[side]->has_own_file || subject->enable[side]) &&
               !subject->disable[side] && !unit_name_is_template(subject->name);
}

static int follow_install(
                Comparison *comparison, Subject *subject, Side side, const Install *install) {
        bool is_named = false;
        for (size_t i = 0; i < install->n_items; i++) {
                InstallKey key = install->items[i].key;
                is_named |= key == INSTALL_WANTED_BY || key == INSTALL_REQUIRED_BY ||
                            key == INSTALL_UPHELD_BY;
        }
        if (!is_named && !subject->enable[side])
                return 0;
        for (size_t i = 0; i < install->n_items; i++)
                if (add_install_edge(comparison, subject, side, &install->items[i]) < 0)
                        return -ENOMEM;
        if (is_named)
                want(subject, side, WANTED_INSTALL, NULL);
        for (const Edge *edge = subject->out; edge; edge = edge->next_out)
                if (edge->kind == RELATION_ALSO && edge->sides & 1u << side &&
                                subject_is_distribution(edge->to, side) && !edge->to->disable[side])
                        want(edge->to, side, WANTED_ALSO, NULL);
        return 0;
}

/* A template is wanted as its default instance. */
static int follow_template(Comparison *comparison,
                const Subject *template,
                Side side,
                const Install *install) {
        if (!install->default_instance || template->disable[side])
                return 0;
        const char *name = unit_name_with_instance(
                        comparison->arena, template->name, install->default_instance);
        Subject *instance = name && unit_name_is_valid(name)
                                            ? comparison_subject(comparison, side, name)
                                            : NULL;
        if (!instance || comparison_connect(comparison) < 0)
                return name && !unit_name_is_valid(name) ? 0 : -ENOMEM;
        instance->enable[side] |= template->enable[side];
        return instance->disable[side] ? 0 : follow_install(comparison, instance, side, install);
}

static int find_installed(Comparison *comparison) {
        Install install = { 0 };
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                Subject *subject = comparison->subjects[i];
                const Unit *read = NULL;
                for (Side side = 0; side < N_SIDES; side++) {
                        const Unit *unit = subject->units[side];
                        bool is_template =
                                        unit->has_own_file && unit_name_is_template(subject->name);
                        if (unit->text.n_parts == 0 ||
                                        (!is_template && !is_installable(subject, side)))
                                continue;
                        if (read != unit && read_install(comparison, unit, &install) < 0)
                                return -ENOMEM;
                        read = unit;
                        if (install.n_items == 0)
                                continue;
                        int r = is_template ? follow_template(comparison, subject, side, &install)
                                            : follow_install(comparison, subject, side, &install);
                        if (r < 0)
                                return r;
                }
        }
        return comparison_connect(comparison);
}

/* Links are there whatever they hang on; so are the lines of fstab. */
static int find_linked(Comparison *comparison, Side side) {
        const UnitSet *set = &comparison->sets[side];
        for (size_t i = 0; i < set->n_directories; i++)
                for (const UnitLink *link = set->directories[i]->links; link; link = link->next) {
                        if (!unit_name_is_valid(link->name))
                                continue;
                        Subject *subject = comparison_subject(comparison, side, link->name);
                        if (!subject)
                                return -ENOMEM;
                        want(subject, side, WANTED_LINK, NULL);
                }
        for (size_t i = 0; i < set->n_fragments; i++) {
                const FstabUnit *fstab = set->fragments[i]->fstab;
                if (!fstab || !fstab->wanted_by)
                        continue;
                Subject *subject = comparison_subject(comparison, side, fstab->name);
                Subject *target = comparison_subject(comparison, side, fstab->wanted_by);
                RelationKind kind = fstab->is_required ? RELATION_REQUIRES : RELATION_WANTS;
                if (!subject || !target ||
                                comparison_add_edge(comparison, target, subject, kind, 1u << side) <
                                                0)
                        return -ENOMEM;
                want(subject, side, WANTED_LINK, NULL);
        }
        return 0;
}

/* What a wanted unit needs is wanted. A target of the distribution that a running host is in wants
 * what drop-ins add to it. */
static void spread(Comparison *comparison, Side side, Queue *queue) {
        queue->n = 0;
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                Subject *subject = comparison->subjects[i];
                bool is_reached = subject->type == UNIT_TARGET &&
                                  subject->units[side]->text.n_parts > 0 &&
                                  subject_is_distribution(subject, side) &&
                                  subject_counts_as_on(comparison, subject);
                if (subject->wanted[side] || is_reached)
                        queue->subjects[queue->n++] = subject;
        }
        for (size_t i = 0; i < queue->n; i++)
                for (const Edge *edge = queue->subjects[i]->out; edge; edge = edge->next_out) {
                        bool is_queued = edge->to == queue->subjects[i];
                        if (!is_queued && edge->sides & 1u << side && 1 << edge->kind & KINDS_PULL)
                                want(edge->to, side, WANTED_DEPENDENCY, queue);
                }
}

int wanted_find(Comparison *comparison, Error *reterr) {
        if (find_installed(comparison) < 0)
                return error_oom(reterr);
        for (Side side = 0; side < N_SIDES; side++)
                if (find_linked(comparison, side) < 0)
                        return error_oom(reterr);
        if (comparison_connect(comparison) < 0)
                return error_oom(reterr);
        for (size_t i = 0; i < comparison->n_subjects; i++)
                for (Side side = 0; side < N_SIDES; side++)
                        if (comparison->subjects[i]->enable[side])
                                want(comparison->subjects[i], side, WANTED_ENABLE, NULL);
        Queue queue = { .subjects = arena_new(comparison->arena, Subject *,
                                        2 * comparison->n_subjects + 1) };
        if (!queue.subjects)
                return error_oom(reterr);
        for (Side side = 0; side < N_SIDES; side++)
                spread(comparison, side, &queue);
        return 0;
}
