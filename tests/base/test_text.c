/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static void test_text__adds_up(void **state) {
        (void) state;
        cleanup(text_donep) Text text = { 0 };
        for (int i = 0; i < 1000; i++)
                text_addf(&text, "%d,", i % 10);
        text_add(&text, "end");
        text_add_n(&text, "xyz", 1);
        assert_int_equal(text.length, 2004);
        cleanup_free char *string = NULL;
        assert_int_equal(text_take(&text, &string), 0);
        assert_int_equal(strlen(string), 2004);
        assert_string_equal(string + 1998, "9,endx");
        assert_null(text.data);
}

static void test_text__nothing_is_the_empty_string(void **state) {
        (void) state;
        cleanup(text_donep) Text text = { 0 };
        cleanup_free char *string = NULL;
        assert_int_equal(text_take(&text, &string), 0);
        assert_string_equal(string, "");
}

static void test_text__an_error_sticks(void **state) {
        (void) state;
        cleanup(text_donep) Text text = { .error = -ENOMEM };
        text_add(&text, "a");
        char *string = NULL;
        assert_int_equal(text_take(&text, &string), -ENOMEM);
        assert_null(string);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text__adds_up),
                cmocka_unit_test(test_text__nothing_is_the_empty_string),
                cmocka_unit_test(test_text__an_error_sticks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
