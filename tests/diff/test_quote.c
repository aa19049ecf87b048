/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"

#include "tests/support/cmocka.h"

#include <string.h>

static void test_quote__names(void **state) {
        (void) state;
        static const struct {
                const char *name, *shown;
        } rows[] = {
                { "motd", "/etc/motd" }, { "caf\xc3\xa9", "/etc/caf\xc3\xa9" },
                { "two words", "/etc/two words" }, { "a\nb", "\"/etc/a\\nb\"" },
                { "a\"b\\c", "\"/etc/a\\\"b\\\\c\"" }, { "\033[31m", "\"/etc/\\033[31m\"" },
                { "\x7f", "\"/etc/\\177\"" },
                { "\xc2\x9b"
                  "31m",
                                "\"/etc/\\302\\23331m\"" }, /* CSI in one character */
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                cleanup(text_donep) Text text = { 0 };
                text_add_name(&text, "/etc/", rows[i].name);
                assert_string_equal(text.data, rows[i].shown);
        }
}

static void test_quote__lines(void **state) {
        (void) state;
        cleanup(text_donep) Text text = { 0 };
        text_add_line(&text, "a\tb\033[2Jc\xc2\x9b"
                             "d\xc3\xa9\r");
        assert_string_equal(text.data, "a\tb?[2Jc?d\xc3\xa9?");
}

static void test_quote__json(void **state) {
        (void) state;
        static const struct {
                const char *text, *value;
        } rows[] = {
                { "", "" },
                { "a\\b\xc3\xa9", "a\\b\xc3\xa9" },
                { "\xff", "\\xff" },
                { "a\\\xc3", "a\\x5c\\xc3" },
                { "\xc3\xa9\xe2\x82", "\xc3\xa9\\xe2\\x82" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                json_t *value = json_text(rows[i].text);
                assert_non_null(value);
                assert_string_equal(json_string_value(value), rows[i].value);
                json_decref(value);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_quote__names),
                cmocka_unit_test(test_quote__lines),
                cmocka_unit_test(test_quote__json),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
