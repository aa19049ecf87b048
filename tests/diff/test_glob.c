/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/glob.h"
#include "tests/support/cmocka.h"

#include "base/cleanup.h"

#include <string.h>

static const struct {
        const char *pattern, *path;
        bool want;
} rows[] = {
        { "/etc/motd", "/etc/motd", true },
        { "/etc/motd", "/etc/motd2", false },
        { "/etc/motd2", "/etc/motd", false },
        { "", "", true },
        { "", "a", false },
        /* '*' and '?' stay within a directory */
        { "/etc/*.conf", "/etc/a.conf", true },
        { "/etc/*.conf", "/etc/.conf", true },
        { "/etc/*.conf", "/etc/d/a.conf", false },
        { "/etc/*", "/etc/", true },
        { "*", "a/b", false },
        { "*a*b", "xaxb", true },
        { "*a*b", "xbxa", false },
        { "a*b*c", "abbcbc", true },
        { "*/b", "a/b", true },
        { "*/b", "a/c/b", false },
        { "a?c", "abc", true },
        { "a?c", "a/c", false },
        { "a?c", "ac", false },
        { "a?c",
                        "a\xc3\xa9"
                        "c",
                        true },
        /* '**' does not */
        { "/etc/nginx/**", "/etc/nginx/nginx.conf", true },
        { "/etc/nginx/**", "/etc/nginx/conf.d/a.conf", true },
        { "/etc/nginx/**", "/etc/nginx2/a", false },
        { "/etc/nginx/**", "/etc/nginx", false },
        { "**", "a/b/c", true },
        { "a**", "a/b", true },
        { "a**c", "a/b/c", true },
        { "a/**/b", "a/b", true },
        { "a/**/b", "a/x/b", true },
        { "a/**/b", "a/x/y/b", true },
        { "a/**/b", "a/xb", false },
        { "a/**/b", "ab", false },
        { "**/b", "b", true },
        { "**/b", "a/b", true },
        { "**/b", "ab", false },
        { "**/*.conf", "a/b/c.conf", true },
        { "**/x*y/z", "a/xay/b/xby/z", true },
        { "a/**/*/b", "a/b", false },
        { "a/**/*/b", "a/x/b", true },
        { "**/a/**/b", "x/a/y/z/b", true },
        /* '[...]' */
        { "[a-c]x", "bx", true },
        { "[a-c]x", "dx", false },
        { "[!a-c]x", "dx", true },
        { "[^a-c]x", "bx", false },
        { "[]]x", "]x", true },
        { "[[:digit:]]x", "5x", true },
        { "[[:digit:]]x", "ax", false },
        { "[*]", "*", true },
        { "[*]", "a", false },
        { "a[/]b", "a/b", false },
        { "a[!x]b", "a/b", false },
        { "[", "[", true },
        { "[a", "[a", true },
        { "*[", "x[", true },
        /* no escapes */
        { "srv-my\\x2ddata.mount", "srv-my\\x2ddata.mount", true },
        { "srv-my\\x2d*", "srv-my\\x2ddata.mount", true },
        { "\\*", "\\a", true },
        { "\\*", "*", false },
};

static void test_glob__rows(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                if (glob_match(rows[i].pattern, rows[i].path) != rows[i].want)
                        fail_msg("%s, %s", rows[i].pattern, rows[i].path);
}

/* The same rules, by trying everything. */
static bool matches(const char *start, const char *pattern, const char *text) {
        if (!*pattern)
                return !*text;
        if (pattern[0] == '*' && pattern[1] == '*') {
                bool at_start = pattern == start || pattern[-1] == '/';
                const char *rest = pattern + strspn(pattern, "*");
                bool by_directory = at_start && *rest == '/';
                rest += by_directory;
                if (matches(start, rest, text))
                        return true;
                for (; *text; text++)
                        if ((!by_directory || *text == '/') && matches(start, rest, text + 1))
                                return true;
                return false;
        }
        if (*pattern == '*') {
                for (;; text++) {
                        if (matches(start, pattern + 1, text))
                                return true;
                        if (!*text || *text == '/')
                                return false;
                }
        }
        if (!*text || (*pattern == '?' ? *text == '/' : *pattern != *text))
                return false;
        return matches(start, pattern + 1, text + 1);
}

static unsigned random_state = 1;

static void make_random(char *text, size_t size, const char *letters) {
        size_t length = 0;
        for (;;) {
                random_state = random_state * 1664525 + 1013904223;
                size_t which = (random_state >> 8) % (strlen(letters) + 1);
                if (which == strlen(letters) || length + 1 == size)
                        break;
                text[length++] = letters[which];
        }
        text[length] = 0;
}

static void test_glob__agrees_with_trying_everything(void **state) {
        (void) state;
        enum { N_TRIES = 300000 };
        unsigned n_matches = 0;
        for (unsigned i = 0; i < N_TRIES; i++) {
                char pattern[12], text[12];
                make_random(pattern, sizeof(pattern), "ab/***?a/*");
                make_random(text, sizeof(text), "abaab//a");
                bool want = matches(pattern, pattern, text);
                n_matches += want;
                if (glob_match(pattern, text) != want)
                        fail_msg("%s, %s: not %d", pattern, text, want);
        }
        assert_true(n_matches > N_TRIES / 100);
}

/* With exponential time this would not end. */
static void test_glob__takes_no_time(void **state) {
        (void) state;
        char path[1001];
        memset(path, 'a', sizeof(path) - 1);
        path[sizeof(path) - 1] = 0;
        assert_false(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", path));
        assert_false(glob_match("**a**a**a**a**a**a**a**a**a**a**b", path));
        assert_true(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*", path));
}

static void test_glob__is_pattern(void **state) {
        (void) state;
        assert_true(glob_is_pattern("a*"));
        assert_true(glob_is_pattern("a?"));
        assert_true(glob_is_pattern("[a"));
        assert_false(glob_is_pattern("a/b.conf"));
        assert_false(glob_is_pattern("a\\x2d"));
}

static void test_glob__literal_prefix(void **state) {
        (void) state;
        assert_int_equal(glob_literal_prefix("/etc/nginx/*.conf"), strlen("/etc/nginx/"));
        assert_int_equal(glob_literal_prefix("/etc/nginx/a*.conf"), strlen("/etc/nginx/"));
        assert_int_equal(glob_literal_prefix("/etc/ngin?/x"), strlen("/etc/"));
        assert_int_equal(glob_literal_prefix("/etc/motd"), strlen("/etc/"));
        assert_int_equal(glob_literal_prefix("*"), 0);
        assert_int_equal(glob_literal_prefix(""), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_glob__rows),
                cmocka_unit_test(test_glob__agrees_with_trying_everything),
                cmocka_unit_test(test_glob__takes_no_time),
                cmocka_unit_test(test_glob__is_pattern),
                cmocka_unit_test(test_glob__literal_prefix),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
