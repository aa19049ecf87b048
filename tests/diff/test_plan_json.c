/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_json.h"

#include "sample_plan.h"
#include "tests/support/cmocka.h"

#include <jansson.h>
#include <string.h>

static char *json_of(const PlanJsonInput *input) {
        Error error = { 0 };
        char *json = NULL;
        assert_int_equal(plan_to_json(input, &json, &error), 0);
        return json;
}

static json_t *parsed(const PlanJsonInput *input) {
        cleanup_free char *json = json_of(input);
        json_t *value = json_loads(json, 0, NULL);
        assert_non_null(value);
        assert_int_equal(json[strlen(json) - 1], '\n');
        return value;
}

static const PlanJsonInput sample_input = {
        .plan = &sample_plan,
        .from = { .profile = "system", .generation = 3 },
        .to = { .generation = -1, .source = "examples/edge1" },
        .fit = &sample_fit,
};

/* As text, in order: what reads a plan may compare it with another one line by line. */
static void expect(const json_t *plan, const char *key, const char *wanted) {
        cleanup_free char *got =
                        json_dumps(json_object_get(plan, key), JSON_COMPACT | JSON_ENCODE_ANY);
        assert_non_null(got);
        assert_string_equal(got, wanted);
}

static void test_plan_json__is_as_documented(void **state) {
        (void) state;
        json_t *plan = parsed(&sample_input);
        expect(plan, "schema", "1");
        expect(plan, "from", "{\"profile\":\"system\",\"generation\":3}");
        expect(plan, "to", "{\"source\":\"examples/edge1\"}");
        expect(plan, "units",
                        "{\"stop\":[{\"unit\":\"old.service\",\"reason\":[\"its text changed\"]}],"
                        "\"start\":[{\"unit\":\"old.service\",\"reason\":[\"its text changed\"]}],"
                        "\"restart\":[],"
                        "\"reload\":[{\"unit\":\"nginx.service\",\"reason\":[\"/etc/nginx/"
                        "nginx.conf changed\","
                        "\"[Trigger] profile.conf:9\"]}],"
                        "\"skip\":[{\"unit\":\"dbus.service\",\"reason\":[\"its text "
                        "changed\",\"dbus.service is protected\"]}],"
                        "\"dragged\":[{\"unit\":\"worker.service\",\"by\":\"old.service\",\"via\":"
                        "\"Requires\",\"verb\":\"stop\"}],"
                        "\"triggered\":[{\"unit\":\"watch.service\",\"by\":\"watch.path\",\"via\":"
                        "\"PathChanged\","
                        "\"verb\":\"start\"}]}");
        expect(plan, "users",
                        "{\"1000\":{\"stop\":[],\"start\":[],\"restart\":[{\"unit\":\"agent."
                        "service\","
                        "\"reason\":[\"its text "
                        "changed\"]}],\"reload\":[],\"skip\":[],\"dragged\":[],\"triggered\":[]}}");
        expect(plan, "actions",
                        "[{\"unit\":\"old.service\",\"verb\":\"stop\",\"phase\":\"stop\"},"
                        "{\"unit\":\"nginx.service\",\"verb\":\"reload\",\"phase\":\"reload\"},"
                        "{\"unit\":\"old.service\",\"verb\":\"start\",\"phase\":\"start\"},"
                        "{\"unit\":\"agent.service\",\"verb\":\"restart\",\"phase\":\"restart\","
                        "\"user\":1000}]");
        expect(plan, "daemon", "\"reload\"");
        expect(plan, "initrds",
                        "[{\"kernel\":\"6.1.0-50-amd64\",\"reason\":[\"dm_mod comes\",\"it loads "
                        "dm_mod\"]}]");
        expect(plan, "reboot_needed", "[\"the kernel's command line changed\"]");
        expect(plan, "containers",
                        "{\"set\":[],\"stop\":[],\"start\":[],\"reboot\":[],\"activate\":[],"
                        "\"skip\":[]}");
        assert_null(json_object_get(plan, "result"));
        json_decref(plan);
}

