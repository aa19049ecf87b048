/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/output.h"

#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const Output plain = { .width = 80 };
static const Output colored = { .color = true, .width = 80 };

static void test_output__tables_are_aligned_by_what_is_seen(void **state) {
        (void) state;
        assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
        static const char *const cells[] = { "NAME", "STATE", "WHY", "caf\xc3\xa9", "on", "", "a",
                "", "x" };
        cleanup(table_donep) Table table = { .n_columns = 3 };
        for (size_t i = 0; i < N_ELEMENTS(cells); i++)
                table_add(&table, STYLE_NONE, cells[i]);
        cleanup(text_donep) Text text = { 0 };
        table_to_text(&table, &plain, 2, &text);
        assert_string_equal(text.data, "  NAME  STATE  WHY\n"
                                       "  caf\xc3\xa9  on\n" /* no blanks at the end of a line */
                                       "  a            x\n");
}

static void test_output__colours_do_not_move_columns(void **state) {
        (void) state;
        cleanup(table_donep) Table table = { .n_columns = 2 };
        table_add(&table, STYLE_GREEN, "on");
        table_add(&table, STYLE_NONE, "x");
        table_add(&table, STYLE_RED, "failed");
        table_add(&table, STYLE_NONE, "y");
        cleanup(text_donep) Text without = { 0 }, with = { 0 };
        table_to_text(&table, &plain, 0, &without);
        table_to_text(&table, &colored, 0, &with);
        assert_string_equal(without.data, "on      x\nfailed  y\n");
        assert_string_equal(with.data, "\033[32mon\033[m      x\n\033[1;31mfailed\033[m  y\n");
}

/* Which colour standard error has while it is this file. */
static bool error_color_on(int fd, const Output *output) {
        cleanup_fd int before = dup(STDERR_FILENO);
        assert_true(before >= 0 && dup2(fd, STDERR_FILENO) >= 0);
        bool color = output_of_errors(output).color;
        assert_true(dup2(before, STDERR_FILENO) >= 0);
        return color;
}

static void test_output__errors_are_coloured_for_where_they_go(void **state) {
        (void) state;
        assert_int_equal(setenv("TERM", "xterm", 1), 0);
        assert_int_equal(unsetenv("NO_COLOR"), 0);
        cleanup_fd int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        cleanup_fd int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
        assert_true(terminal >= 0 && file >= 0);
        assert_false(error_color_on(file, &colored));
        assert_true(error_color_on(terminal, &plain));
        assert_int_equal(setenv("NO_COLOR", "1", 1), 0);
        assert_false(error_color_on(terminal, &colored));
}

static void test_output__an_empty_table_is_nothing(void **state) {
        (void) state;
        const Table table = { .n_columns = 3 };
        cleanup(text_donep) Text text = { 0 };
        table_to_text(&table, &plain, 2, &text);
        assert_int_equal(text.length, 0);
}

static void test_output__times_and_spans(void **state) {
        (void) state;
        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
        cleanup(text_donep) Text text = { 0 };
        text_add_time(&text, 0);
        text_add(&text, " ");
        text_add_time(&text, 1714564805ull * 1000000 + 999999);
        assert_string_equal(text.data, "- 2024-05-01 12:00:05");
        static const struct {
                uint64_t usec;
                const char *shown;
        } rows[] = {
                { 0, "0.0 s" },
                { 49999, "0.0 s" },
                { 50000, "0.1 s" },
                { 1234567, "1.2 s" },
                { 59949999, "59.9 s" },
                { 59950000, "1 min 0 s" },
                { 3725000000, "62 min 5 s" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                cleanup(text_donep) Text span = { 0 };
                text_add_span(&span, rows[i].usec);
                assert_string_equal(span.data, rows[i].shown);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_output__tables_are_aligned_by_what_is_seen),
                cmocka_unit_test(test_output__colours_do_not_move_columns),
                cmocka_unit_test(test_output__errors_are_coloured_for_where_they_go),
                cmocka_unit_test(test_output__an_empty_table_is_nothing),
                cmocka_unit_test(test_output__times_and_spans),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
