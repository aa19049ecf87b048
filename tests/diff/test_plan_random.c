/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

/* What holds of every plan, whatever the rules say, shown with random pairs of small trees, live
 * states and debts. SEED=… begins with another pair, that of a failure for one; LONG=1 takes more;
 * VERBOSE=1 prints each pair. */

enum { N_PAIRS = 2000, N_PAIRS_LONG = 50000, N_SLOTS = 6, N_DEBTS = 2 };

/* A file of a tree: one line a slot, and which one is a number; 0 leaves the slot empty. */
typedef struct File {
        bool is_there, is_masked;
        unsigned slots[N_SLOTS];
} File;

/* What a slot may hold; %s is a unit's name. */
typedef struct Lines {
        const char *const *lines;
        size_t n_lines;
} Lines;

#define LINES(...)                                                                                 \
        {                                                                                          \
                .lines = (const char *const[]){ __VA_ARGS__ },                                     \
                .n_lines = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)           \
        }
#define DEPENDENCIES                                                                               \
        LINES("[Unit]\nWants=%s", "[Unit]\nRequires=%s", "[Unit]\nBindsTo=%s",                     \
                        "[Unit]\nPartOf=%s", "[Unit]\nAfter=%s", "[Unit]\nBefore=%s",              \
                        "[Unit]\nUpholds=%s", "[Unit]\nRequisite=%s", "[Unit]\nConflicts=%s",      \
                        "[Unit]\nStopPropagatedFrom=%s", "[Unit]\nRequires=%s\nAfter=%s")
#define FLAGS                                                                                      \
        LINES("[Unit]\nX-SwitchMethod=keep-old", "[Unit]\nX-SwitchMethod=restart",                 \
                        "[Unit]\nX-SwitchMethod=reload", "[Unit]\nX-SwitchMethod=stop-start",      \
                        "[Unit]\nX-ReloadIfChanged=yes", "[Unit]\nX-RestartIfChanged=no",          \
                        "[Unit]\nRefuseManualStop=yes", "[Unit]\nRefuseManualStart=yes",           \
                        "[Unit]\nX-OnlyManualStart=yes", "[Unit]\nX-StopIfChanged=yes",            \
                        "[Unit]\nX-StopIfChanged=no", "[Unit]\nX-StopOnRemoval=no",                \
                        "[Unit]\nX-NotSocketActivated=yes", "[Unit]\nX-StopOnReconfiguration=yes")
#define TRIGGERS                                                                                   \
        LINES("[Unit]\nX-Restart-Triggers=/etc/one.conf", "[Unit]\nX-Reload-Triggers=/etc/*.conf", \
                        "[Unit]\nX-Restart-Triggers=first", "[Unit]\nX-Restart-Triggers=second",   \
                        "[Unit]\nX-Reload-Triggers=/etc/dir/two", "[Unit]\nDescription=first")
#define INSTALL                                                                                    \
        LINES("[Install]\nWantedBy=multi-user.target", "[Install]\nRequiredBy=%s",                 \
                        "[Install]\nWantedBy=one.target\nDefaultInstance=1",                       \
                        "[Install]\nUpheldBy=%s", "[Install]\nWantedBy=%s\nAlso=%s")
#define SERVICE                                                                                    \
        LINES("[Service]\nExecStop=/bin/true", "[Service]\nExecReload=/bin/true",                  \
                        "[Service]\nType=oneshot", "[Service]\nType=notify-reload",                \
                        "[Service]\nType=oneshot\nRemainAfterExit=yes", "[Service]\nNice=1",       \
                        "[Service]\nEnvironmentFile=-/etc/one.conf", "[Service]\nRestart=always",  \
                        "[Service]\nType=dbus\nBusName=org.example.A", "[Service]\nCPUWeight=50")
#define SOCKET                                                                                     \
        LINES("[Socket]\nAccept=yes", "[Socket]\nService=b.service", "[Socket]\nListenStream=81",  \
                        "[Socket]\nMaxConnections=9", "[Socket]\nSocketMode=0600")
#define TIMER LINES("[Timer]\nOnCalendar=daily", "[Timer]\nUnit=b.service", "[Timer]\nOnBootSec=9")
#define PATH                                                                                       \
        LINES("[Path]\nPathChanged=/etc/one.conf", "[Path]\nPathModified=/etc/dir/two",            \
                        "[Path]\nUnit=c.service", "[Path]\nMakeDirectory=yes")
