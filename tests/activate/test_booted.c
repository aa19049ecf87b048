/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel's command line names, and when the boot began. */
#include "activate/booted.h"
#include "base/clock.h"
#include "tests/support/cmocka.h"

static void test_booted__finds_the_last_number(void **state) {
        static const struct {
                const char *line;
                int64_t generation;
        } cases[] = {
                { "", -1 },
                { "quiet root=/dev/vda1", -1 },
                { "sysswitch.generation=3", 3 },
                { "quiet sysswitch.generation=12 ro\n", 12 },
                { "sysswitch.generation=1 sysswitch.generation=2", 2 },
                { "sysswitch.generation=0", 0 },
                { "sysswitch.generation=", -1 },
                { "sysswitch.generation=-4", -1 },
                { "sysswitch.generation=4x", -1 },
                { "sysswitch.generation=99999999999999999999", -1 },
                { "x.sysswitch.generation=4", -1 },
                { "init=/x/sysswitch.generation=4", -1 },
        };
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++)
                assert_int_equal(booted_generation_in(cases[i].line), cases[i].generation);
}

static void test_booted__began_before_now(void **state) {
        Error error;
        Booted booted;
        (void) state;
        assert_int_equal(booted_read(&booted, &error), 0);
        assert_true(booted.began_usec > 0);
        assert_true(booted.began_usec < now_realtime_usec());
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_booted__finds_the_last_number),
                cmocka_unit_test(test_booted__began_before_now),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
