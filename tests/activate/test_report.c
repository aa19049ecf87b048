/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/report.h"
#include "tests/support/cmocka.h"

static void test_report__counts_a_unit_once(void **state) {
        (void) state;
        const UnitAction actions[] = {
                { .unit = "a.service", .verb = VERB_STOP },
                { .unit = "a.service", .verb = VERB_START },
                { .unit = "b.service", .verb = VERB_RESTART },
                { .unit = "c.service", .verb = VERB_RELOAD },
                { .unit = "d.service", .verb = VERB_SKIP },
                { .unit = "e.service", .verb = VERB_START },
        };
        ActionReport done[] = {
                { .action = &actions[0], .outcome = JOB_TIMEOUT },
                { .action = &actions[1], .outcome = JOB_REFUSED },
                { .action = &actions[2], .outcome = JOB_DONE },
                { .action = &actions[3], .outcome = JOB_FAILED },
                { .action = &actions[4], .outcome = JOB_SKIPPED },
                { .action = &actions[5], .outcome = JOB_NOT_RUN },
        };
        UnitFailure failures[] = {
                { .unit = "b.service", .cause = FAILURE_CAUSED },
                { .unit = "c.service", .cause = FAILURE_CAUSED },
                { .unit = "x.service", .cause = FAILURE_DURING },
                { .unit = "y.service", .cause = FAILURE_BEFORE },
        };
        const Report report = { .actions = done,
                .n_actions = N_ELEMENTS(done),
                .failures = failures,
                .n_failures = N_ELEMENTS(failures) };
        assert_int_equal(report_n_caused(&report), 4); /* a, b, c, e */
}

static void test_report__every_outcome_has_a_name(void **state) {
        (void) state;
        for (JobOutcome outcome = 0; outcome < N_JOB_OUTCOMES; outcome++)
                assert_non_null(job_outcome_to_string(outcome));
        assert_string_equal(job_outcome_to_string(JOB_NOT_RUN), "not-run");
        assert_false(job_outcome_is_bad(JOB_DONE));
        assert_false(job_outcome_is_bad(JOB_SKIPPED));
        assert_true(job_outcome_is_bad(JOB_NOT_RUN));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_report__counts_a_unit_once),
                cmocka_unit_test(test_report__every_outcome_has_a_name),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