#define MOUNT LINES("[Mount]\nOptions=ro", "[Mount]\nType=tmpfs", "[Mount]\nTimeoutSec=9")
#define PLAIN LINES("first", "second", "third")
/* What is enabled, disabled and masked at once is refused: so each has units of its own. */
#define ENABLE                                                                                     \
        LINES("[Units]\nEnable=a.service", "[Units]\nEnable=d@1.service",                          \
                        "[Units]\nEnable=a.socket", "[Units]\nEnable=a.timer two.target",          \
                        "[Units]\nEnable=dist.service one.target")
#define DISABLE                                                                                    \
        LINES("[Units]\nDisable=b.service", "[Units]\nDisable=dbus.service c.path",                \
                        "[Units]\nDisable=d@2.service")
#define MASK LINES("[Units]\nMask=c.service", "[Units]\nMask=data.mount systemd-sysctl.service")

/* The same kinds of lines for every kind of unit, but for the section of the kind. */
#define UNIT(at, begin, kind)                                                                      \
        {                                                                                          \
                .path = "systemd/system/" at, .head = (begin), .slots = {                          \
                        DEPENDENCIES,                                                              \
                        DEPENDENCIES,                                                              \
                        FLAGS,                                                                     \
                        TRIGGERS,                                                                  \
                        INSTALL,                                                                   \
                        kind                                                                       \
                }                                                                                  \
        }

static const struct {
        EntryRoot root;
        const char *path, *head;
        Lines slots[N_SLOTS];
} files[] = {
        UNIT("a.service", "[Service]\nExecStart=/bin/cat /etc/dir\n", SERVICE),
        UNIT("b.service", "[Service]\nExecStart=/bin/true\n", SERVICE),
        UNIT("c.service", "[Service]\nExecStart=/bin/true\n", SERVICE),
        UNIT("d@.service", "[Service]\nExecStart=/bin/true %i\n", SERVICE),
        UNIT("d@2.service", "[Service]\nExecStart=/bin/true\n", SERVICE),
        UNIT("a.socket", "[Socket]\nListenStream=80\n", SOCKET),
        UNIT("d.socket", "[Socket]\nListenStream=82\nAccept=yes\n", SOCKET),
        UNIT("a.timer", "[Timer]\nOnActiveSec=9\n", TIMER),
        UNIT("c.path", "[Path]\nPathExists=/run/c\n", PATH),
        UNIT("data.mount", "[Mount]\nWhat=/dev/sdz\nWhere=/data\n", MOUNT),
        UNIT("one.target", "[Unit]\nDescription=one\n", PLAIN),
        UNIT("two.target", "[Unit]\nDescription=two\n", PLAIN),
        UNIT("app.slice", "[Unit]\nDescription=slice\n", PLAIN),
        UNIT("a.service.d/x.conf", "", SERVICE),
        UNIT("d@.service.d/x.conf", "", SERVICE),
        UNIT("d@1.service.d/x.conf", "", SERVICE),
        UNIT("service.d/x.conf", "", SERVICE),
        UNIT("dist.service.d/x.conf", "", SERVICE),
        UNIT("dbus.service.d/x.conf", "", SERVICE),
        { ROOT_ETC, "one.conf", "", { PLAIN } },
        { ROOT_ETC, "dir/two", "", { PLAIN } },
        { ROOT_ETC, "sysctl.d/x.conf", "", { PLAIN } },
        { ROOT_PROFILE, "profile.conf", "[Profile]\nDescription=random\n",
                        { ENABLE, ENABLE, DISABLE, MASK,
                                        LINES("[Trigger]\nUnit=%s\nFiles=/etc/*.conf",
                                                        "[Trigger]\nUnit=%s\nFiles=/etc/**\n"
                                                        "Action=reload"),
                                        LINES("[Trigger]\nUnit=%s\nFiles=/etc/dir/two") } },
};

static const char *const names[] = { "a.service", "b.service", "c.service", "d@1.service",
        "d@2.service", "a.socket", "d.socket", "a.timer", "c.path", "data.mount", "one.target",
        "two.target", "app.slice", "dist.service", "dbus.service", "systemd-sysctl.service",
        "multi-user.target" };
enum { N_FILES = N_ELEMENTS(files), N_NAMES = N_ELEMENTS(names) };

typedef struct World {
        Contents *contents;
        Tree *before, *after;
        UnitStates *states;
        Debt debts[N_DEBTS];
        size_t n_debts;
} World;

typedef struct Count {
        size_t verbs[N_VERBS], phases[N_PHASES], held_down;
} Count;

static unsigned seed, pair_seed; /* pair_seed: the one that this pair began with */

static unsigned random_below(unsigned limit) {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        return (seed >> 4) % limit;
}

static bool one_in(unsigned n) {
        return random_below(n) == 0;
}

