/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which programs a preflight looks for, and what the trees themselves tell of them. */

#include "diff/program.h"

#include "base/text.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

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

/* The programs of the plan from the one source to the other: "unit key path" in lines. */
static void expect_programs(const SampleFile *before, const SampleFile *after, const char *wanted) {
        Contents *contents = contents_new();
        assert_non_null(contents);
        Tree *old = render_into(contents, before), *new = render_into(contents, after);
        const PlanInput input = { .before = old, .after = new, .contents = contents };
        Plan *plan = NULL;
        Error error;
        if (plan_new(&input, &plan, &error) < 0)
                fail_msg("%s", error.message);
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < plan->units.n_programs; i++)
                text_addf(&text, "%s %s %s\n", plan->units.programs[i].unit,
                                plan->units.programs[i].key, plan->units.programs[i].path);
        assert_string_equal(text.data ? text.data : "", wanted);
        plan_free(plan);
        tree_free(old);
        tree_free(new);
        contents_free(contents);
}

static const SampleFile none[] = { { NULL, NULL } };

static void test_program__is_of_changed_units_only(void **state) {
        (void) state;
        const SampleFile before[] = {
                { "units/same.service", "[Service]\nExecStart=/opt/same\n" },
                { "units/other.service", "[Service]\nExecStart=/opt/old\n" },
                { "units/gone.service", "[Service]\nExecStart=/opt/gone\n" },
                { NULL, NULL },
        };
        const SampleFile after[] = {
                { "units/same.service", "[Service]\nExecStart=/opt/same\n" },
                { "units/other.service", "[Service]\nExecStart=/opt/new\n" },
                { "units/masked.service", "-> /dev/null" },
                { NULL, NULL },
        };
        expect_programs(before, after, "other.service ExecStart /opt/new\n");
        expect_programs(after, after, "");
}

static void test_program__is_read_from_every_key(void **state) {
        (void) state;
        const SampleFile after[] = {
                { "units/a.service", "[Service]\nExecStart=@/opt/one name\nExecStartPre=+/opt/pre\n"
                                     "ExecCondition=/opt/condition\nExecStartPost=!!/opt/post\n"
                                     "ExecReload=:/opt/reload\nExecStop=/opt/stop -x\n"
                                     "ExecStopPost=\"/opt/stop post\" x\n" },
                { "units/b.service", "[Service]\nType=oneshot\nExecStart=/opt/1 ; /opt/2 \\; x ; "
                                     "-/opt/3\n"
                                     "[Unit]\nExecStart=/opt/wrong-section\n" },
                { "units/c.service", "[Service]\nExecStart=/opt/early\n" },
                { "units/c.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/opt/late\n" },
                { "units/d.service.d/a.conf", "[Service]\nExecStartPre=/opt/drop-in\n" },
                { "units/s.socket", "[Socket]\nListenStream=1\nExecStartPre=/opt/s\n"
                                    "ExecStopPre=/opt/t\n" },
                { NULL, NULL },
        };
        expect_programs(none, after,
                        "a.service ExecCondition /opt/condition\n"
                        "a.service ExecStartPre /opt/pre\n"
                        "a.service ExecStart /opt/one\n"
                        "a.service ExecStartPost /opt/post\n"
                        "a.service ExecReload /opt/reload\n"
                        "a.service ExecStop /opt/stop\n"
                        "a.service ExecStopPost /opt/stop post\n"
                        "b.service ExecStart /opt/1\n"
                        "b.service ExecStart /opt/2\n"
                        "c.service ExecStart /opt/late\n"
                        "d.service ExecStartPre /opt/drop-in\n"
                        "s.socket ExecStartPre /opt/s\n"
                        "s.socket ExecStopPre /opt/t\n");
}

static void test_program__is_left_out_where_it_cannot_be_known(void **state) {
        (void) state;
        const SampleFile after[] = {
                { "units/a.service",
                                "[Service]\nExecStart=true\nExecStartPre=-/opt/may-be-missing\n"
                                "ExecStartPre=@-/opt/this-too x\nExecStartPre=/opt/%i\n"
                                "ExecStartPre=/opt/$X\nExecStop=/run/made\nExecStop=/tmp/made\n" },
                { "units/t@.service", "[Service]\nExecStart=/opt/template\n" },
                { "units/r.service", "[Service]\nRootDirectory=/srv/r\nExecStart=/opt/r\n" },
                { "units/b.service", "[Service]\nBindPaths=/srv/b:/opt\nExecStart=/opt/b\n" },
                { "units/m.service", "[Service]\nExecStart=/srv/app/bin/m\n" },
                { "etc/fstab", "/dev/vdb /srv/app ext4 defaults 0 0\n" },
                { NULL, NULL },
        };
        expect_programs(none, after, "");
}

typedef struct PlaceRow {
        const char *path;
        int place;
        const char *led; /* of PROGRAM_ELSEWHERE */
} PlaceRow;

static void test_program__place_is_told_by_the_trees(void **state) {
        (void) state;
        const SampleFile before[] = { { "etc/leaves", "#!/bin/sh\n" }, { NULL, NULL } };
        const SampleFile after[] = {
                { "etc/tool", "#!/bin/sh\n" },
                { "etc/text", "no program\n" },
                { "etc/to-tool", "-> tool" },
                { "etc/to-host", "-> ../usr/bin/env" },
                { "etc/sub/deep/tool", "#!/bin/sh\n" },
                { "etc/to-sub", "-> sub/deep" },
                { "etc/circle", "-> circle" },
                { NULL, NULL },
        };
        static const PlaceRow rows[] = {
                { "/usr/bin/env", PROGRAM_ELSEWHERE, "/usr/bin/env" },
                { "/etc/unknown", PROGRAM_ELSEWHERE, "/etc/unknown" },
                { "/etc/tool", PROGRAM_COMES, NULL },
                { "/etc/text", PROGRAM_IS_PLAIN, NULL },
                { "/etc/sub", PROGRAM_IS_PLAIN, NULL },
                { "/etc/leaves", PROGRAM_LEAVES, NULL },
                { "/etc/to-tool", PROGRAM_COMES, NULL },
                { "/etc/to-host", PROGRAM_ELSEWHERE, "/usr/bin/env" },
                { "/etc/to-sub/tool", PROGRAM_COMES, NULL },
                { "/etc/to-sub/none", PROGRAM_ELSEWHERE, "/etc/sub/deep/none" },
                { "/etc/circle", PROGRAM_ELSEWHERE, "/etc/circle" },
        };
        Contents *contents = contents_new();
        assert_non_null(contents);
        Tree *old = render_into(contents, before), *new = render_into(contents, after);
        cleanup(arena_donep) Arena arena = { 0 };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                const char *led = NULL;
                int place = program_place(old, new, &arena, rows[i].path, &led);
                if (place != rows[i].place)
                        fail_msg("%s: got %d", rows[i].path, place);
                if (rows[i].led)
                        assert_string_equal(led, rows[i].led);
        }
        tree_free(old);
        tree_free(new);
        contents_free(contents);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_program__is_of_changed_units_only),
                cmocka_unit_test(test_program__is_read_from_every_key),
                cmocka_unit_test(test_program__is_left_out_where_it_cannot_be_known),
                cmocka_unit_test(test_program__place_is_told_by_the_trees),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
