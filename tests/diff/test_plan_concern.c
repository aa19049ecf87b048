/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "diff/plan.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

/* The plan made of what plan_concern() and UnitPlan.unknown ask for is the plan made of all states
 * there are: for random states of every unit, again and again. */

enum { N_ROUNDS = 400 };

typedef struct World {
        const char *name;
        SampleFile before[16], after[16];
        const char *units[24]; /* all there are on the host */
} World;

static const World worlds[] = {
        { "dependents",
                        { { "units/db.service", "[Service]\nExecStart=/"
                                                "db\n[Install]\nWantedBy=multi-user.target\n" },
                                        { "units/app.service", "[Unit]\nRequires=db.service\n["
                                                               "Service]\nExecStart=/app\n" },
                                        { "units/web.service",
                                                        "[Unit]\nPartOf=app.service\nWants=cache."
                                                        "service\n[Service]\nExecStart=/w\n" },
                                        { "units/log.service",
                                                        "[Unit]\nStopPropagatedFrom=db.service\n["
                                                        "Service]\nExecStart=/l\n" },
                                        { "units/cache.service", "[Unit]\nConflicts=old.service\n["
                                                                 "Service]\nExecStart=/c\n" } },
                        { { "units/db.service", "[Service]\nExecStart=/"
                                                "db\nKillMode=mixed\n[Install]\nWantedBy=multi-"
                                                "user.target\n" },
                                        { "units/app.service", "[Unit]\nRequires=db.service\n["
                                                               "Service]\nExecStart=/app\n" },
                                        { "units/web.service",
                                                        "[Unit]\nPartOf=app.service\nWants=cache."
                                                        "service\n[Service]\nExecStart=/w2\n" },
                                        { "units/log.service",
                                                        "[Unit]\nStopPropagatedFrom=db.service\n["
                                                        "Service]\nExecStart=/l\n" },
                                        { "units/cache.service", "[Unit]\nConflicts=old.service\n["
                                                                 "Service]\nExecStart=/c\n" } },
                        { "db.service", "app.service", "web.service", "log.service",
                                        "cache.service", "old.service", "multi-user.target" } },
        { "targets and links",
                        { { "units/x.target", "[Unit]\nX-StopOnReconfiguration=yes\n[Install]"
                                              "\nWantedBy=multi-user.target\n" },
                                        { "units/x.target.wants/a.service", "-> ../a.service" },
                                        { "units/x.target.requires/b.service", "-> ../b.service" },
                                        { "units/a.service", "[Service]\nExecStart=/a\n" },
                                        { "units/b.service", "[Service]\nExecStart=/b\n" },
                                        { "units/c.service", "[Unit]\nUpholds=b.service\n[Service]"
                                                             "\nExecStart=/c\n" } },
                        { { "units/x.target", "[Unit]\nX-StopOnReconfiguration=yes\n[Install]"
                                              "\nWantedBy=multi-user.target\n" },
                                        { "units/x.target.requires/b.service", "-> ../b.service" },
                                        { "units/a.service", "[Service]\nExecStart=/a\n" },
                                        { "units/b.service",
                                                        "[Service]\nExecStart=/b2\nType=exec\n" },
                                        { "units/n.service", "[Service]\nExecStart=/"
                                                             "n\n[Install]\nWantedBy=x.target\n" },
                                        { "units/c.service", "[Unit]\nUpholds=b.service\n[Service]"
                                                             "\nExecStart=/c\n" } },
                        { "x.target", "a.service", "b.service", "c.service", "n.service",
                                        "multi-user.target" } },
        { "sockets, timers, paths",
                        { { "units/s.socket", "[Socket]\nListenStream=/run/"
                                              "s\n[Install]\nWantedBy=sockets.target\n" },
                                        { "units/s.service", "[Service]\nExecStart=/s\n" },
                                        { "units/user.service", "[Unit]\nRequires=s.service\n["
                                                                "Service]\nExecStart=/u\n" },
                                        { "units/e.socket", "[Socket]\nListenStream=/run/"
                                                            "e\nAccept=yes\n" },
                                        { "units/e@.service", "[Service]\nExecStart=/e\n" },
                                        { "units/p.path", "[Path]\nPathChanged=/etc/"
                                                          "watched\n[Install]\nWantedBy=paths."
                                                          "target\n" },
                                        { "units/p.service", "[Unit]\nWants=q.service\n[Service]"
                                                             "\nType=oneshot\nExecStart=/p\n" },
                                        { "etc/watched", "1" } },
                        { { "units/s.socket", "[Socket]\nListenStream=/run/"
                                              "s2\n[Install]\nWantedBy=sockets.target\n" },
                                        { "units/s.service", "[Service]\nExecStart=/s2\n" },
                                        { "units/user.service", "[Unit]\nRequires=s.service\n["
                                                                "Service]\nExecStart=/u\n" },
                                        { "units/e.socket", "[Socket]\nListenStream=/run/"
                                                            "e\nAccept=yes\n" },
                                        { "units/e@.service", "[Service]\nExecStart=/e2\n" },
                                        { "units/p.path", "[Path]\nPathChanged=/etc/"
                                                          "watched\n[Install]\nWantedBy=paths."
                                                          "target\n" },
                                        { "units/p.service", "[Unit]\nWants=q.service\n[Service]"
                                                             "\nType=oneshot\nExecStart=/p\n" },
                                        { "etc/watched", "2" } },
                        { "s.socket", "s.service", "user.service", "e.socket", "e@1.service",
                                        "e@2.service", "p.path", "p.service", "q.service",
                                        "sockets.target", "paths.target" } },
        { "templates, prefixes and triggers",
                        { { "units/i@.service", "[Service]\nExecStart=/i /etc/i/%i\n" },
                                        { "units/j@.service", "[Service]\nExecStart=/j\n" },
                                        { "etc/i/one", "1" }, { "etc/t", "1" },
                                        { "etc/sysctl.d/x.conf", "a=1" },
                                        { "profile.conf", "[Trigger]\nUnit=j@.service\nFiles=/etc/"
                                                          "t\nAction=reload\n" } },
                        { { "units/i@.service", "[Service]\nExecStart=/i /etc/i/%i\n" },
                                        { "units/j@.service", "[Service]\nExecStart=/j\n" },
                                        { "units/pre-.service.d/a.conf", "[Service]\nNice=1\n" },
                                        { "etc/i/one", "2" }, { "etc/t", "2" },
                                        { "etc/sysctl.d/x.conf", "a=2" },
                                        { "profile.conf", "[Trigger]\nUnit=j@.service\nFiles=/etc/"
                                                          "t\nAction=reload\n" } },
                        { "i@one.service", "i@two.service", "j@1.service", "pre-a.service",
                                        "pre-b.service", "other.service",
                                        "systemd-sysctl.service" } },
        { "what is needed, and what follows",
                        { { "units/n.service", "[Unit]\nStopWhenUnneeded=yes\n[Service]\nExecStart="
                                               "/n\n" },
                                        { "units/a.service", "[Unit]\nRequires=n."
                                                             "service\nOnSuccess=s.service\n["
                                                             "Service]\nExecStart=/a\n[Install]\n"
                                                             "WantedBy=multi-user.target\n" },
                                        { "units/b.service", "[Unit]\nBindsTo=c.service\n[Service]"
                                                             "\nExecStart=/b\n" },
                                        { "units/r.service",
                                                        "[Unit]\nReloadPropagatedFrom=v.service\n["
                                                        "Service]\nExecStart=/r\nExecReload=/r\n" },
                                        { "units/v.service", "[Service]\nExecStart=/v\nExecReload=/"
                                                             "v\nEnvironmentFile=/etc/v\n" } },
                        { { "units/n.service", "[Unit]\nStopWhenUnneeded=yes\n[Service]\nExecStart="
                                               "/n\n" },
                                        { "units/b.service",
                                                        "[Unit]\nBindsTo=c.service "
                                                        "d.service\n[Service]\nExecStart=/b\n" },
                                        { "units/r.service",
                                                        "[Unit]\nReloadPropagatedFrom=v.service\n["
                                                        "Service]\nExecStart=/r\nExecReload=/r\n" },
                                        { "units/v.service",
                                                        "[Unit]\nX-Reload-Triggers=one\n[Service]"
                                                        "\nExecStart=/v\nExecReload=/v\n"
                                                        "EnvironmentFile=/etc/v\n" } },
                        { "n.service", "a.service", "s.service", "b.service", "c.service",
                                        "d.service", "r.service", "v.service",
                                        "multi-user.target" } },
};

