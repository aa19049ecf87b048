/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bytes.h"
#include "activate/errand.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static bool is_to_stop;

static bool should_stop(void) {
        return is_to_stop;
}

static int say(const void *userdata, int fd) {
        return write_bytes(fd, userdata, strlen(userdata)) < 0;
}

static int say_and_fail(const void *userdata, int fd) {
        return say(userdata, fd) + 3;
}

/* SIGTERM is blocked, so that it may come at any time. */
static int hang(const void *userdata, int fd) {
        sigset_t term;
        int signal, r = say(userdata, fd);
        (void) sigemptyset(&term); /* neither can fail */
        (void) sigaddset(&term, SIGTERM);
        return r + sigwait(&term, &signal) + write_bytes(fd, " stopped", 8);
}

/* Two that each end when the other one has begun: by pipes, each of which the other one writes to.
 */
static int meeting[2][2];

static int meet(const void *userdata, int fd) {
        int own = strcmp(userdata, "left") == 0;
        char byte = 0;
        if (write(meeting[own][1], "x", 1) != 1 || read(meeting[!own][0], &byte, 1) != 1)
                return 1;
        return say(userdata, fd);
}

static void free_answers(Errand *errands, size_t n_errands) {
        for (size_t i = 0; i < n_errands; i++)
                text_done(&errands[i].answer);
}

static void note(void *userdata, size_t nth) {
        text_addf(userdata, "%zu", nth);
}

static void test_errands__side_by_side(void **state) {
        (void) state;
        Errand errands[] = { { .run = meet, .userdata = "left", .whom = "a" },
                { .run = meet, .userdata = "right", .whom = "b" } };
        const ErrandOptions options = { .n_at_once = 2, .answer_max_bytes = 100 };
        assert_int_equal(pipe(meeting[0]) | pipe(meeting[1]), 0);
        assert_int_equal(errands_run(errands, 2, &options, NULL), 0);
        assert_true(errands[0].is_answered && errands[1].is_answered);
        assert_string_equal(errands[0].answer.data, "left");
        assert_string_equal(errands[1].answer.data, "right");
        free_answers(errands, 2);
}

/* Of the same one the next waits, and whoever comes behind it goes first. */
static void test_errands__same_one_in_turn(void **state) {
        (void) state;
        cleanup(text_donep) Text begun = { 0 };
        Errand errands[] = { { .run = say, .userdata = "1", .whom = "a" },
                { .run = say, .userdata = "2", .whom = "a" },
                { .run = say, .userdata = "3", .whom = "b" } };
        const ErrandOptions options = {
                .n_at_once = 2, .answer_max_bytes = 100, .begin = note, .userdata = &begun
        };
        assert_int_equal(errands_run(errands, 3, &options, NULL), 0);
        assert_string_equal(begun.data, "021");
        for (size_t i = 0; i < 3; i++)
                assert_true(errands[i].is_answered);
        free_answers(errands, 3);
}

/* One that hangs, one that fails and one that talks too much are not heard; the others are. */
static void test_errands__only_whole_answers(void **state) {
        (void) state;
        Errand errands[] = { { .run = hang, .userdata = "hung", .whom = "a" },
                { .run = say_and_fail, .userdata = "bad", .whom = "b" },
                { .run = say, .userdata = "much too much", .whom = "c" },
                { .run = say, .userdata = "good", .whom = "d" } };
        const ErrandOptions options = {
                .n_at_once = 1, .answer_max_bytes = 5, .timeout_usec = 100 * 1000
        };
        assert_int_equal(errands_run(errands, 1, &options, NULL), 0);
        const ErrandOptions patient = { .n_at_once = 1, .answer_max_bytes = 5 };
        assert_int_equal(errands_run(errands + 1, 3, &patient, NULL), 0);
        for (size_t i = 0; i < 3; i++)
                assert_false(errands[i].is_answered);
        assert_true(errands[3].is_answered);
        free_answers(errands, 4);
}

/* Those at work are told, and awaited; the others are not begun. */
static void stop_soon(void *userdata, size_t nth) {
        if (nth == *(const size_t *) userdata)
                is_to_stop = true;
}

static void test_errands__stop(void **state) {
        (void) state;
        size_t last = 1;
        sigset_t term, before;
        Errand errands[] = { { .run = hang, .userdata = "one", .whom = "a" },
                { .run = say, .userdata = "two", .whom = "b" },
                { .run = say, .userdata = "three", .whom = "c" } };
        const ErrandOptions options = { .n_at_once = 2,
                .answer_max_bytes = 100,
                .should_stop = should_stop,
                .begin = stop_soon,
                .userdata = &last };
        (void) sigemptyset(&term); /* none of these can fail */
        (void) sigaddset(&term, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &term, &before);
        assert_int_equal(errands_run(errands, 3, &options, NULL), -EINTR);
        assert_int_equal(errands[0].stage, ERRAND_ENDED);
        assert_true(errands[0].is_answered);
        assert_string_equal(errands[0].answer.data, "one stopped");
        assert_int_equal(errands[2].stage, ERRAND_WAITING);
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        is_to_stop = false;
        free_answers(errands, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_errands__side_by_side),
                cmocka_unit_test(test_errands__same_one_in_turn),
                cmocka_unit_test(test_errands__only_whole_answers),
                cmocka_unit_test(test_errands__stop),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
