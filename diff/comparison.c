/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/comparison.h"

#include <errno.h>
#include <string.h>

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

Subject *comparison_find(const Comparison *comparison, const char *name) {
        return map_get(&comparison->by_name, name);
}

/* The name that the manager knows a unit by, where it is an alias of the distribution
 * ("sshd.service"). */
static const char *live_name(const Comparison *comparison, const char *name) {
        const UnitState *state =
                        comparison->states ? unit_states_find(comparison->states, name) : NULL;
        return state && !map_get(&comparison->sets[AFTER].fragment_by_name, name) ? state->name
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
                                          &comparison->sets[BEFORE], name, NULL)))
                return NULL;
        const Unit *before = subject->units[BEFORE];
        subject->units[AFTER] = unit_set_unit(&comparison->sets[AFTER], name, before);
        subject->name = before->name;
        subject->type = before->type;
        subject->state = comparison->states ? unit_states_find(comparison->states, name) : NULL;
        if (!subject->units[AFTER] || map_put(&comparison->by_name, subject->name, subject) < 0)
                return NULL;
        comparison->subjects[comparison->n_subjects++] = subject;
        return subject;
}

Subject *comparison_subject(Comparison *comparison, Side side, const char *name) {
        const char *real = unit_set_real_name(&comparison->sets[side], name);
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
                if (before == after) {
                        if (relation_add_edges(comparison, subject, after,
                                            1u << BEFORE | 1u << AFTER) < 0)
                                return -ENOMEM;
                } else if (relation_add_edges(comparison, subject, before, 1u << BEFORE) < 0 ||
                                relation_add_edges(comparison, subject, after, 1u << AFTER) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_conf(Comparison *comparison, Side side, const Tree *tree, Error *reterr) {
        static const ProfileConf empty;
        comparison->confs[side] = &empty;
        const Entry *entry = tree_find(tree, ROOT_PROFILE, "profile.conf");
        if (!entry || entry->kind != ENTRY_FILE)
                return 0;
        return profile_conf_parse(comparison->arena, entry->origin ? entry->origin : "profile.conf",
                        comparison->input->contents, entry->content, &comparison->confs[side],
                        reterr);
}

static int add_name(Comparison *comparison, Side side, const char *name) {
        return !unit_name_is_valid(name) || comparison_subject(comparison, side, name) ? 0
                                                                                       : -ENOMEM;
}

/* All that a tree defines or adds to. */
static int add_units(Comparison *comparison, Side side) {
        const UnitSet *set = &comparison->sets[side];
        for (size_t i = 0; i < set->n_fragments; i++)
                if (!set->fragments[i]->alias_of &&
                                add_name(comparison, side, set->fragments[i]->name) < 0)
                        return -ENOMEM;
        for (size_t i = 0; i < set->n_directories; i++) {
                if (add_name(comparison, side, set->directories[i]->stem) < 0)
                        return -ENOMEM;
                for (const UnitLink *link = set->directories[i]->links; link; link = link->next)
                        if (add_name(comparison, side, link->name) < 0)
                                return -ENOMEM;
        }
        return 0;
}

/* What [Units] and [Trigger] name. A user's manager has no [Units]. */
static int add_conf(Comparison *comparison, Side side) {
        const ProfileConf *conf = comparison->confs[side];
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
        if (set->n_directories == 0)
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
                                is_reached_by_directory(&comparison->sets[BEFORE], name) ||
                                is_reached_by_directory(&comparison->sets[AFTER], name))
                        names[n++] = name;
        }
        if (n > 1)
                qsort(names, n, sizeof(char *), compare_names);
        for (size_t i = 0; i < n; i++)
                if (add_name(comparison, AFTER, names[i]) < 0)
                        return -ENOMEM;
        return 0;
}

