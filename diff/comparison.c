/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/comparison.h"

#include "diff/container.h"
#include "diff/mention.h"

#include <errno.h>
#include <string.h>

Subject *comparison_find(const Comparison *comparison, const char *name) {
        return map_get(&comparison->by_name, name);
}

/* The name that the manager knows a unit by, where it is an alias of the distribution
 * ("sshd.service"). */
static const char *live_name(const Comparison *comparison, const char *name) {
        const UnitState *state =
                        comparison->states ? unit_states_find(comparison->states, name) : NULL;
        return state && !map_get(&comparison->pair->sets[AFTER].fragment_by_name, name)
                               ? state->name
                               : name;
}

static Subject *subject_new(Comparison *comparison, const char *name) {
        if (comparison->n_subjects == comparison->n_subjects_allocated) {
                size_t n = comparison->n_subjects ? comparison->n_subjects * 2 : 256;
                comparison->subjects = arena_grow(comparison->arena, comparison->subjects,
                                comparison->n_subjects, n, sizeof(Subject *));
                comparison->n_subjects_allocated = comparison->subjects ? n : 0;
        }
        Subject *subject = comparison->subjects ? arena_new(comparison->arena, Subject, 1) : NULL;
        if (!subject || !(subject->units[BEFORE] = unit_set_unit(
                                          &comparison->pair->sets[BEFORE], name, NULL)))
                return NULL;
        const Unit *before = subject->units[BEFORE];
        subject->units[AFTER] = unit_set_unit(&comparison->pair->sets[AFTER], name, before);
        subject->name = before->name;
        subject->type = before->type;
        subject->state = comparison->states ? unit_states_find(comparison->states, name) : NULL;
        if (!subject->units[AFTER] || map_put(&comparison->by_name, subject->name, subject) < 0)
                return NULL;
        comparison->subjects[comparison->n_subjects++] = subject;
        return subject;
}

Subject *comparison_subject(Comparison *comparison, Side side, const char *name) {
        const char *real = unit_set_real_name(&comparison->pair->sets[side], name);
        if (!real)
                return NULL;
        Subject *subject = map_get(&comparison->by_name, real);
        if (subject)
                return subject;
        real = live_name(comparison, real);
        subject = map_get(&comparison->by_name, real);
        return subject ? subject : subject_new(comparison, real);
}

int comparison_add_edge(Comparison *comparison,
                Subject *from,
                Subject *to,
                RelationKind kind,
                unsigned sides) {
        Edge *last = from->last_out;
        if (last && last->to == to && last->kind == kind) {
                last->sides |= sides;
                return 0;
        }
        Edge *edge = arena_new(comparison->arena, Edge, 1);
        if (!edge)
                return -ENOMEM;
        *edge = (Edge){ .from = from, .to = to, .kind = kind, .sides = sides };
        if (from->last_out)
                from->last_out->next_out = edge;
        else
                from->out = edge;
        if (to->last_in)
                to->last_in->next_in = edge;
        else
                to->in = edge;
        from->last_out = to->last_in = edge;
        return 0;
}

