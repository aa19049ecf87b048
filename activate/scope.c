/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/scope.h"

#include "activate/call_batch.h"
#include "activate/job_wait.h"

#include <errno.h>

enum {
        TIMEOUT_USEC = 30 * 1000000, /* of a manager that is busy */
        STOP_TIMEOUT_USEC = 1000000, /* of what is in it, when the host shuts down */
        WEIGHT = 10,                 /* of 100 */
};

static int fill(sd_bus_message *call, const char *name, const char *description, pid_t pid) {
        return sd_bus_message_append(call, "ssa(sv)a(sa(sv))", name, "fail", 9, "Description", "s",
                        description, "PIDs", "au", 1, (uint32_t) pid, "Delegate", "b", true,
                        "DevicePolicy", "s", "closed", "DeviceAllow", "a(ss)", 1, "char-pts", "rw",
                        "CPUWeight", "t", (uint64_t) WEIGHT, "IOWeight", "t", (uint64_t) WEIGHT,
                        "CollectMode", "s", "inactive-or-failed", "TimeoutStopUSec", "t",
                        (uint64_t) STOP_TIMEOUT_USEC, 0);
}

static int await(JobWait *wait, const Job *job, Error *reterr) {
        uint64_t end_usec = now_usec() + TIMEOUT_USEC;
        while (job->stage == JOB_ASKED || job->stage == JOB_QUEUED) {
                if (now_usec() >= end_usec)
                        return error_set(reterr, -ETIMEDOUT, "%s: systemd does not get to it",
                                        job->unit);
                int r = job_wait_turn(wait, end_usec, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int scope_start(Systemd *systemd,
                const char *name,
                const char *description,
                pid_t pid,
                Error *reterr) {
        Job job = { .unit = name, .verb = VERB_START, .invocation_before = "" };
        cleanup(job_wait_freep) JobWait *wait = NULL;
        int r = job_wait_new(systemd, &wait, reterr);
        if (r < 0)
                return r;
        sd_bus_message *call = NULL;
        r = connection_new_call(systemd, "StartTransientUnit", &call);
        if (r >= 0)
                r = fill(call, name, description, pid);
        if (r < 0) {
                sd_bus_message_unref(call);
                return call_fold_result(systemd, r, reterr);
        }
        r = call_one(systemd, call, 0, NULL, reterr);
        if (r >= 0)
                r = job_wait_join(wait, &job, 1, reterr);
        if (r >= 0)
                r = await(wait, &job, reterr);
        /* one that was not heard of is over already */
        if (r >= 0 && job.stage == JOB_ENDED && job_outcome_is_bad(job.outcome))
                return error_set(reterr, -ECHILD, "%s: %s", name,
                                job.message ? job.message : job_outcome_to_string(job.outcome));
        return r;
}

int scope_end(Systemd *systemd, const char *name, Error *reterr) {
        Job job = { .unit = name, .verb = VERB_STOP, .invocation_before = "" };
        cleanup(job_wait_freep) JobWait *wait = NULL;
        int r = job_wait_new(systemd, &wait, reterr);
        if (r >= 0)
                r = job_wait_add(wait, &job, reterr);
        return r < 0 ? r : await(wait, &job, reterr);
}
