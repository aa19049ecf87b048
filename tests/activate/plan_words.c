/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/activate/plan_words.h"

#include "tests/support/cmocka.h"

#include <string.h>

static void add_action(PlanWords *words, const char *verb, const char *unit, unsigned group) {
        static const struct {
                const char *word;
                Verb verb;
                Phase phase;
        } verbs[] = {
                { "stop", VERB_STOP, PHASE_STOP },
                { "stop-late", VERB_STOP, PHASE_STOP_LATE },
                { "start", VERB_START, PHASE_START },
                { "restart", VERB_RESTART, PHASE_RESTART },
                { "reload", VERB_RELOAD, PHASE_RELOAD },
                { "skip", VERB_SKIP, PHASE_STOP },
        };
        for (size_t i = 0; i < N_ELEMENTS(verbs); i++)
                if (strcmp(verbs[i].word, verb) == 0) {
                        words->plan.actions[words->plan.n_actions++] = (UnitAction){
                                .unit = unit,
                                .verb = verbs[i].verb,
                                .phase = verbs[i].phase,
                                .group = group,
                        };
                        return;
                }
        fail_msg("no verb: %s", verb);
}

void plan_words_init(PlanWords *words, const char *text) {
        enum { MAX_WORDS = 64 };
        *words = (PlanWords){ 0 };
        words->plan.actions = arena_new(&words->arena, UnitAction, MAX_WORDS);
        words->plan.dragged = arena_new(&words->arena, UnitDrag, MAX_WORDS);
        words->plan.changed = arena_new(&words->arena, UnitChanged, MAX_WORDS);
        char *copy = arena_strdup(&words->arena, text), *position = NULL;
        assert_non_null(words->plan.actions);
        words->plan.triggered = arena_new(&words->arena, UnitDrag, MAX_WORDS);
        assert_non_null(words->plan.dragged);
        assert_non_null(words->plan.triggered);
        assert_non_null(words->plan.changed);
        assert_non_null(copy);
        for (char *line = strtok_r(copy, "\n", &position); line;
                        line = strtok_r(NULL, "\n", &position)) {
                char *in_line = NULL;
                const char *verb = strtok_r(line, " ", &in_line);
                const char *unit = strtok_r(NULL, " ", &in_line);
                const char *group = strtok_r(NULL, " ", &in_line);
                const char *by = strtok_r(NULL, " ", &in_line);
                if (strcmp(verb, "daemon-reload") == 0)
                        words->plan.daemon = DAEMON_RELOAD;
                else if (strcmp(verb, "changed") == 0 || strcmp(verb, "drop-in") == 0)
                        words->plan.changed[words->plan.n_changed++] = (UnitChanged){ .unit = unit,
                                .is_defined = strcmp(verb, "changed") == 0 };
                else if (strcmp(verb, "drags") == 0)
                        words->plan.dragged[words->plan.n_dragged++] = (UnitDrag){
                                .unit = group,
                                .by = by,
                                .via = "Requires",
                                .verb = strcmp(unit, "stop") == 0 ? VERB_STOP : VERB_RESTART,
                        };
                else if (strcmp(verb, "triggers") == 0)
                        words->plan.triggered[words->plan.n_triggered++] = (UnitDrag){
                                .unit = group, .by = by, .via = "PathChanged", .verb = VERB_START
                        };
                else
                        add_action(words, verb, unit, (unsigned) strtoul(group, NULL, 10));
                assert_true(words->plan.n_actions < MAX_WORDS);
        }
}

void plan_words_done(PlanWords *words) {
        arena_done(&words->arena);
}

static void on_progress(void *userdata, const Progress *progress) {
        static const char *const kinds[] = { "begin", "wait", "end", "daemon" };
        PlanWorld *world = userdata;
        size_t used = strlen(world->told);
        (void) snprintf(world->told + used, sizeof(world->told) - used, "%s%s%s%s%s\n",
                        kinds[progress->kind], progress->unit ? " " : "",
                        progress->unit ? progress->unit : "",
                        progress->kind == PROGRESS_END ? " " : "",
                        progress->kind == PROGRESS_END
                                        ? job_outcome_to_string(progress->outcome)
                                        : ""); /* a test with that much to tell fails */
        assert_true(strlen(world->told) + 1 < sizeof(world->told));
}

void plan_world_init(PlanWorld *world, const FakeOptions *fake, const char *plan) {
        Error error;
        *world = (PlanWorld){ 0 };
        world->fake = fake_manager_new(fake);
        plan_words_init(&world->words, plan);
        world->options = (RunOptions){ .progress = on_progress, .userdata = world };
        int r = connection_open(fake_manager_address(world->fake), getuid(), false, &world->systemd,
                        &error);
        if (r < 0)
                fail_msg("%s", error.message);
}

void plan_world_done(PlanWorld *world) {
        report_free(world->report);
        plan_run_free(world->run);
        systemd_close(world->systemd);
        plan_words_done(&world->words);
        fake_manager_free(world->fake);
}

void plan_world_run(PlanWorld *world) {
        Error error;
        int r = plan_run_new(
                        world->systemd, &world->words.plan, &world->options, &world->run, &error);
        if (r >= 0)
                r = plan_run_stop(world->run, &error);
        if (r >= 0)
                r = plan_run_activate(world->run, &error);
        if (r >= 0)
                r = plan_run_report(world->run, &world->report, &error);
        if (r < 0)
                fail_msg("%s", error.message);
}

const ActionReport *plan_world_action(const PlanWorld *world, const char *unit, Verb verb) {
        for (size_t i = 0; i < world->report->n_actions; i++)
                if (world->report->actions[i].action->verb == verb &&
                                strcmp(world->report->actions[i].action->unit, unit) == 0)
                        return &world->report->actions[i];
        fail_msg("no action for %s", unit);
        return NULL;
}

const UnitFailure *plan_world_failure(const PlanWorld *world, const char *unit) {
        for (size_t i = 0; i < world->report->n_failures; i++)
                if (strcmp(world->report->failures[i].unit, unit) == 0)
                        return &world->report->failures[i];
        return NULL;
}