int comparison_connect(Comparison *comparison) {
        while (comparison->n_connected < comparison->n_subjects) {
                Subject *subject = comparison->subjects[comparison->n_connected++];
                const Unit *before = subject->units[BEFORE], *after = subject->units[AFTER];
                unsigned sides = before == after ? 1u << BEFORE | 1u << AFTER : 1u << AFTER;
                if (relation_add_edges(comparison, subject, after, sides) < 0 ||
                                (before != after && relation_add_edges(comparison, subject, before,
                                                                    1u << BEFORE) < 0) ||
                                wanted_by_itself(comparison, subject) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_name(Comparison *comparison, Side side, const char *name) {
        if (comparison_find(comparison, name) || !unit_name_is_valid(name))
                return 0;
        return comparison_subject(comparison, side, name) ? 0 : -ENOMEM;
}

/* Does a unit that is the same in both trees have to be looked at all the same? */
static bool is_of_interest(const Comparison *comparison, const Fragment *fragment) {
        static const char service[] = ".service";
        unsigned mentions = MENTION_RELATION | MENTION_UNNEEDED | MENTION_ALSO;
        size_t length = strlen(fragment->name);
        bool is_service = length > strlen(service) &&
                          strcmp(fragment->name + length - strlen(service), service) == 0;
        return !is_service || fragment->part.mentions & mentions ||
               comparison->pair->sets[BEFORE].has_mounts ||
               comparison->pair->sets[AFTER].has_mounts;
}

/* A drop-in that reaches many units, and that changed or says something that is of interest: all of
 * them are looked at. */
static bool reaches_many(const Comparison *comparison, Side side, const UnitDirectory *directory) {
        const char *stem = directory->stem, *end = strpbrk(stem, "@.");
        bool is_many = !end || end == stem || end[-1] == '-' || *end == '@';
        if (!is_many || !directory->drop_ins)
                return false;
        const UnitDirectory *other =
                        map_get(&comparison->pair->sets[1 - side].directory_by_stem, stem);
        const DropIn *mine = directory->drop_ins, *theirs = other ? other->drop_ins : NULL;
        for (; mine && theirs; mine = mine->next, theirs = theirs->next)
                if (mine->part.mentions || mine->part.file != theirs->part.file ||
                                strcmp(mine->file_name, theirs->file_name) != 0 || !mine->part.file)
                        return true;
        return mine || theirs;
}

static int add_directories(Comparison *comparison, Side side, bool *ret_all) {
        const UnitSet *set = &comparison->pair->sets[side];
        for (size_t i = 0; i < set->directories.n_items; i++) {
                const UnitDirectory *directory = set->directories.items[i];
                *ret_all |= reaches_many(comparison, side, directory);
                if (directory->drop_ins && add_name(comparison, side, directory->stem) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Links that the other tree has not, and those of instances, which may have no file of their own.
 */
static int add_links(Comparison *comparison, Side side) {
        const UnitSet *set = &comparison->pair->sets[side];
        bool is_same = comparison->pair->sets[AFTER].same_links;
        for (size_t i = 0; !is_same && i < set->directories.n_items; i++) {
                UnitLink link;
                for (size_t position = 0; unit_directory_next(
                                     set, set->directories.items[i], &position, &link);)
                        if (!unit_set_links(&comparison->pair->sets[1 - side], link.name) &&
                                        add_name(comparison, side, link.name) < 0)
                                return -ENOMEM;
        }
        for (size_t i = 0; i < set->instance_links.n_items; i++) {
                const UnitLink *link = set->instance_links.items[i];
                if (add_name(comparison, side, link->name) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_fragment(Comparison *comparison, Side side, const Fragment *fragment) {
        return fragment->alias_of ? 0 : add_name(comparison, side, fragment->name);
}

/* The units that the trees define, but for those that nothing is to be said of. */
static int add_units(Comparison *comparison) {
        const UnitSet *before = &comparison->pair->sets[BEFORE],
                      *after = &comparison->pair->sets[AFTER];
        bool all = false;
        for (Side side = 0; side < N_SIDES; side++)
                if (add_directories(comparison, side, &all) < 0 || add_links(comparison, side) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < after->differing.n_items; i++)
                if (add_fragment(comparison, AFTER, after->differing.items[i]) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < before->fragments.n_items; i++) {
                const Fragment *fragment = before->fragments.items[i];
                if ((all || is_of_interest(comparison, fragment)) &&
                                add_fragment(comparison, BEFORE, fragment) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* What [Units] and [Trigger] name. A user's manager has no [Units]. */
static int add_conf(Comparison *comparison, Side side) {
        const ProfileConf *conf = comparison->pair->confs[side];
        if (comparison->is_user)
                return 0;
        for (size_t i = 0; i < conf->n_enable; i++) {
                Subject *subject = comparison_subject(comparison, side, conf->enable[i].unit);
                if (!subject)
                        return -ENOMEM;
                subject->enable[side] = true;
        }
        for (size_t i = 0; i < conf->n_disable; i++) {
                Subject *subject = comparison_subject(comparison, side, conf->disable[i].unit);
                if (!subject)
                        return -ENOMEM;
                subject->disable[side] = true;
        }
        for (size_t i = 0; side == AFTER && i < conf->n_triggers; i++)
                if (add_name(comparison, side, conf->triggers[i].unit) < 0)
                        return -ENOMEM;
        return 0;
}

static bool is_reached_by_directory(const UnitSet *set, const char *name) {
        if (set->directories.n_items == 0)
                return false;
        const char *type = strrchr(name, '.') + 1;
        return set->has_prefixes || map_get(&set->directory_by_stem, type);
}

static int compare_names(const void *left, const void *right) {
        return strcmp(*(const char *const *) left, *(const char *const *) right);
}

/* Units that run and that the trees reach by a template, a prefix or a type. */
static int add_live(Comparison *comparison) {
        const UnitStates *states = comparison->states;
        if (!states)
                return 0;
        const char **names =
                        arena_new(comparison->arena, const char *, states->by_name.n_items + 1);
        if (!names)
                return -ENOMEM;
        size_t n = 0, position = 0;
        for (const UnitState *state; (state = map_next(&states->by_name, &position, NULL));) {
                const char *name = state->name;
                if (!unit_name_is_valid(name) || comparison_find(comparison, name))
                        continue;
                if (unit_name_is_instance(name) ||
                                is_reached_by_directory(&comparison->pair->sets[BEFORE], name) ||
                                is_reached_by_directory(&comparison->pair->sets[AFTER], name))
                        names[n++] = name;
        }
        if (n > 1)
                qsort(names, n, sizeof(char *), compare_names);
        for (size_t i = 0; i < n; i++)
                if (add_name(comparison, AFTER, names[i]) < 0)
                        return -ENOMEM;
        return 0;
}

/* A skip stays one: nothing is done about it. Only what changed inside a container is left alone
 * for OnChange=none alone, and once that has gone it is activated. NULL: nothing is due; -ENOMEM in
 * *ret. */
static const Debt *due_of(Comparison *comparison, const Debt *debt, int *ret) {
        const Tree *after = comparison->input->after;
        const char *name = NULL;
        if (debt->cause != DEBT_SKIPPED)
                return debt;
        if (debt->verb != VERB_RELOAD)
                return NULL;
        *ret = container_of_unit(comparison->arena, NULL, after, debt->unit, &name);
        const ContainerRule *rule =
                        *ret > 0 ? container_rule(comparison->pair->confs[AFTER], name) : NULL;
        OnChange on_change = rule ? rule->on_change : ON_CHANGE_DYNAMIC;
        if (*ret <= 0 || on_change == ON_CHANGE_NONE)
                return NULL;
        Debt *due = arena_memdup(comparison->arena, debt, sizeof(*debt));
        if (due && on_change == ON_CHANGE_REBOOT)
                due->verb = VERB_RESTART;
        *ret = due ? 0 : -ENOMEM;
        return due;
}

/* What a switch before owes: of one unit the newest counts. */
static int add_debts(Comparison *comparison) {
        const PlanInput *input = comparison->input;
        for (size_t i = 0; i < input->n_debts; i++) {
                int r = 0;
                const Debt *debt = &input->debts[i];
                if (debt->uid != comparison->uid || !unit_name_is_valid(debt->unit))
                        continue;
                debt = due_of(comparison, debt, &r);
                if (r < 0)
                        return r;
                if (!debt)
                        continue;
                Subject *subject = comparison_subject(comparison, AFTER, debt->unit);
                if (!subject)
                        return -ENOMEM;
                if (!subject->debt || subject->debt->since_usec <= debt->since_usec)
                        subject->debt = debt;
        }
        return 0;
}

int comparison_init(
                Comparison *comparison, Arena *arena, const ComparisonInput *input, Error *reterr) {
        *comparison = (Comparison){
                .arena = arena,
                .input = input->plan,
                .states = input->states,
                .is_user = input->is_user,
                .uid = input->uid,
                .pair = input->pair,
                .files = input->files,
                .n_files = input->n_files,
        };
        if (add_units(comparison) < 0 || add_conf(comparison, BEFORE) < 0 ||
                        add_conf(comparison, AFTER) < 0 || add_debts(comparison) < 0 ||
                        add_live(comparison) < 0 || comparison_connect(comparison) < 0 ||
                        wanted_by_others(comparison) < 0)
                return error_oom(reterr);
        return 0;
}

void comparison_done(Comparison *comparison) {
        map_done(&comparison->by_name);
}
