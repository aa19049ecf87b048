/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "diff/unit_file.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

typedef int (*NextWord)(Arena *arena, const char **text, const char **ret_word);

/* The words in <>; behind them "!" when the rest has a quote without an end. */
static char *split(NextWord next, const char *value) {
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(text_donep) Text text = { 0 };
        const char *word = NULL;
        int r;
        while ((r = next(&arena, &value, &word)) > 0)
                text_addf(&text, "<%s>", word);
        if (r < 0) {
                assert_int_equal(r, -EBADMSG);
                text_add(&text, "!");
        } else
                assert_string_equal(value, "");
        char *string = NULL;
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

static void check(NextWord next, const char *value, const char *want) {
        cleanup_free char *got = split(next, value);
        if (strcmp(got, want) != 0)
                fail_msg("%s: %s, not %s", value, got, want);
}

static void test_unit_value__words(void **state) {
        (void) state;
        static const struct {
                const char *value, *want;
        } rows[] = {
                { "", "" },
                { " \t ", "" },
                { "a", "<a>" },
                { " a  b\tc ", "<a><b><c>" },
                { "'a b' \"c d\"", "<a b><c d>" },
                { "a'b c'd", "<ab cd>" },
                { "'' \"\"", "<><>" },
                { "\"it's\" '\"'", "<it's><\">" },
                { "a\\ b", "<a\\ b>" }, /* no escape of C: it stays, the space with it */
                { "a\\sb", "<a b>" },
                { "\\n\\t\\\\\\\"\\'", "<\n\t\\\"'>" },
                { "\\x41\\101\\u00e9\\U0001f600", "<AA\xc3\xa9\xf0\x9f\x98\x80>" },
                { "\\q \\x4 \\xzz \\400 \\u12", "<\\q><\\x4><\\xzz><\\400><\\u12>" },
                { "\\x00 \\000 \\ud800 \\U00110000", "<\\x00><\\000><\\ud800><\\U00110000>" },
                { "'\\x41 b'", "<A b>" },
                { "a\\", "<a\\>" },
                { "'a", "!" },
                { "a \"b", "<a>!" },
                { "'a\\'", "!" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                check(unit_value_next_word, rows[i].value, rows[i].want);
}

static void test_unit_value__names_keep_their_backslashes(void **state) {
        (void) state;
        static const struct {
                const char *value, *want;
        } rows[] = {
                { "a.service b.service", "<a.service><b.service>" },
                { "srv-my\\x2ddata.mount", "<srv-my\\x2ddata.mount>" },
                { "\"srv-my\\x2ddata.mount\" b", "<srv-my\\x2ddata.mount><b>" },
                { "'a\\'", "<a\\>" },
                { "'a", "!" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                check(unit_value_next_name, rows[i].value, rows[i].want);
}

static void test_unit_value__booleans(void **state) {
        (void) state;
        static const char *const yes[] = { "1", "yes", "y", "true", "t", "on", "YES", "True",
                "ON" };
        static const char *const no[] = { "0", "no", "n", "false", "f", "off", "No", "FALSE" };
        static const char *const neither[] = { "", "2", "yess", "ye", "nope", " yes" };
        for (size_t i = 0; i < N_ELEMENTS(yes); i++)
                assert_int_equal(unit_value_boolean(yes[i]), 1);
        for (size_t i = 0; i < N_ELEMENTS(no); i++)
                assert_int_equal(unit_value_boolean(no[i]), 0);
        for (size_t i = 0; i < N_ELEMENTS(neither); i++)
                assert_int_equal(unit_value_boolean(neither[i]), -EINVAL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_value__words),
                cmocka_unit_test(test_unit_value__names_keep_their_backslashes),
                cmocka_unit_test(test_unit_value__booleans),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
