/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/bundle.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static void test_bundle__is_read_as_it_was_written(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "etc/a file%", "x" },
                { "etc/link", "-> ../to a b" },
                { "etc/run", "#!x" },
                { "etc/sub/", NULL },
                { "units/web.service", "[Service]\nExecStart=/bin/true\n" },
                { "profile.conf", "[Units]\nMask=m.service\n[File]\nPath=run\nOwner=7:web\n" },
                { NULL, NULL },
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        cleanup_free char *text = NULL, *again = NULL;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *read = NULL;
        assert_int_equal(bundle_format(sample.tree, &text), 0);
        assert_int_equal(bundle_parse(text, contents, &read, NULL), 0);
        TreeChange *changes = NULL;
        size_t n_changes = 1;
        assert_int_equal(tree_compare(sample.tree, read, &changes, &n_changes), 0);
        assert_int_equal(n_changes, 0);
        free(changes);
        assert_int_equal(bundle_format(read, &again), 0);
        assert_string_equal(again, text);
        sample_done(&sample);
}

static void test_bundle__that_is_torn_is_refused(void **state) {
        (void) state;
        const SampleFile files[] = { { "etc/a", "x" }, { "etc/b", "-> a" }, { NULL, NULL } };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        cleanup_free char *text = NULL;
        assert_int_equal(bundle_format(sample.tree, &text), 0);
        for (size_t length = 0; length + 1 < strlen(text); length++) {
                cleanup_free char *torn = strndup(text, length);
                cleanup(contents_freep) Contents *contents = contents_new();
                Tree *read = NULL;
                assert_int_equal(bundle_parse(torn, contents, &read, NULL), -EBADMSG);
                assert_null(read);
        }
        sample_done(&sample);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bundle__is_read_as_it_was_written),
                cmocka_unit_test(test_bundle__that_is_torn_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
