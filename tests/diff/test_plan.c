/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a plan says beside its actions. The rules of these are in tests/cases. */

#include "diff/container.h"
#include "diff/plan.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Tree *render_into(Contents *contents, const SampleFile *files) {
        Sample sample;
        Tree *tree = NULL;
        Error error;
        sample_prepare(&sample, files, NULL);
        for (size_t i = 0; i < sample.source->n_entries; i++) {
                SourceEntry *entry = &sample.source->entries[i];
                if (entry->content)
                        assert_int_equal(contents_add(contents, entry->content->data,
                                                         entry->content->size_bytes,
                                                         &entry->content, NULL),
                                        0);
        }
        if (render(sample.source, contents, NULL, &tree, &error) < 0)
                fail_msg("%s", error.message);
        sample_done(&sample);
        return tree;
}

typedef struct World {
        Contents *contents;
        Tree *before, *after;
        Plan *plan;
} World;

static void world_init(
                World *world, const SampleFile *before, const SampleFile *after, bool is_image) {
        *world = (World){ .contents = contents_new() };
        assert_non_null(world->contents);
        world->before = render_into(world->contents, before);
        world->after = render_into(world->contents, after);
        const PlanInput input = {
                .before = world->before,
                .after = world->after,
                .contents = world->contents,
                .everything_off = is_image,
        };
        Error error;
        if (plan_new(&input, &world->plan, &error) < 0)
                fail_msg("%s", error.message);
}

static void world_done(World *world) {
        plan_free(world->plan);
        tree_free(world->before);
        tree_free(world->after);
        contents_free(world->contents);
}

static const SampleFile none[] = { { NULL, NULL } };

static void test_plan__names_the_hooks_that_run(void **state) {
        (void) state;
        static const SampleFile files[] = { { "hooks/20-b", "#!/bin/sh\n" },
                { "hooks/10-a", "#!/bin/sh\n" }, { "etc/motd", "one\n" }, { NULL, NULL } };
        World world;
        world_init(&world, none, files, false);
        assert_int_equal(world.plan->n_hooks, 2);
        assert_string_equal(world.plan->hooks[0], "10-a");
        assert_string_equal(world.plan->hooks[1], "20-b");
        world_done(&world);
        world_init(&world, files, files, false); /* nothing is done */
        assert_int_equal(world.plan->n_hooks, 0);
        world_done(&world);
        world_init(&world, none, files, true); /* nothing runs in an image */
        assert_int_equal(world.plan->n_hooks, 0);
        world_done(&world);
}

/* Of the kernel that runs; that of another one is another boot's. */
static void test_plan__an_initrd_that_is_made_takes_a_reboot(void **state) {
        (void) state;
        static const char *const reasons[] = { "a comes" };
        PlanInitrd made = { .kernel = "6.1", .reasons = reasons, .n_reasons = 1 };
        Contents *contents = contents_new();
        assert_non_null(contents);
        Tree *tree = render_into(contents, none);
        PlanInput input = { .before = tree,
                .after = tree,
                .contents = contents,
                .kernel = { .version = "6.1" },
                .initrds = &made,
                .n_initrds = 1 };
        for (int i = 0; i < 2; i++) {
                Plan *plan = NULL;
                assert_int_equal(plan_new(&input, &plan, NULL), 0);
                assert_int_equal(plan->n_reboot_needed, i == 0);
                if (i == 0)
                        assert_string_equal(
                                        plan->reboot_needed[0], "the initrd of 6.1 is made anew");
                assert_int_equal(plan->n_of_boot_loader, 0);
                plan_free(plan);
                made.kernel = "6.2";
        }
        tree_free(tree);
        contents_free(contents);
}

#define SERVICE "[Service]\nExecStart=/bin/true\n"

static void test_plan__reloads_no_manager_of_an_image(void **state) {
        (void) state;
        static const SampleFile files[] = { { "units/a.service", SERVICE }, { NULL, NULL } };
        World world;
        world_init(&world, none, files, false);
        assert_int_equal(world.plan->units.daemon, DAEMON_RELOAD);
        world_done(&world);
        world_init(&world, none, files, true);
        assert_int_equal(world.plan->units.daemon, DAEMON_NONE);
        assert_int_equal(world.plan->units.n_daemon_reasons, 0);
        world_done(&world);
}

