/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static void test_error__is_one_line_with_its_code(void **state) {
        (void) state;
        Error error;
        assert_int_equal(error_set(&error, -EINVAL, "a\nb\t%d\xc2\x9b\x7f\xc3\xa9", 7), -EINVAL);
        assert_int_equal(error.code, -EINVAL);
        assert_string_equal(error.message, "a b 7   \xc3\xa9");
}

static void test_error__names_the_errno(void **state) {
        (void) state;
        Error error;
        assert_int_equal(error_set_errno(&error, -ENOENT, "/etc/%s", "x"), -ENOENT);
        assert_string_equal(error.message, "/etc/x: No such file or directory");
}

static void test_error__prefix_keeps_the_code(void **state) {
        (void) state;
        Error error;
        (void) error_set(&error, -EACCES, "no");
        assert_int_equal(error_prefix(&error, "Cannot %s", "go"), -EACCES);
        assert_string_equal(error.message, "Cannot go: no");
}

static void test_error__cuts_what_is_too_long(void **state) {
        (void) state;
        Error error;
        char text[2000];
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        assert_int_equal(error_set_errno(&error, -EIO, "%s", text), -EIO);
        assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
        assert_int_equal(error_prefix(&error, "%s", text), -EIO);
        assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
}

static void test_error__nobody_asks(void **state) {
        (void) state;
        assert_int_equal(error_set(NULL, -EIO, "x"), -EIO);
        assert_int_equal(error_set_errno(NULL, -EPERM, "x"), -EPERM);
        assert_int_equal(error_oom(NULL), -ENOMEM);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_error__is_one_line_with_its_code),
                cmocka_unit_test(test_error__names_the_errno),
                cmocka_unit_test(test_error__prefix_keeps_the_code),
                cmocka_unit_test(test_error__cuts_what_is_too_long),
                cmocka_unit_test(test_error__nobody_asks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
