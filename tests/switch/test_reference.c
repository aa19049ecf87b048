/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/reference.h"

#include "switch/options.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static void test_reference__what_names_a_generation(void **state) {
        (void) state;
        static const char *const generations[] = { "@1", "@active", "@default", "@previous",
                "@nonsense", "@", "web@3", "containers/web@3", "a@b@3" };
        static const char *const directories[] = { ".", "hosts/edge1", "/srv/conf", "./@1", "web@",
                "web@stable", "a@3b", "web@3/", "" };
        for (size_t i = 0; i < N_ELEMENTS(generations); i++)
                assert_true(reference_is_generation(generations[i]));
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                assert_false(reference_is_generation(directories[i]));
}

static void test_reference__paths_become_absolute(void **state) {
        (void) state;
        assert_int_equal(chdir("/usr"), 0);
        static const struct {
                const char *path, *absolute;
        } rows[] = {
                { ".", "/usr" },
                { "./a//b/.", "/usr/a/b" },
                { "..", "/usr/.." }, /* as it is: where it leads, links decide */
                { "/", "/" },
                { "//etc/./x/", "/etc/x" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                Error error;
                cleanup_free char *absolute = NULL;
                assert_int_equal(path_absolute(rows[i].path, &absolute, &error), 0);
                assert_string_equal(absolute, rows[i].absolute);
        }
        assert_int_equal(chdir("/"), 0);
        Error error;
        cleanup_free char *absolute = NULL;
        assert_int_equal(path_absolute("etc", &absolute, &error), 0);
        assert_string_equal(absolute, "/etc");
}

static void test_reference__without_a_database_there_is_generation_0(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        Host host = {
                .root = "/", .profile_name = "system", .contents = contents, .profile.name = NULL
        };
        Error error = { 0 };
        static const char *const zeros[] = { "@0", "@active", "@default", "web@0" };
        for (size_t i = 0; i < N_ELEMENTS(zeros); i++) {
                cleanup(reference_tree_donep) ReferenceTree tree = { .number = -1 };
                assert_int_equal(reference_read(&host, zeros[i], false, &tree, &error), 0);
                assert_int_equal(tree.number, 0);
                assert_int_equal(tree.tree->n_entries, 0);
                assert_null(tree.source);
                assert_string_equal(tree.profile, *zeros[i] == 'w' ? "web" : "system");
        }
        ReferenceTree tree;
        assert_int_equal(reference_read(&host, "@1", false, &tree, &error), -ENOENT);
        assert_string_equal(
                        error.message, "There is no generation 1: nothing was switched here yet");
        assert_int_equal(reference_read(&host, "@previous", false, &tree, &error), -ENOENT);
        assert_int_equal(reference_read(&host, "@x", false, &tree, &error), -EINVAL);
        assert_non_null(strstr(error.message, "a directory is ./@x"));
        assert_int_equal(reference_read(&host, "@99999999999999999999", false, &tree, &error),
                        -EINVAL);
}

static void test_reference__the_default_source(void **state) {
        (void) state;
        static char last[] = "/srv/conf";
        const Host host = { .root = "/" }, image = { .root = "/image", .is_image = true },
                   used = { .root = "/", .profile.source = last };
        cleanup_free char *first = reference_default(&host);
        cleanup_free char *in_image = reference_default(&image);
        cleanup_free char *again = reference_default(&used);
        assert_string_equal(first, "/etc/sysswitch");
        assert_string_equal(in_image, "/image/etc/sysswitch");
        assert_string_equal(again, "/srv/conf");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reference__what_names_a_generation),
                cmocka_unit_test(test_reference__paths_become_absolute),
                cmocka_unit_test(test_reference__without_a_database_there_is_generation_0),
                cmocka_unit_test(test_reference__the_default_source),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