static void test_plan__tells_what_came_and_went(void **state) {
        (void) state;
        static const SampleFile before[] = { { "units/a.service", SERVICE },
                { "units/b.service", SERVICE },
                { "units/b.service.d/x.conf", "[Service]\nNice=1\n" },
                { "units/c.service.d/x.conf", "[Service]\nNice=1\n" }, { NULL, NULL } };
        static const SampleFile after[] = { { "units/a.service", SERVICE },
                { "units/a.service.d/x.conf", "[Service]\nNice=1\n" },
                { "units/b.service", SERVICE },
                { "units/c.service.d/x.conf", "[Service]\nNice=2\n" }, { NULL, NULL } };
        static const char *const expected[] = { "/etc/systemd/system/a.service.d/x.conf added",
                "/etc/systemd/system/b.service.d/x.conf removed",
                "/etc/systemd/system/c.service.d/x.conf changed" };
        World world;
        world_init(&world, before, after, false);
        assert_int_equal(world.plan->units.n_daemon_reasons, N_ELEMENTS(expected));
        for (size_t i = 0; i < N_ELEMENTS(expected); i++)
                assert_string_equal(world.plan->units.daemon_reasons[i], expected[i]);
        world_done(&world);
}

/* What the manager has to load anew, so that it can be asked what it makes of it. */
static void test_plan__names_units_that_come_with_another_text(void **state) {
        (void) state;
        static const SampleFile before[] = { { "units/gone.service", SERVICE },
                { "units/masked.service", SERVICE }, { "units/same.service", SERVICE },
                { "units/text.timer", "[Timer]\nOnCalendar=daily\n" },
                { "units/template@.service", SERVICE }, { NULL, NULL } };
        static const SampleFile after[] = {
                { "units/drop-in.service.d/x.conf", "[Service]\nNice=1\n" },
                { "units/masked.service", "" }, { "units/new.service", SERVICE },
                { "units/same.service", SERVICE },
                { "units/text.timer", "[Timer]\nOnCalendar=dayly\n" },
                { "units/template@.service", "[Service]\nExecStart=/bin/false\n" }, { NULL, NULL }
        };
        static const UnitChanged expected[] = { { "drop-in.service", false },
                { "new.service", true }, { "text.timer", true } };
        World world;
        world_init(&world, before, after, false);
        const UnitPlan *units = &world.plan->units;
        assert_int_equal(units->n_changed, N_ELEMENTS(expected));
        for (size_t i = 0; i < N_ELEMENTS(expected); i++) {
                assert_string_equal(units->changed[i].unit, expected[i].unit);
                assert_int_equal(units->changed[i].is_defined, expected[i].is_defined);
        }
        world_done(&world);
}

/* What it is to find up, and what each start asks for besides, is brought up with it. */
static void check_requisite(const char *text, bool is_dragged) {
        const SampleFile mount = { "units/run-m.mount",
                "[Mount]\nWhat=tmpfs\nWhere=/run/m\n[Install]\nWantedBy=local-fs.target\n" };
        const SampleFile before[] = { mount, { NULL, NULL } };
        const SampleFile after[] = { mount, { "units/a.service", text }, { NULL, NULL } };
        const UnitState off = { .name = "run-m.mount",
                .load_state = "loaded",
                .active_state = "inactive",
                .sub_state = "dead",
                .unit_file_state = "enabled" };
        World world = { .contents = contents_new() };
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        assert_true(world.contents && states);
        assert_int_equal(unit_states_set(states, &off), 0);
        world.before = render_into(world.contents, before);
        world.after = render_into(world.contents, after);
        const PlanInput input = { .before = world.before,
                .after = world.after,
                .contents = world.contents,
                .states = states };
        assert_int_equal(plan_new(&input, &world.plan, NULL), 0);
        const UnitPlan *units = &world.plan->units;
        assert_int_equal(units->n_actions, 1);
        assert_int_equal(units->n_dragged, is_dragged ? 1 : 0);
        if (is_dragged) {
                assert_string_equal(units->dragged[0].unit, "run-m.mount");
                assert_string_equal(units->dragged[0].via, "Requisite");
        }
        world_done(&world);
}

static void test_plan__starts_what_is_to_be_up_early(void **state) {
        (void) state;
        static const char service[] = SERVICE "[Install]\nWantedBy=multi-user.target\n";
        static const char *const heads[] = { "[Unit]\nRequisite=run-m.mount\n",
                "[Unit]\nRequisite=run-m.mount\nDefaultDependencies=no\n",
                "[Unit]\nAfter=run-m.mount\n" };
        for (size_t i = 0; i < N_ELEMENTS(heads); i++) {
                char text[256];
                (void) snprintf(text, sizeof(text), "%s%s", heads[i], service);
                check_requisite(text, i == 0);
        }
}

#define WEB "containers/web.nspawn", "[Exec]\nHostname=web\n"
#define DROP_IN "units/container-web.service.d/x.conf", "[Service]\nNice=1\n"
#define INSIDE "containers/web/etc/motd", "one\n"

/* The container's unit as a version of sysswitch writes it that has another KillMode=. */
typedef enum Version { VERSION_SAME_NAME, VERSION_OTHER_NAME, VERSION_WITHOUT_NAME } Version;