static const char *random_name(void) {
        return names[random_below(N_NAMES)];
}

static void random_slot(unsigned *slot) {
        *slot = one_in(3) ? 1 + random_below(1 << 20) : 0;
}

static void random_files(File *ret_files) {
        for (size_t i = 0; i < N_FILES; i++) {
                ret_files[i] = (File){ .is_there = !one_in(3), .is_masked = one_in(30) };
                for (size_t k = 0; k < N_SLOTS; k++)
                        random_slot(&ret_files[i].slots[k]);
        }
}

/* Most things stay: so single changes are seen for themselves. */
static void change_files(File *changed) {
        for (size_t i = 0; i < N_FILES; i++) {
                if (one_in(12))
                        changed[i].is_there = !changed[i].is_there;
                if (one_in(40))
                        changed[i].is_masked = !changed[i].is_masked;
                for (size_t k = 0; k < N_SLOTS; k++)
                        if (one_in(15))
                                random_slot(&changed[i].slots[k]);
        }
}

static void print_line(FILE *out, const Lines *lines, unsigned slot) {
        if (slot == 0 || lines->n_lines == 0)
                return;
        const char *name = names[slot / lines->n_lines % N_NAMES];
        for (const char *at = lines->lines[slot % lines->n_lines]; *at; at++) {
                if (at[0] == '%' && at[1] == 's') {
                        assert_true(fputs(name, out) >= 0);
                        at++;
                } else
                        assert_true(fputc(*at, out) >= 0);
        }
        assert_true(fputc('\n', out) >= 0);
}

static Content *content_of(Contents *contents, size_t i, const File *file) {
        cleanup_free char *text = NULL;
        size_t size_bytes = 0;
        FILE *out = open_memstream(&text, &size_bytes);
        assert_non_null(out);
        assert_true(fputs(files[i].head, out) >= 0);
        for (size_t k = 0; k < N_SLOTS; k++)
                print_line(out, &files[i].slots[k], file->slots[k]);
        assert_int_equal(fclose(out), 0);
        Content *content = NULL;
        Error error = { 0 };
        if (contents_add(contents, text, size_bytes, &content, &error) < 0)
                fail_msg("%s", error.message);
        if (getenv("VERBOSE"))
                print_message("--- %s\n%s", files[i].path, text);
        return content;
}

static bool is_unit_file(size_t i) {
        return strncmp(files[i].path, "systemd/", 8) == 0 && !strstr(files[i].path, ".d/");
}

static Tree *tree_of(Contents *contents, const File *there) {
        Tree *tree = tree_new();
        assert_non_null(tree);
        for (size_t i = 0; i < N_FILES; i++) {
                if (!there[i].is_there)
                        continue;
                Entry entry = { .root = files[i].root, .path = files[i].path, .mode = 0644 };
                if (there[i].is_masked && is_unit_file(i)) {
                        entry.kind = ENTRY_LINK;
                        entry.target = "/dev/null";
                } else
                        entry.content = content_of(contents, i, &there[i]);
                assert_int_equal(tree_add(tree, &entry), 0);
        }
        Error error = { 0 };
        if (tree_seal(tree, &error) < 0)
                fail_msg("%s", error.message);
        return tree;
}

static UnitStates *random_states(void) {
        static const char *const pairs[][2] = { { "active", "running" }, { "active", "running" },
                { "active", "waiting" }, { "active", "elapsed" }, { "activating", "start" },
                { "activating", "auto-restart" }, { "reloading", "reload" }, { "inactive", "dead" },
                { "inactive", "dead" }, { "failed", "failed" } };
        UnitStates *states = unit_states_new();
        assert_non_null(states);
        for (size_t i = 0; i < N_NAMES; i++) {
                if (one_in(6))
                        continue; /* not listed: inactive */
                const char *const *pair = pairs[random_below(N_ELEMENTS(pairs))];
                const UnitState state = { .name = names[i],
                        .load_state = "loaded",
                        .active_state = pair[0],
                        .sub_state = pair[1],
                        .unit_file_state = one_in(2) ? "enabled" : "disabled",
                        .can_reload = (int) random_below(3) - 1 };
                assert_int_equal(unit_states_set(states, &state), 0);
                if (getenv("VERBOSE"))
                        print_message("%s %s %s\n", state.name, pair[0], pair[1]);
        }
        return states;
}

