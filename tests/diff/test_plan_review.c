/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_dot.h"
#include "diff/plan_markdown.h"
#include "diff/plan_stat.h"

#include "sample_plan.h"
#include "tests/support/cmocka.h"

#include <string.h>

/* What a reviewer is shown: the plan as Markdown, as a graph, and the files in short. */

static char *take(Text *text) {
        char *string;
        assert_int_equal(text_take(text, &string), 0);
        return string;
}

static char *markdown_of(const Plan *plan, const char *title) {
        cleanup(text_donep) Text text = { 0 };
        cleanup(contents_freep) Contents *contents = contents_new();
        Error error;
        assert_non_null(contents);
        assert_int_equal(plan_to_markdown(plan, contents, title, &text, &error), 0);
        return take(&text);
}

static void assert_has(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("no '%s' in:\n%s", part, text);
}

static void test_plan_markdown__sums_up_and_gives_reasons(void **state) {
        (void) state;
        cleanup_free char *text = markdown_of(&sample_plan, "main:a|b → <HEAD>");
        assert_has(text, "### main:a\\|b → \\<HEAD\\>\n\n"
                         "**5 files change; units: 1 stopped, 1 started, 1 restarted, 1 reloaded, "
                         "1 skipped, 2 more brought along; a reboot is needed.**\n\n"
                         "| action | unit | why |\n| --- | --- | --- |\n"
                         "| stop | `old.service` | its text changed |\n"
                         "| reload | `nginx.service` | /etc/nginx/nginx.conf changed ← "
                         "\\[Trigger\\] profile.conf:9 |\n");
        assert_has(text, "| stop (dragged along) | `worker.service` | old.service ← Requires |\n");
        assert_has(text, "| start (triggered) | `watch.service` | watch.path ← PathChanged |\n");
        assert_has(text, "> **Note:** The daemon-reload itself stops x.service\n");
        assert_has(text, "| action | unit of user 1000 | why |\n");
        assert_has(text, "**Initrds made anew:**\n"
                         "- `6.1.0-50-amd64`: dm\\_mod comes, it loads dm\\_mod\n");
        assert_has(text, "**Reboot needed:**\n- the kernel's command line changed\n");
}

static void test_plan_markdown__folds_the_patches(void **state) {
        (void) state;
        cleanup_free char *text = markdown_of(&sample_plan, "x");
        assert_has(text,
                        "<details><summary>changed <code>/etc/nginx/nginx.conf</code></summary>\n\n"
                        "```diff\ndiff --git a/etc/nginx/nginx.conf b/etc/nginx/nginx.conf\n");
        assert_has(text, "@@ -1 +1 @@\n-old\n+new\n```\n\n</details>\n");
        assert_has(text, "<summary>removed <code>/etc/localtime</code>");
        assert_null(strstr(text, "/etc/new</code>")); /* implied */
}

/* The key's text is the only one with "old" that is no secret elsewhere: its patch has neither. */
static void test_plan_markdown__keeps_secrets(void **state) {
        (void) state;
        TreeChange files[] = { sample_files[4] };
        const Plan plan = { .files = files, .n_files = 1 };
        cleanup_free char *text = markdown_of(&plan, "x");
        assert_has(text, "<code>/etc/ssl/key.pem</code>");
        assert_null(strstr(text, "-old"));
        assert_null(strstr(text, "+new"));
}

static void test_plan_markdown__cannot_be_ended_by_a_file(void **state) {
        (void) state;
        static Content content = {
                .digest.bytes = { 0x03 }, .size_bytes = 22, .data = "````\n</details>\n<b>\n``"
        };
        const Entry entry = SAMPLE_FILE("a<b>&`c", &content, false);
        TreeChange files[] = { { NULL, &entry } };
        const Plan plan = { .files = files, .n_files = 1 };
        cleanup_free char *text = markdown_of(&plan, "x");
        assert_has(text, "<code>/etc/a&lt;b>&amp;`c</code>");
        assert_has(text, "\n`````diff\n");
        assert_has(text, "\n`````\n\n</details>\n");
}

static void test_plan_markdown__leaves_out_what_is_too_long(void **state) {
        (void) state;
        enum { BYTES = 30000 };
        static char lines[BYTES + 1];
        for (size_t i = 0; i < BYTES; i++)
                lines[i] = i % 50 == 49 ? '\n' : 'x';
        static Content content = { .digest.bytes = { 0x04 }, .size_bytes = BYTES, .data = lines };
        const Entry first = SAMPLE_FILE("1", &content, false),
                    second = SAMPLE_FILE("2", &content, false);
        TreeChange files[] = { { NULL, &first }, { NULL, &second } };
        const Plan plan = { .files = files, .n_files = 2 };
        cleanup_free char *text = markdown_of(&plan, "x");
        assert_has(text, "\n1 more file: too long to show here.\n");
        assert_true(strlen(text) < 65536);
}

static void test_plan_markdown__says_that_nothing_changes(void **state) {
        (void) state;
        const Plan empty = { 0 };
        cleanup_free char *text = markdown_of(&empty, "A → B");
        assert_string_equal(text, "### A → B\n\n**Nothing changes.**\n");
}