static void rewrite(Contents *contents, Tree *tree, Version version) {
        Entry *entry = NULL;
        for (size_t i = 0; i < tree->n_entries && !entry; i++)
                if (tree->entries[i].root == ROOT_ETC &&
                                strcmp(tree->entries[i].path,
                                                "systemd/system/container-web.service") == 0)
                        entry = &tree->entries[i];
        assert_non_null(entry);
        char *text = strdup(entry->content->data);
        char *key = text ? strstr(text, CONTAINER_TEMPLATE_KEY "=") : NULL;
        char *mode = text ? strstr(text, "KillMode=mixed") : NULL;
        assert_true(key && mode);
        memcpy(mode, "KillMode=group", strlen("KillMode=group"));
        if (version != VERSION_SAME_NAME) /* a digit of the name, or a letter of the key */
                key[version == VERSION_OTHER_NAME ? strlen(CONTAINER_TEMPLATE_KEY "=") : 2] ^= 1;
        assert_int_equal(contents_add(contents, text, strlen(text), &entry->content, NULL), 0);
        free(text);
}

/* Side by side with what this version makes of the other source, whichever comes first. */
static void check_rewritten(const SampleFile *others,
                const SampleFile *own,
                Version version,
                bool is_back,
                Verb verb) {
        static const char why[] = "this version of sysswitch writes its unit otherwise";
        World world = { .contents = contents_new() };
        assert_non_null(world.contents);
        world.before = render_into(world.contents, others);
        world.after = render_into(world.contents, own);
        rewrite(world.contents, is_back ? world.after : world.before, version);
        const PlanInput input = {
                .before = world.before, .after = world.after, .contents = world.contents
        };
        assert_int_equal(plan_new(&input, &world.plan, NULL), 0);
        assert_int_equal(world.plan->units.n_actions, 1);
        const UnitAction *action = &world.plan->units.actions[0];
        assert_int_equal(action->verb, verb);
        assert_true(action->debt == (verb == VERB_SKIP));
        if (verb == VERB_SKIP)
                assert_string_equal(action->reasons[0], why);
        if (verb == VERB_RELOAD)
                assert_string_equal(action->leaves_restart, why);
        world_done(&world);
}

static void test_plan__leaves_what_only_sysswitch_writes_otherwise(void **state) {
        (void) state;
        static const SampleFile before[] = { { WEB }, { DROP_IN }, { INSIDE }, { NULL, NULL } };
        static const struct {
                Version version;
                SampleFile after[5];
                Verb verb;
        } rows[] = {
                { VERSION_OTHER_NAME, { { WEB }, { DROP_IN }, { INSIDE } }, VERB_SKIP },
                { VERSION_SAME_NAME, { { WEB }, { DROP_IN }, { INSIDE } }, VERB_RESTART },
                { VERSION_OTHER_NAME,
                                { { WEB }, { DROP_IN }, { "containers/web/etc/motd", "two\n" } },
                                VERB_RELOAD },
                { VERSION_OTHER_NAME,
                                { { "containers/web.nspawn", "[Exec]\nHostname=www\n" },
                                                { DROP_IN }, { INSIDE } },
                                VERB_RESTART },
                { VERSION_OTHER_NAME,
                                { { WEB },
                                                { "units/container-web.service.d/x.conf",
                                                                "[Service]\nNice=2\n" },
                                                { INSIDE } },
                                VERB_RESTART },
                { VERSION_OTHER_NAME, { { WEB }, { INSIDE } }, VERB_RESTART },
                { VERSION_OTHER_NAME,
                                { { WEB }, { DROP_IN }, { INSIDE },
                                                { "profile.conf", "[Container]\nName=web\n"
                                                                  "Root=/srv/web\n" } },
                                VERB_RESTART },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                for (int is_back = 0; is_back <= 1; is_back++) {
                        check_rewritten(before, rows[i].after, rows[i].version, is_back,
                                        rows[i].verb);
                        if (rows[i].version == VERSION_OTHER_NAME)
                                check_rewritten(before, rows[i].after, VERSION_WITHOUT_NAME,
                                                is_back, rows[i].verb);
                }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan__an_initrd_that_is_made_takes_a_reboot),
                cmocka_unit_test(test_plan__leaves_what_only_sysswitch_writes_otherwise),
                cmocka_unit_test(test_plan__names_the_hooks_that_run),
                cmocka_unit_test(test_plan__reloads_no_manager_of_an_image),
                cmocka_unit_test(test_plan__starts_what_is_to_be_up_early),
                cmocka_unit_test(test_plan__tells_what_came_and_went),
                cmocka_unit_test(test_plan__names_units_that_come_with_another_text),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