static void world_init(World *world) {
        static const char *const sides[] = { "before", "after" };
        File there[N_FILES];
        *world = (World){ .contents = contents_new() };
        assert_non_null(world->contents);
        random_files(there);
        if (getenv("VERBOSE"))
                print_message("=== %s\n", sides[0]);
        world->before = tree_of(world->contents, there);
        change_files(there);
        if (getenv("VERBOSE"))
                print_message("=== %s\n", sides[1]);
        world->after = tree_of(world->contents, there);
        world->states = random_states();
        world->n_debts = one_in(3) ? 1 + random_below(N_DEBTS) : 0;
        for (size_t i = 0; i < world->n_debts; i++)
                world->debts[i] = (Debt){ .unit = random_name(),
                        .uid = UINT32_MAX,
                        .verb = (Verb) random_below(VERB_SKIP),
                        .cause = (DebtCause) random_below(DEBT_HELD_DOWN + 1),
                        .reason = "random",
                        .invocation_id = "" };
}

static void world_done(World *world) {
        unit_states_free(world->states);
        tree_free(world->before);
        tree_free(world->after);
        contents_free(world->contents);
}

static Plan *plan_of(const PlanInput *input) {
        Plan *plan = NULL;
        Error error = { 0 };
        if (plan_new(input, &plan, &error) < 0)
                fail_msg("SEED=%u: %s", pair_seed, error.message);
        return plan;
}

/* Every failure names the seed that shows it again, and the unit. */
#define HOLDS(condition, unit)                                                                     \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        fail_msg("SEED=%u: %s: %s does not hold", pair_seed, (unit), #condition);  \
        } while (0)

static PlanInput input_of(const World *world, const Tree *before, const Tree *after) {
        return (PlanInput){ .before = before,
                .after = after,
                .contents = world->contents,
                .states = world->states,
                .debts = world->debts,
                .n_debts = world->n_debts };
}

static void check_action(const World *world, const UnitAction *action) {
        const UnitState *state = unit_states_find(world->states, action->unit);
        HOLDS(action->n_reasons > 0, action->unit);
        for (size_t i = 0; i < action->n_reasons; i++)
                HOLDS(action->reasons[i] && *action->reasons[i], action->unit);
        if (action->verb != VERB_START)
                HOLDS(unit_state_is_on(state), action->unit);
        HOLDS(!action->debt || action->verb == VERB_SKIP, action->unit);
        static const bool belongs[N_VERBS][N_PHASES] = {
                [VERB_STOP] = { [PHASE_STOP] = true, [PHASE_STOP_LATE] = true },
                [VERB_RELOAD] = { [PHASE_RELOAD] = true },
                [VERB_RESTART] = { [PHASE_RESTART] = true },
                [VERB_START] = { [PHASE_START] = true },
        };
        HOLDS(action->verb == VERB_SKIP || belongs[action->verb][action->phase], action->unit);
}

/* A unit is in one verb, once; or it is stopped and later started. One that is on is started only
 * when it is stopped before. */
static void check_unit_once(const World *world, const UnitPlan *units, size_t i) {
        const UnitAction *action = &units->actions[i];
        bool is_stopped = false;
        for (size_t k = 0; k < i; k++) {
                const UnitAction *other = &units->actions[k];
                if (strcmp(other->unit, action->unit) != 0)
                        continue;
                HOLDS(other->verb == VERB_STOP && action->verb == VERB_START && !is_stopped,
                                action->unit);
                is_stopped = true;
        }
        const UnitState *state = unit_states_find(world->states, action->unit);
        if (action->verb == VERB_START && unit_state_is_on(state))
                HOLDS(is_stopped, action->unit);
}

/* Stops before the flip, the last group first; then group by group, each in the order of phases;
 * then what is skipped. */
static void check_order(const UnitAction *previous, const UnitAction *action) {
        bool was_early = previous->verb == VERB_STOP && previous->phase == PHASE_STOP;
        bool is_early = action->verb == VERB_STOP && action->phase == PHASE_STOP;
        if (previous->verb == VERB_SKIP)
                HOLDS(action->verb == VERB_SKIP && strcmp(previous->unit, action->unit) < 0,
                                action->unit);
        if (is_early)
                HOLDS(was_early && previous->group >= action->group, action->unit);
        if (action->verb == VERB_SKIP || was_early || is_early || previous->verb == VERB_SKIP)
                return;
        HOLDS(previous->group < action->group || (previous->group == action->group &&
                                                                 previous->phase <= action->phase),
                        action->unit);
}

/* What is held down is taken down by the plan, and by nothing brought back. */
static void check_held_down(const UnitPlan *units) {
        for (size_t i = 0; i < units->n_held_down; i++) {
                bool is_stopped = false, is_started = false;
                for (size_t k = 0; k < units->n_actions; k++) {
                        if (strcmp(units->actions[k].unit, units->held_down[i]) != 0)
                                continue;
                        is_stopped |= units->actions[k].verb == VERB_STOP;
                        is_started |= units->actions[k].verb != VERB_STOP;
                }
                HOLDS(is_stopped && !is_started, units->held_down[i]);
        }
}

