/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/live_file.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

typedef struct Read {
        Contents *contents;
        LiveFile *file;
        Error error;
} Read;

static int read_text(Read *read, const char *text) {
        *read = (Read){ .contents = contents_new() };
        assert_non_null(read->contents);
        return live_file_parse("f", text, strlen(text), read->contents, &read->file, &read->error);
}

static void done(Read *read) {
        (void) live_file_free(read->file);
        (void) contents_free(read->contents);
}

static void test_live_file__is_read(void **state) {
        (void) state;
        Read read;
        assert_int_equal(
                        read_text(&read, "{\"a.service\": {\"ActiveState\": \"active\", \"Names\": "
                                         "[\"a.service\", \"b.service\"], \"Wants\": []},"
                                         " \"@1000\": {\"u.service\": {\"ActiveState\": "
                                         "\"failed\"}},"
                                         " \"@debt\": [{\"unit\": \"d.service\", \"verb\": "
                                         "\"restart\", "
                                         "\"cause\": \"skipped\", \"reason\": \"x\"}],"
                                         " \"@distribution\": {\"s.service\": {\"path\": "
                                         "\"/lib/s\", "
                                         "\"text\": \"[Unit]\\n\"}, \"old.service\": {}},"
                                         " \"@own\": [\"t@.service\"]}"),
                        0);
        LiveFile *file = read.file;
        assert_true(unit_state_is_on(unit_states_find(file->states, "b.service")));
        assert_true(unit_states_find(file->states, "a.service")->has_relations);
        assert_int_equal(file->n_users, 1);
        assert_int_equal(file->users[0].uid, 1000);
        assert_true(unit_state_is_failed(unit_states_find(file->users[0].states, "u.service")));
        assert_int_equal(file->n_debts, 1);
        assert_int_equal(file->debts[0].uid, UINT32_MAX);
        assert_int_equal(file->debts[0].verb, VERB_RESTART);
        const Distribution distribution = live_file_distribution(file);
        const char *path = NULL;
        Content *content = NULL;
        assert_int_equal(distribution.read_unit(file, "s.service", &path, &content, &read.error),
                        DISTRIBUTION_UNIT);
        assert_string_equal(path, "/lib/s");
        assert_string_equal(content->data, "[Unit]\n");
        assert_int_equal(distribution.read_unit(file, "old.service", &path, &content, &read.error),
                        DISTRIBUTION_SYSV_ONLY);
        assert_int_equal(distribution.read_unit(file, "no.service", &path, &content, &read.error),
                        DISTRIBUTION_NO_UNIT);
        assert_true(distribution.has_own_unit(file, "t@1.service"));
        assert_false(distribution.has_own_unit(file, "s.service"));
        done(&read);
}

static void test_live_file__what_comes_back_is_laid_under(void **state) {
        (void) state;
        Read read;
        assert_int_equal(read_text(&read, "{\"@beneath\": {"
                                          "\"gone\": {\"kind\": \"link\", \"owner\": \"root\", "
                                          "\"group\": \"root\", \"target\": \"/x\"},"
                                          "\"kept\": {\"kind\": \"link\", \"owner\": \"root\", "
                                          "\"group\": \"root\", \"target\": \"/y\"},"
                                          "\"hidden\": {\"kind\": \"file\", \"mode\": 384, "
                                          "\"owner\": \"root\", \"group\": \"root\"}}}"),
                        0);
        const SampleFile old[] = { { "etc/gone", "1" }, { "etc/hidden", "2" }, { "etc/kept", "3" },
                { NULL, NULL } };
        const SampleFile new[] = { { "etc/kept", "3" }, { NULL, NULL } };
        Sample before, after;
        assert_int_equal(sample_render(&before, old, NULL), 0);
        assert_int_equal(sample_render(&after, new, NULL), 0);
        Tree *host_before = NULL, *tree = NULL;
        assert_int_equal(live_file_lay_under(read.file, before.tree, after.tree, &host_before,
                                         &tree, &read.error),
                        0);
        assert_int_equal(tree_find(host_before, ROOT_ETC, "gone")->kind, ENTRY_FILE);
        assert_string_equal(tree_find(tree, ROOT_ETC, "gone")->target, "/x");
        assert_int_equal(tree_find(tree, ROOT_ETC, "kept")->kind, ENTRY_FILE);
        assert_true(tree_find(tree, ROOT_ETC, "hidden")->secret);
        (void) tree_free(host_before);
        (void) tree_free(tree);
        sample_done(&before);
        sample_done(&after);
        done(&read);
}

static void test_live_file__says_what_is_wrong(void **state) {
        (void) state;
        static const char *const rows[][2] = {
                { "{", "f:1: No JSON: " },
                { "[]", "f: No object; write {\"NAME.service\": " },
                { "{\"a.service\": 1}", "f: \"a.service\" is no object; " },
                { "{\"a.service\": {\"Wants\": [1]}}", "f: \"Wants\" of \"a.service\" is unknown" },
                { "{\"@x\": 1}", "f: \"@x\" is no unit, no user's manager, and nothing of" },
                { "{\"@debt\": [{}]}", "f: A debt has unit, verb and cause; " },
                { "{\"@own\": [1]}", "f: @own has names of units; " },
                { "{\"@distribution\": {\"a.service\": {\"path\": \"/x\"}}}",
                                "f: A unit of @dist" },
                { "{\"@beneath\": {\"x\": {\"kind\": \"link\", \"owner\": \"a\", \"group\": "
                  "\"a\"}}}",
                                "f: What is @beneath has kind, owner, group; " },
                { "{\"@beneath\": {\"x\": {\"kind\": \"file\", \"owner\": \"a\", \"group\": \"a\", "
                  "\"digest\": \"12\"}}}",
                                "f: No digest in @beneath; " },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                Read read;
                assert_int_equal(read_text(&read, rows[i][0]), -EBADMSG);
                if (strncmp(read.error.message, rows[i][1], strlen(rows[i][1])) != 0)
                        fail_msg("%s: %s", rows[i][0], read.error.message);
                done(&read);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_live_file__is_read),
                cmocka_unit_test(test_live_file__what_comes_back_is_laid_under),
                cmocka_unit_test(test_live_file__says_what_is_wrong),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
