/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/report.h"

#include <string.h>

static const char *const outcomes[N_JOB_OUTCOMES] = {
        [JOB_DONE] = "done",
        [JOB_SKIPPED] = "skipped",
        [JOB_FAILED] = "failed",
        [JOB_DEPENDENCY] = "dependency",
        [JOB_CANCELED] = "canceled",
        [JOB_TIMEOUT] = "timeout",
        [JOB_REFUSED] = "refused",
        [JOB_NOT_RUN] = "not-run",
};

const char *job_outcome_to_string(JobOutcome outcome) {
        return outcomes[outcome];
}

bool job_outcome_is_bad(JobOutcome outcome) {
        return outcome != JOB_DONE && outcome != JOB_SKIPPED;
}

Report *report_new(void) {
        return calloc(1, sizeof(Report));
}

Report *report_free(Report *report) {
        if (!report)
                return NULL;
        arena_done(&report->arena);
        free(report);
        return NULL;
}

/* Is it counted with an earlier one: by an action of the same unit, or as a failure? */
static bool is_counted(const Report *report, size_t nth) {
        const char *unit = report->actions[nth].action->unit;
        for (size_t i = 0; i < nth; i++)
                if (job_outcome_is_bad(report->actions[i].outcome) &&
                                strcmp(report->actions[i].action->unit, unit) == 0)
                        return true;
        for (size_t i = 0; i < report->n_failures; i++)
                if (report->failures[i].cause == FAILURE_CAUSED &&
                                strcmp(report->failures[i].unit, unit) == 0)
                        return true;
        return false;
}

size_t report_n_caused(const Report *report) {
        size_t n = 0;
        for (size_t i = 0; i < report->n_failures; i++)
                n += report->failures[i].cause == FAILURE_CAUSED;
        for (size_t i = 0; i < report->n_actions; i++)
                n += job_outcome_is_bad(report->actions[i].outcome) && !is_counted(report, i);
        return n;
}

const char *report_first_failed(const Report *report) {
        for (size_t i = 0; report && i < report->n_failures; i++)
                if (report->failures[i].cause == FAILURE_CAUSED)
                        return report->failures[i].unit;
        for (size_t i = 0; report && i < report->n_actions; i++)
                if (job_outcome_is_bad(report->actions[i].outcome))
                        return report->actions[i].action->unit;
        return NULL;
}