static void check_plan(const World *world, const Plan *plan, Count *count) {
        const UnitPlan *units = &plan->units;
        for (size_t i = 0; i < units->n_actions; i++) {
                const UnitAction *action = &units->actions[i];
                check_action(world, action);
                check_unit_once(world, units, i);
                if (i > 0)
                        check_order(&units->actions[i - 1], action);
                count->verbs[action->verb]++;
                if (action->verb != VERB_SKIP)
                        count->phases[action->phase]++;
        }
        check_held_down(units);
        count->held_down += units->n_held_down;
}

static void check_same(const Plan *left, const Plan *right) {
        HOLDS(left->units.n_actions == right->units.n_actions, "all");
        for (size_t i = 0; i < left->units.n_actions; i++) {
                const UnitAction *a = &left->units.actions[i], *b = &right->units.actions[i];
                HOLDS(strcmp(a->unit, b->unit) == 0, a->unit);
                HOLDS(a->verb == b->verb && a->group == b->group && a->debt == b->debt, a->unit);
                HOLDS(a->phase == b->phase && a->n_reasons == b->n_reasons, a->unit);
                for (size_t k = 0; k < a->n_reasons; k++)
                        HOLDS(strcmp(a->reasons[k], b->reasons[k]) == 0, a->unit);
        }
        HOLDS(left->n_files == right->n_files, "files");
        HOLDS(left->units.n_dragged == right->units.n_dragged, "dragged");
        HOLDS(left->units.daemon == right->units.daemon, "daemon");
}

/* Planning again gives the same, with the draft of the first time and without. */
static void check_pair(const World *world, Count *count) {
        PlanInput input = input_of(world, world->before, world->after);
        cleanup(plan_draft_freep) PlanDraft *draft = plan_draft_new();
        assert_non_null(draft);
        input.draft = draft;
        cleanup(plan_freep) Plan *plan = plan_of(&input);
        check_plan(world, plan, count);
        if (one_in(2))
                input.draft = NULL;
        cleanup(plan_freep) Plan *again = plan_of(&input);
        check_same(plan, again);
}

static void check_nothing(const World *world, const Tree *tree) {
        PlanInput input = input_of(world, tree, tree);
        input.n_debts = 0;
        cleanup(plan_freep) Plan *plan = plan_of(&input);
        HOLDS(plan->units.n_actions == 0, plan->units.actions[0].unit);
        HOLDS(plan->n_files == 0 && plan_is_empty(plan), "files");
        HOLDS(plan->units.daemon == DAEMON_NONE, "daemon");
}

/* No unit of an image acts. */
static void check_image(const World *world) {
        PlanInput input = input_of(world, world->before, world->after);
        input.everything_off = true;
        input.n_debts = 0;
        input.states = NULL;
        cleanup(plan_freep) Plan *plan = plan_of(&input);
        HOLDS(plan->units.n_actions == 0, plan->units.actions[0].unit);
}

static size_t n_pairs(void) {
        const char *is_long = getenv("LONG");
        return is_long && *is_long ? N_PAIRS_LONG : N_PAIRS;
}

static void test_plan_random__what_holds_of_every_plan(void **state) {
        (void) state;
        Count count = { 0 };
        const char *given = getenv("SEED");
        unsigned first_seed = given ? (unsigned) strtoul(given, NULL, 0) : 20260701;
        print_message("SEED=%u\n", first_seed);
        for (size_t i = 0; i < n_pairs(); i++) {
                pair_seed = first_seed + (unsigned) i * 2654435761U;
                pair_seed += pair_seed == 0; /* where it would stay */
                seed = pair_seed;
                World world;
                world_init(&world);
                check_pair(&world, &count);
                check_nothing(&world, one_in(2) ? world.before : world.after);
                check_image(&world);
                world_done(&world);
        }
        for (size_t i = 0; i < N_VERBS; i++)
                print_message("%s %zu, ", verb_to_string((Verb) i), count.verbs[i]);
        print_message("held down %zu\n", count.held_down);
        /* none of this was shown by its absence */
        for (size_t i = 0; i < N_VERBS; i++)
                assert_true(count.verbs[i] > 20);
        for (size_t i = 0; i < N_PHASES; i++)
                assert_true(count.phases[i] > 20);
        assert_true(count.held_down > 20);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_random__what_holds_of_every_plan),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
