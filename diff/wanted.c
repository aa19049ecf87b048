/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which units each tree wants, and why (rule R4). A rendered tree has its enablement as links;
 * [Install] is read for what no link says: Also= of what is not in the tree, and units that nothing
 * links. */
#include "diff/comparison.h"
#include "diff/install.h"
#include "diff/mention.h"

#include <errno.h>
#include <string.h>

static void want(Subject *subject, Side side, unsigned why) {
        if (!subject->units[side]->is_masked && !unit_name_is_template(subject->name))
                subject->wanted[side] |= why;
}

/* [Install] of the merged text. Where a text of the host has a quote without an end, what stands
 * before counts. */
static int read_install(Comparison *comparison, const Unit *unit, Install *install) {
        *install = (Install){ 0 };
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
        if (item->key != INSTALL_ALSO)
                return comparison_add_edge(comparison, other, subject,
                                (RelationKind) kinds[item->key], 1u << side);
        if (subject_is_distribution(other, side) && !other->disable[side])
                want(other, side, WANTED_ALSO);
        return comparison_add_edge(comparison, subject, other, RELATION_ALSO, 1u << side);
}

static int follow_install(
                Comparison *comparison, Subject *subject, Side side, const Install *install) {
        bool is_named = false;
        for (size_t i = 0; i < install->n_items; i++) {
                InstallKey key = install->items[i].key;
                is_named |= key == INSTALL_WANTED_BY || key == INSTALL_REQUIRED_BY ||
                            key == INSTALL_UPHELD_BY;
        }
        if (is_named)
                want(subject, side, WANTED_INSTALL);
        for (size_t i = 0; subject->wanted[side] && i < install->n_items; i++)
                if (add_install_edge(comparison, subject, side, &install->items[i]) < 0)
                        return -ENOMEM;
        return 0;
}

/* A template is wanted as its default instance. */
static int follow_template(Comparison *comparison,
                const Subject *template,
                Side side,
                const Install *install) {
        if (!install->default_instance)
                return 0;
        const char *name = unit_name_with_instance(
                        comparison->arena, template->name, install->default_instance);
        if (!name)
                return -ENOMEM;
        if (!unit_name_is_valid(name))
                return 0;
        Subject *instance = comparison_subject(comparison, side, name);
        if (!instance)
                return -ENOMEM;
        if (template->enable[side])
                want(instance, side, WANTED_ENABLE);
        return instance->disable[side] ? 0 : follow_install(comparison, instance, side, install);
}

/* Is [Install] of this unit to be read: it has a file of its own, or Enable= names it, and a link
 * does not say it all? */
static bool is_install_read(const Subject *subject, Side side) {
        const Unit *unit = subject->units[side];
        if ((!unit->has_own_file && !subject->enable[side]) || subject->disable[side] ||
                        unit->text.n_parts == 0)
                return false;
        return !(subject->wanted[side] & WANTED_LINK) || unit->text.mentions & MENTION_ALSO;
}

static int find_install(Comparison *comparison, Subject *subject) {
        const Unit *read = NULL;
        Install install = { 0 };
        for (Side side = 0; side < N_SIDES; side++) {
                const Unit *unit = subject->units[side];
                if (!is_install_read(subject, side))
                        continue;
                if (read != unit && read_install(comparison, unit, &install) < 0)
                        return -ENOMEM;
                read = unit;
                int r = unit_name_is_template(subject->name)
                                        ? follow_template(comparison, subject, side, &install)
                                        : follow_install(comparison, subject, side, &install);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A line of fstab, without noauto. */
static int find_fstab(Comparison *comparison, Subject *subject, Side side) {
        const FstabUnit *fstab = subject->units[side]->fstab;
        if (!fstab || !fstab->wanted_by)
                return 0;
        Subject *target = comparison_subject(comparison, side, fstab->wanted_by);
        RelationKind kind = fstab->is_required ? RELATION_REQUIRES : RELATION_WANTS;
        want(subject, side, WANTED_LINK);
        return target ? comparison_add_edge(comparison, target, subject, kind, 1u << side)
                      : -ENOMEM;
}

int wanted_by_itself(Comparison *comparison, Subject *subject) {
        for (Side side = 0; side < N_SIDES; side++) {
                const UnitSet *set = &comparison->pair->sets[side];
                const AliasList *alias = map_get(&set->aliases_of, subject->name);
                bool is_linked = unit_set_links(set, subject->name) != NULL;
                for (; alias; alias = alias->next)
                        is_linked |= unit_set_links(set, alias->name) != NULL;
                if (is_linked)
                        want(subject, side, WANTED_LINK);
                if (subject->enable[side])
                        want(subject, side, WANTED_ENABLE);
                if (find_fstab(comparison, subject, side) < 0)
                        return -ENOMEM;
        }
        return find_install(comparison, subject);
}

/* What a wanted unit needs is wanted. A target of the distribution that a running host is in wants
 * what drop-ins add to it. */
static bool spreads(const Comparison *comparison, const Subject *subject, Side side) {
        return subject->wanted[side] ||
               (subject->type == UNIT_TARGET && subject->units[side]->text.n_parts > 0 &&
                               subject_is_distribution(subject, side) &&
                               subject_counts_as_on(comparison, subject));
}

int wanted_by_others(Comparison *comparison) {
        size_t n = comparison->n_subjects;
        Subject **queue = arena_new(comparison->arena, Subject *, 2 * n + 1);
        if (!queue)
                return -ENOMEM;
        for (Side side = 0; side < N_SIDES; side++) {
                size_t n_queued = 0;
                for (size_t i = 0; i < n; i++)
                        if (spreads(comparison, comparison->subjects[i], side))
                                queue[n_queued++] = comparison->subjects[i];
                for (size_t i = 0; i < n_queued; i++)
                        for (const Edge *edge = queue[i]->out; edge; edge = edge->next_out) {
                                Subject *other = edge->to;
                                if (!(edge->sides & 1u << side) || !(1u << edge->kind & KINDS_PULL))
                                        continue;
                                bool is_new = !other->wanted[side];
                                want(other, side, WANTED_DEPENDENCY);
                                if (is_new && other->wanted[side])
                                        queue[n_queued++] = other;
                        }
        }
        return 0;
}
