/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/progress.h"

#include "tests/support/cmocka.h"

#include <string.h>

static const Output lines = { .width = 80 };
static const Output terminal = { .terminal = true, .width = 30 };

static const Progress begun = {
        .kind = PROGRESS_BEGIN, .unit = "a.service", .verb = VERB_RESTART, .n_total = 2
};

static Progress waiting(const char *unit, unsigned seconds) {
        return (Progress){ .kind = PROGRESS_WAIT,
                .unit = unit,
                .verb = VERB_RESTART,
                .age_usec = seconds * 1000000ull,
                .n_ended = 1,
                .n_total = 2 };
}

/* What is written to standard output between the two. */
static int saved_stdout = -1;
static FILE *caught;

static void begin_catching(void) {
        assert_int_equal(fflush(stdout), 0);
        saved_stdout = dup(STDOUT_FILENO);
        caught = tmpfile();
        assert_non_null(caught);
        assert_true(dup2(fileno(caught), STDOUT_FILENO) >= 0);
}

static void end_catching(char *text, size_t size) {
        assert_int_equal(fflush(stdout), 0);
        assert_true(dup2(saved_stdout, STDOUT_FILENO) >= 0);
        assert_int_equal(close(saved_stdout), 0);
        rewind(caught);
        text[fread(text, 1, size - 1, caught)] = 0;
        assert_int_equal(fclose(caught), 0);
}

static void test_progress__elsewhere_a_line_for_what_ended(void **state) {
        (void) state;
        ProgressView view = { .output = &lines };
        const Progress ended = {
                .kind = PROGRESS_END, .unit = "a.service", .verb = VERB_RESTART, .age_usec = 200000
        };
        Progress late = ended;
        late.outcome = JOB_TIMEOUT;
        char text[4096];
        begin_catching();
        progress_view_step(&view, "Running hook 10-x");
        progress_view_output(&view, "from \033[2Jthe hook");
        progress_view_progress(&view, &(Progress){ .kind = PROGRESS_DAEMON });
        progress_view_progress(&view, &begun);
        progress_view_progress(&view, &ended);
        progress_view_progress(&view, &late);
        progress_view_clear(&view);
        end_catching(text, sizeof(text));
        assert_string_equal(text, "Running hook 10-x\n"
                                  "  from ?[2Jthe hook\n"
                                  "Reloading systemd\n"
                                  "Restarting a.service … done, 0.2 s\n"
                                  "Restarting a.service … timed out, 0.2 s\n");
}

static void test_progress__elsewhere_what_takes_long_is_named_now_and_then(void **state) {
        (void) state;
        ProgressView view = { .output = &lines };
        char text[4096];
        begin_catching();
        for (unsigned second = 1; second <= 45; second++) {
                const Progress progress = waiting("a.service", second);
                progress_view_progress(&view, &progress);
        }
        for (unsigned second = 5; second <= 12; second++) { /* now another one is the oldest */
                const Progress progress = waiting("b.service", second);
                progress_view_progress(&view, &progress);
        }
        end_catching(text, sizeof(text));
        assert_string_equal(text, "Restarting a.service … still running after 10.0 s\n"
                                  "Restarting a.service … still running after 20.0 s\n"
                                  "Restarting a.service … still running after 40.0 s\n"
                                  "Restarting b.service … still running after 10.0 s\n");
}

static void test_progress__on_a_terminal_one_line_is_drawn_anew(void **state) {
        (void) state;
        ProgressView view = { .output = &terminal };
        const Progress long_name = waiting("a-name-longer-than-the-screen.service", 3);
        char text[4096];
        begin_catching();
        progress_view_progress(&view, &begun);
        progress_view_progress(&view, &long_name);
        progress_view_step(&view, "Running hook 10-x");
        progress_view_progress(&view, &begun);
        progress_view_clear(&view);
        progress_view_clear(&view);
        end_catching(text, sizeof(text));
        assert_string_equal(text, "[0/2] Restarting a.service"
                                  "\r\033[K[1/2] Restarting a-name-longe" /* 29 columns: one less
                                                                              than the screen has */
                                  "\r\033[KRunning hook 10-x\n"
                                  "[0/2] Restarting a.service"
                                  "\r\033[K");
}

static void test_progress__says_nothing_when_silent(void **state) {
        (void) state;
        ProgressView view = { .output = &terminal, .silent = true };
        char text[64];
        begin_catching();
        progress_view_progress(&view, &begun);
        progress_view_step(&view, "Running hook 10-x");
        progress_view_clear(&view);
        end_catching(text, sizeof(text));
        assert_string_equal(text, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_progress__elsewhere_a_line_for_what_ended),
                cmocka_unit_test(test_progress__elsewhere_what_takes_long_is_named_now_and_then),
                cmocka_unit_test(test_progress__on_a_terminal_one_line_is_drawn_anew),
                cmocka_unit_test(test_progress__says_nothing_when_silent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
