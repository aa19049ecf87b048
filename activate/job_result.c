/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/job_wait.h"

#include <string.h>

static const struct {
        const char *result;
        JobOutcome outcome;
        const char *message;
} job_results[] = {
        { "done", JOB_DONE, NULL },
        { "skipped", JOB_SKIPPED, NULL },
        { "failed", JOB_FAILED, NULL },
        { "dependency", JOB_DEPENDENCY, "a unit that it needs did not start" },
        { "canceled", JOB_CANCELED, "another job of the same unit took its place" },
        { "collected", JOB_CANCELED, "nothing needed it any more" },
        { "timeout", JOB_TIMEOUT, "its own JobTimeoutSec= was over" },
        { "invalid", JOB_FAILED, "the unit is not active, so it cannot be reloaded" },
        { "assert", JOB_FAILED, "an Assert...= of the unit does not hold" },
        { "unsupported", JOB_FAILED, "units of this type do not work on this system" },
        { "once", JOB_FAILED, "the unit can be started only once" },
};

JobOutcome job_outcome_from_result(const char *result, const char **ret_message) {
        for (size_t i = 0; i < N_ELEMENTS(job_results); i++)
                if (strcmp(result, job_results[i].result) == 0) {
                        *ret_message = job_results[i].message;
                        return job_results[i].outcome;
                }
        *ret_message = "systemd gave a result that is not known here";
        return JOB_FAILED;
}