static unsigned draw(uint64_t *seed, unsigned n) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        return (unsigned) (*seed >> 33) % n;
}

static void set_random(UnitStates *states, const char *unit, uint64_t *seed) {
        static const char *const active[] = { "active", "active", "active", "inactive", "failed",
                "activating" };
        static const char *const sub[] = { "running", "waiting", "exited", "dead", "auto-restart" };
        const UnitState state = {
                .name = unit,
                .load_state = "loaded",
                .active_state = active[draw(seed, N_ELEMENTS(active))],
                .sub_state = sub[draw(seed, N_ELEMENTS(sub))],
                .can_reload = 1,
                .has_relations = true,
        };
        assert_int_equal(unit_states_set(states, &state), 0);
}

static void describe_drags(Text *text, const char *kind, const UnitDrag *drags, size_t n) {
        for (size_t i = 0; i < n; i++)
                text_addf(text, "%s %s %s by %s %s\n", kind, verb_to_string(drags[i].verb),
                                drags[i].unit, drags[i].by, drags[i].via);
}

static char *describe(const Plan *plan) {
        cleanup(text_donep) Text text = { 0 };
        const UnitPlan *units = &plan->units;
        for (size_t i = 0; i < units->n_actions; i++) {
                const UnitAction *action = &units->actions[i];
                text_addf(&text, "%s %s %s %u\n", phase_to_string(action->phase),
                                verb_to_string(action->verb), action->unit, action->group);
        }
        describe_drags(&text, "dragged", units->dragged, units->n_dragged);
        describe_drags(&text, "triggered", units->triggered, units->n_triggered);
        char *string = NULL;
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

static char *plan_text(const PlanInput *input, Strv *ret_unknown) {
        Error error = { 0 };
        cleanup(plan_freep) Plan *plan = NULL;
        if (plan_new(input, &plan, &error) < 0)
                fail_msg("%s", error.message);
        for (size_t i = 0; i < plan->units.n_unknown; i++)
                assert_int_not_equal(strv_add_unique(ret_unknown, plan->units.unknown[i]), -ENOMEM);
        return describe(plan);
}

static bool is_asked(const char *unit, const Strv *names, const Strv *patterns) {
        if (strv_has(names, unit))
                return true;
        for (size_t i = 0; i < patterns->n_items; i++)
                if (fnmatch(patterns->items[i], unit, 0) == 0)
                        return true;
        return false;
}

/* As the engine does it: the states that the plan is concerned with, and then those that it lacks,
 * until it lacks none. */
static char *plan_by_asking(PlanInput *input, const UnitStates *all) {
        Error error = { 0 };
        cleanup_strv Strv names = { 0 }, patterns = { 0 }, unknown = { 0 };
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        cleanup(plan_draft_freep) PlanDraft *draft = plan_draft_new();
        assert_non_null(states);
        assert_non_null(draft);
        input->states = states;
        input->draft = draft;
        assert_int_equal(plan_concern(input, &names, &patterns, &error), 0);
        size_t position = 0;
        const char *unit = NULL;
        for (const UnitState *state; (state = map_next(&all->by_name, &position, &unit));)
                if (is_asked(unit, &names, &patterns))
                        assert_int_equal(unit_states_set(states, state), 0);
        for (size_t n_known = 0;;) {
                char *text = plan_text(input, &unknown);
                if (unknown.n_items == n_known) {
                        input->draft = NULL;
                        return text;
                }
                free(text);
                for (; n_known < unknown.n_items; n_known++) {
                        const UnitState *state = unit_states_find(all, unknown.items[n_known]);
                        const UnitState nothing = { .name = unknown.items[n_known],
                                .active_state = "inactive",
                                .load_state = "not-found",
                                .can_reload = -1,
                                .has_relations = true };
                        assert_int_equal(unit_states_set(states, state ? state : &nothing), 0);
                }
        }
}

static void test_plan_concern__asks_for_enough(void **state) {
        (void) state;
        size_t n_acting = 0;
        for (size_t i = 0; i < N_ELEMENTS(worlds); i++) {
                const World *world = &worlds[i];
                Sample before = { 0 }, after = { 0 };
                assert_int_equal(sample_render(&before, world->before, NULL), 0);
                assert_int_equal(sample_render(&after, world->after, NULL), 0);
                for (uint64_t seed = 1; seed <= N_ROUNDS; seed++) {
                        cleanup(unit_states_freep) UnitStates *all = unit_states_new();
                        uint64_t dice = seed;
                        for (const char *const *unit = world->units; *unit; unit++)
                                set_random(all, *unit, &dice);
                        PlanInput input = { .before = before.tree,
                                .after = after.tree,
                                .contents = after.contents,
                                .states = all };
                        cleanup_strv Strv unknown = { 0 };
                        cleanup_free char *want = plan_text(&input, &unknown);
                        cleanup_free char *got = plan_by_asking(&input, all);
                        n_acting += *want != 0;
                        if (strcmp(want, got) != 0)
                                fail_msg("%s, seed %u: with all states:\n%sby asking:\n%s",
                                                world->name, (unsigned) seed, want, got);
                }
                sample_done(&before);
                sample_done(&after);
        }
        assert_true(n_acting > N_ROUNDS);
}

/* On a host of many units only those that matter are asked for. */
static void test_plan_concern__is_tight(void **state) {
        (void) state;
        static const SampleFile before[] = {
                { "units/a.service", "[Service]\nExecStart=/a\n[Install]\nWantedBy=x.target\n" },
                { "units/b.service", "[Service]\nExecStart=/b\n[Install]\nWantedBy=x.target\n" },
                { "units/c.service", "[Unit]\nRequires=b.service\n[Service]\nExecStart=/c\n" },
                { 0 }
        };
        static const SampleFile after[] = {
                { "units/a.service", "[Service]\nExecStart=/a2\n[Install]\nWantedBy=x.target\n" },
                { "units/b.service", "[Service]\nExecStart=/b\n[Install]\nWantedBy=x.target\n" },
                { "units/c.service", "[Unit]\nRequires=b.service\n[Service]\nExecStart=/c\n" },
                { 0 }
        };
        Sample old = { 0 }, new = { 0 };
        assert_int_equal(sample_render(&old, before, NULL), 0);
        assert_int_equal(sample_render(&new, after, NULL), 0);
        const PlanInput input = { .before = old.tree, .after = new.tree, .contents = new.contents };
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        Error error = { 0 };
        assert_int_equal(plan_concern(&input, &names, &patterns, &error), 0);
        assert_int_equal(patterns.n_items, 0);
        assert_int_equal(names.n_items, 2);
        assert_string_equal(names.items[0], "a.service");
        assert_string_equal(names.items[1], "x.target");
        sample_done(&old);
        sample_done(&new);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_concern__asks_for_enough),
                cmocka_unit_test(test_plan_concern__is_tight),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