/* What a switch before owes: of one unit the newest counts. */
static int add_debts(Comparison *comparison) {
        const PlanInput *input = comparison->input;
        for (size_t i = 0; i < input->n_debts; i++) {
                const Debt *debt = &input->debts[i];
                if (debt->uid != comparison->uid || !unit_name_is_valid(debt->unit) ||
                                debt->cause == DEBT_SKIPPED)
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
                .files = input->files,
                .n_files = input->n_files,
        };
        const char *directory = input->is_user ? "systemd/user/" : "systemd/system/";
        const Tree *trees[N_SIDES] = { input->plan->before, input->plan->after };
        for (Side side = 0; side < N_SIDES; side++) {
                int r = unit_set_init(&comparison->sets[side], arena, trees[side],
                                input->plan->contents, directory, reterr);
                if (r == 0)
                        r = read_conf(comparison, side, trees[side], reterr);
                if (r < 0)
                        return r;
        }
        for (Side side = 0; side < N_SIDES; side++)
                if (add_units(comparison, side) < 0 || add_conf(comparison, side) < 0)
                        return error_oom(reterr);
        if (add_debts(comparison) < 0 || add_live(comparison) < 0 ||
                        comparison_connect(comparison) < 0)
                return error_oom(reterr);
        return wanted_find(comparison, reterr);
}

void comparison_done(Comparison *comparison) {
        for (Side side = 0; side < N_SIDES; side++)
                unit_set_done(&comparison->sets[side]);
        map_done(&comparison->by_name);
}

static bool list_has(const char *const *list, const char *name) {
        for (; list && *list; list++)
                if (is(*list, name))
                        return true;
        return false;
}

bool subject_has_name(const Subject *subject, const char *name) {
        return is(subject->name, name) || (subject->state && list_has(subject->state->names, name));
}

/* Without a host: a oneshot that ends by itself is over, all else that is wanted is up. */
static bool is_on_by_itself(const Subject *subject) {
        const UnitText *text = &subject->units[BEFORE]->text;
        const char *type = unit_text_value(text, "Service", "Type");
        bool ends = type && is(type, "oneshot") &&
                    unit_text_boolean(text, "Service", "RemainAfterExit") != 1;
        return subject->wanted[BEFORE] && !ends;
}

bool subject_is_on(const Comparison *comparison, const Subject *subject) {
        if (comparison->input->everything_off)
                return false;
        return comparison->states ? unit_state_is_on(subject->state) : is_on_by_itself(subject);
}

bool subject_is_failed(const Comparison *comparison, const Subject *subject) {
        return !comparison->input->everything_off && unit_state_is_failed(subject->state);
}

bool subject_is_activating(const Comparison *comparison, const Subject *subject) {
        return subject_is_on(comparison, subject) && subject->state &&
               is(subject->state->active_state, "activating") &&
               !is(subject->state->sub_state, "auto-restart");
}

bool subject_has_sub_state(
                const Comparison *comparison, const Subject *subject, const char *sub_state) {
        if (!subject_is_on(comparison, subject))
                return false;
        return subject->state ? is(subject->state->sub_state, sub_state) : is(sub_state, "waiting");
}

bool subject_counts_as_on(const Comparison *comparison, const Subject *subject) {
        static const char *const never[] = { "rescue", "emergency", "sleep", "suspend", "hibernate",
                "hybrid-sleep", "suspend-then-hibernate", "shutdown", "reboot", "poweroff", "halt",
                "kexec", "soft-reboot", "exit", "umount", "final", "system-update" };
        if (subject_is_on(comparison, subject))
                return true;
        if (subject->type != UNIT_TARGET || subject->state ||
                        !subject_is_distribution(subject, AFTER) ||
                        comparison->input->everything_off)
                return false;
        size_t length = strlen(subject->name) - strlen(".target");
        for (size_t i = 0; i < N_ELEMENTS(never); i++)
                if (strlen(never[i]) == length && memcmp(subject->name, never[i], length) == 0)
                        return false;
        return strncmp(subject->name, "initrd", 6) != 0;
}