static void test_plan_json__files_have_digests_but_secrets_none(void **state) {
        (void) state;
        json_t *plan = parsed(&sample_input);
        expect(plan, "files",
                        "{\"added\":[\"/etc/odd\\nname\"],\"removed\":[\"/etc/localtime\",\"hooks/"
                        "10-old\"],"
                        "\"changed\":[{\"path\":\"/etc/nginx/nginx.conf\","
                        "\"old\":"
                        "\"0100000000000000000000000000000000000000000000000000000000000000\","
                        "\"new\":"
                        "\"0200000000000000000000000000000000000000000000000000000000000000\"},"
                        "{\"path\":\"/etc/ssl/key.pem\",\"old\":null,\"new\":null}],"
                        "\"displaced\":[\"/etc/localtime\"],\"edited\":[\"/etc/nginx/"
                        "nginx.conf\",\"/etc/ssl/key.pem\"]}");
        json_decref(plan);
}

static void test_plan_json__a_result_is_put_under_its_key(void **state) {
        (void) state;
        PlanJsonInput input = sample_input;
        input.result_json = "{\"exit_status\":4}";
        json_t *plan = parsed(&input);
        expect(plan, "result", "{\"exit_status\":4}");
        json_decref(plan);
}

static void test_plan_json__bytes_that_are_no_utf8_are_escaped(void **state) {
        (void) state;
        Entry entry = sample_entries[1];
        entry.path = "caf\xe9\\x";
        TreeChange change = { NULL, &entry };
        const Plan plan = { .files = &change, .n_files = 1 };
        PlanJsonInput input = sample_input;
        input.plan = &plan;
        input.fit = NULL;
        json_t *value = parsed(&input);
        const json_t *added = json_object_get(json_object_get(value, "files"), "added");
        assert_string_equal(json_string_value(json_array_get(added, 0)), "/etc/caf\\xe9\\x5cx");
        json_decref(value);
}

/* Conformance to docs/plan.schema.json is looked at by a program that knows schemas, as users have
 * them. */
static int conforms(const char *json) {
        const char *source_directory = getenv("SOURCE_DIR");
        cleanup_free char *command = NULL;
        if (asprintf(&command,
                            "python3 '%1$s/tests/support/check_schema.py' "
                            "'%1$s/docs/plan.schema.json'",
                            source_directory ? source_directory : ".") < 0)
                return -1;
        FILE *pipe = popen(command, "w");
        assert_non_null(pipe);
        assert_true(fputs(json, pipe) >= 0);
        return pclose(pipe);
}

static void test_plan_json__conforms_to_the_schema(void **state) {
        (void) state;
        cleanup_free char *json = json_of(&sample_input);
        assert_int_equal(conforms(json), 0);
        const Plan empty = { 0 };
        PlanJsonInput input = sample_input;
        input.plan = &empty;
        cleanup_free char *nothing = json_of(&input);
        assert_int_equal(conforms(nothing), 0);
}

static void test_plan_json__the_schema_refuses_what_is_not_in_it(void **state) {
        (void) state;
        json_t *plan = parsed(&sample_input);
        assert_int_equal(json_object_set_new(plan, "surprise", json_true()), 0);
        cleanup_free char *more = json_dumps(plan, 0);
        assert_int_not_equal(conforms(more), 0);
        assert_int_equal(json_object_del(plan, "surprise"), 0);
        assert_int_equal(json_object_set_new(plan, "daemon", json_string("restart")), 0);
        cleanup_free char *wrong = json_dumps(plan, 0);
        assert_int_not_equal(conforms(wrong), 0);
        json_decref(plan);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_json__is_as_documented),
                cmocka_unit_test(test_plan_json__files_have_digests_but_secrets_none),
                cmocka_unit_test(test_plan_json__a_result_is_put_under_its_key),
                cmocka_unit_test(test_plan_json__bytes_that_are_no_utf8_are_escaped),
                cmocka_unit_test(test_plan_json__conforms_to_the_schema),
                cmocka_unit_test(test_plan_json__the_schema_refuses_what_is_not_in_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