static void test_plan_dot__leads_from_what_changed_to_the_unit(void **state) {
        (void) state;
        cleanup(text_donep) Text graph = { 0 };
        plan_to_dot(&sample_plan, &graph);
        cleanup_free char *text = take(&graph);
        assert_has(text, "digraph sysswitch {\n");
        assert_has(text, "\t\"nginx.service\" [color=\"blue\", xlabel=\"reload\"];\n"
                         "\t\"nginx.service: [Trigger] profile.conf:9\" "
                         "[label=\"[Trigger] profile.conf:9\"];\n"
                         "\t\"/etc/nginx/nginx.conf changed\"->"
                         "\"nginx.service: [Trigger] profile.conf:9\" [color=\"blue\"];\n"
                         "\t\"nginx.service: [Trigger] profile.conf:9\"->\"nginx.service\" "
                         "[color=\"blue\"];\n");
        assert_has(text, "\t\"old.service\"->\"worker.service\" [style=\"dashed\", "
                         "color=\"red\", label=\"Requires\"];\n");
        assert_has(text, "\tsubgraph \"cluster_user_1000\" {\n");
        assert_has(text, "\t\"1000:agent.service\" [");
        UnitAction action = { .unit = "a\\x2d\"b.service", .verb = VERB_START };
        const Plan odd = { .units = { .actions = &action, .n_actions = 1 } };
        cleanup(text_donep) Text other = { 0 };
        plan_to_dot(&odd, &other);
        assert_has(other.data, "\"a\\\\x2d\\\"b.service\"");
}

/* The file comes first, wherever a chain has it; without one, what all began with. */
static void test_plan_dot__begins_with_the_file(void **state) {
        (void) state;
        const char *const setting[] = { "Service.Nice changed", "/etc/systemd/system/a.service" };
        const char *const wanted[] = { "newly wanted", "Enable= in profile.conf" };
        UnitAction actions[] = {
                { .unit = "a.service", .verb = VERB_RESTART, .reasons = setting, .n_reasons = 2 },
                { .unit = "b.service", .verb = VERB_START, .reasons = wanted, .n_reasons = 2 },
        };
        const Plan plan = { .units = { .actions = actions, .n_actions = 2 } };
        cleanup(text_donep) Text graph = { 0 };
        plan_to_dot(&plan, &graph);
        assert_has(graph.data, "\t\"/etc/systemd/system/a.service\"->\"a.service: Service.Nice "
                               "changed\" ");
        assert_has(graph.data, "\t\"a.service: Service.Nice changed\"->\"a.service\" ");
        assert_has(graph.data,
                        "\t\"b.service: Enable= in profile.conf\"->\"b.service: newly wanted\" ");
        assert_has(graph.data, "\t\"b.service: newly wanted\"->\"b.service\" ");
}

/* The unit that runs a container is told as the container; what is done inside stands apart. */
static void test_plan_review__tells_of_containers(void **state) {
        (void) state;
        UnitAction actions[] = {
                { .unit = "container-web.service", .container = "web", .verb = VERB_RELOAD },
                { .unit = "container-db.service", .container = "db", .verb = VERB_RESTART },
        };
        UnitAction inside = { .unit = "nginx.service", .verb = VERB_START };
        ContainerPlan containers[] = {
                { .name = "web", .units = { .actions = &inside, .n_actions = 1 } },
        };
        ContainerSet sets[] = { { .name = "small" } };
        const Plan plan = {
                .units = { .actions = actions, .n_actions = 2, .sets = sets, .n_sets = 1 },
                .containers = containers,
                .n_containers = 1,
        };
        cleanup_free char *text = markdown_of(&plan, "x");
        assert_has(text, "units: none acts; containers: 1 to reboot, 1 to activate.**\n\n"
                         "| action | unit or container | why |\n| --- | --- | --- |\n"
                         "| activate | `web` |  |\n| reboot | `db` |  |\n"
                         "| set live | `small` |  |\n\n"
                         "| action | unit inside web | why |\n| --- | --- | --- |\n"
                         "| start | `nginx.service` |  |\n");
        cleanup(text_donep) Text graph = { 0 };
        plan_to_dot(&plan, &graph);
        assert_has(graph.data, "\t\"web\" [color=\"blue\", xlabel=\"activate\"];\n");
        assert_has(graph.data,
                        "\t\"web:nginx.service\" [color=\"darkgreen\", xlabel=\"start\"];\n");
}

static void test_plan_stat__counts_lines(void **state) {
        (void) state;
        cleanup(text_donep) Text stat = { 0 }, names = { 0 };
        cleanup(contents_freep) Contents *contents = contents_new();
        Error error;
        assert_non_null(contents);
        assert_int_equal(plan_to_stat(&sample_plan, contents, false, &stat, &error), 0);
        assert_has(stat.data, " /etc/nginx/nginx.conf |     2 +-\n");
        assert_has(stat.data, " /etc/ssl/key.pem      | not by lines\n");
        assert_has(stat.data, " 5 files changed, 2 insertions(+), 3 deletions(-)\n");
        plan_to_names(&sample_plan, &names);
        assert_string_equal(names.data, "/etc/localtime\n/etc/nginx/nginx.conf\n"
                                        "\"/etc/odd\\nname\"\n/etc/ssl/key.pem\nhooks/10-old\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_markdown__sums_up_and_gives_reasons),
                cmocka_unit_test(test_plan_markdown__folds_the_patches),
                cmocka_unit_test(test_plan_markdown__keeps_secrets),
                cmocka_unit_test(test_plan_markdown__cannot_be_ended_by_a_file),
                cmocka_unit_test(test_plan_markdown__leaves_out_what_is_too_long),
                cmocka_unit_test(test_plan_markdown__says_that_nothing_changes),
                cmocka_unit_test(test_plan_dot__leads_from_what_changed_to_the_unit),
                cmocka_unit_test(test_plan_dot__begins_with_the_file),
                cmocka_unit_test(test_plan_review__tells_of_containers),
                cmocka_unit_test(test_plan_stat__counts_lines),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
