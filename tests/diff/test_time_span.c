/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/time_span.h"

#include "tests/support/cmocka.h"

#include <errno.h>

static void test_time_span__is_read_as_systemd_reads_it(void **state) {
        (void) state;
        static const struct {
                const char *text;
                uint64_t usec;
        } rows[] = {
                { "0", 0 },
                { "90", 90000000 },
                { " 90s ", 90000000 },
                { "1sec", 1000000 },
                { "250ms", 250000 },
                { "5min", 300000000 },
                { "5m", 300000000 },
                { "1h 30min", 5400000000 },
                { "1h30min", 5400000000 },
                { "1.5s", 1500000 },
                { "2 weeks", 1209600000000 },
                { "infinity", UINT64_MAX },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                uint64_t usec = 1;
                assert_int_equal(time_span_parse(rows[i].text, &usec), 0);
                assert_true(usec == rows[i].usec);
        }
}

static void test_time_span__what_is_none(void **state) {
        (void) state;
        static const char *const bad[] = { "", " ", "-1", "s", "5x", "5 x", ".", "infinity 1s",
                "18446744073709551615h", "99999999999999999999" };
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                uint64_t usec = 7;
                assert_int_equal(time_span_parse(bad[i], &usec), -EINVAL);
                assert_int_equal(usec, 7);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_time_span__is_read_as_systemd_reads_it),
                cmocka_unit_test(test_time_span__what_is_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
