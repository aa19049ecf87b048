/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose live states a plan may depend on: units that the trees or the triggers make act, whatever
 * their states may be, and all that hangs on them by the texts. What only the manager knows is
 * asked for by UnitPlan.unknown. */
#include "diff/judge.h"
#include "diff/mention.h"
#include "diff/plan_units.h"
#include "diff/slice.h"
#include "diff/watch_list.h"

#include <errno.h>
#include <string.h>

/* What a unit may do: the higher includes the lower. */
typedef enum Role {
        ROLE_NONE,
        ROLE_SEEN,   /* only its state counts */
        ROLE_STARTS, /* it may be pulled in */
        ROLE_ACTS,   /* it may stop, restart, reload or start */
} Role;

typedef struct Concern {
        Comparison *comparison;
        Strv *names, *patterns;
        Subject **queue; /* subjects whose role grew */
        size_t n_queued, n_allocated;
} Concern;

static int give(Concern *concern, Subject *subject, Role role) {
        if (subject->role >= role)
                return 0;
        bool is_new = subject->role == ROLE_NONE;
        subject->role = role;
        if (is_new && !unit_name_is_template(subject->name) &&
                        strv_add(concern->names, subject->name) < 0)
                return -ENOMEM;
        if (concern->n_queued == concern->n_allocated) {
                size_t n = concern->n_allocated ? concern->n_allocated * 2 : 256;
                concern->queue = arena_grow(concern->comparison->arena, concern->queue,
                                concern->n_queued, n, sizeof(Subject *));
                if (!concern->queue)
                        return -ENOMEM;
                concern->n_allocated = n;
        }
        concern->queue[concern->n_queued++] = subject;
        return 0;
}

/* A unit of ours takes part: what hangs on it acts with it, what it needs may start. */
static Role role_of_dependent(RelationKind kind, Role own) {
        if (own != ROLE_ACTS)
                return kind == RELATION_CONFLICTS ? ROLE_ACTS : ROLE_NONE;
        if (1u << kind & KINDS_STOP || kind == RELATION_CONFLICTS ||
                        kind == RELATION_RELOAD_PROPAGATED_FROM)
                return ROLE_ACTS;
        return ROLE_SEEN; /* who wants it, who starts it */
}

static Role role_of_dependency(RelationKind kind, Role own) {
        if (kind == RELATION_CONFLICTS || (kind == RELATION_TRIGGERS && own == ROLE_ACTS))
                return ROLE_ACTS;
        if (1u << kind & KINDS_PULL || kind == RELATION_ON_SUCCESS)
                return ROLE_STARTS;
        return own == ROLE_ACTS ? ROLE_SEEN : ROLE_NONE;
}

static int give_slices(Concern *concern, const Subject *subject) {
        Comparison *comparison = concern->comparison;
        const char *name = NULL;
        if (slice_of(comparison->arena, subject->units[AFTER], comparison->is_user, &name) < 0)
                return -ENOMEM;
        while (name && unit_name_is_valid(name)) {
                Subject *slice = comparison_subject(comparison, AFTER, name);
                if (!slice || give(concern, slice, ROLE_STARTS) < 0 ||
                                slice_parent(comparison->arena, name, &name) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* The unwanted pull of a target that everything hangs on ends here: what is only seen is not
 * followed. */
static int follow(Concern *concern, Subject *subject) {
        Role own = (Role) subject->role;
        if (own <= ROLE_SEEN)
                return 0;
        if (relation_add_linked(concern->comparison, subject) < 0)
                return -ENOMEM;
        for (const Edge *edge = subject->in; edge; edge = edge->next_in) {
                Role role = role_of_dependent(edge->kind, own);
                if (role && give(concern, edge->from, role) < 0)
                        return -ENOMEM;
        }
        for (const Edge *edge = subject->out; edge; edge = edge->next_out) {
                Role role = role_of_dependency(edge->kind, own);
                if (role && give(concern, edge->to, role) < 0)
                        return -ENOMEM;
        }
        return give_slices(concern, subject);
}

/* foo@.service -> foo@*.service, app-.service -> app-*.service, foo-@.service -> foo-*@*.service */
static int add_pattern(Concern *concern, const char *stem) {
        const char *at = strchr(stem, '@'), *dot = strrchr(stem, '.'), *end = at ? at : dot;
        bool is_prefix = end > stem && end[-1] == '-';
        if (!at && !is_prefix)
                return 0;
        const char *pattern = arena_printf(concern->comparison->arena, "%.*s%s%s%s",
                        (int) (end - stem), stem, is_prefix ? "*" : "", at ? "@*" : "", dot);
        return pattern && strv_add_unique(concern->patterns, pattern) >= 0 ? 0 : -ENOMEM;
}

static int add_patterns(Concern *concern) {
        const Comparison *comparison = concern->comparison;
        bool any_files = comparison->n_files > 0;
        for (size_t i = 0; i < comparison->n_subjects; i++) {
                const Subject *subject = comparison->subjects[i];
                bool is_changed = subject->units[BEFORE] != subject->units[AFTER];
                bool reads = any_files && subject->units[AFTER]->text.mentions & MENTION_READS;
                if ((is_changed || reads || subject->trigger) &&
                                add_pattern(concern, subject->name) < 0)
                        return -ENOMEM;
        }
        for (Side side = BEFORE; any_files && side <= AFTER; side++) {
                const ProfileConf *conf = comparison->pair->confs[side];
                for (size_t i = 0; i < conf->n_triggers; i++)
                        if (unit_name_is_template(conf->triggers[i].unit) &&
                                        add_pattern(concern, conf->triggers[i].unit) < 0)
                                return -ENOMEM;
        }
        return 0;
}

static int begin(Concern *concern) {
        const Comparison *comparison = concern->comparison;
        size_t n = comparison->n_subjects;
        for (size_t i = 0; i < n; i++) {
                Subject *subject = comparison->subjects[i];
                const UnitText *text = &subject->units[AFTER]->text;
                bool is_reconfigured = subject->type == UNIT_TARGET && text->n_parts > 0 &&
                                       unit_text_flag_boolean(text, "X-StopOnReconfiguration") == 1;
                bool is_path = subject->type == UNIT_PATH && comparison->n_files > 0;
                bool is_unneeded = text->mentions & MENTION_UNNEEDED;
                if ((judge_is_candidate(subject) || is_reconfigured || is_path || is_unneeded) &&
                                give(concern, subject, ROLE_ACTS) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int find(Concern *concern) {
        if (begin(concern) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < concern->n_queued; i++)
                if (follow(concern, concern->queue[i]) < 0 ||
                                comparison_connect(concern->comparison) < 0)
                        return -ENOMEM;
        return add_patterns(concern);
}

int plan_concern_units(
                const ComparisonInput *input, Strv *ret_names, Strv *ret_patterns, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        Comparison comparison;
        Concern concern = {
                .comparison = &comparison, .names = ret_names, .patterns = ret_patterns
        };
        int r = comparison_init(&comparison, &arena, input, reterr);
        if (r == 0)
                r = trigger_find(&comparison, reterr);
        if (r == 0 && (comparison_connect(&comparison) < 0 || find(&concern) < 0))
                r = error_oom(reterr);
        strv_sort(ret_names);
        strv_sort(ret_patterns);
        comparison_done(&comparison);
        return r;
}
