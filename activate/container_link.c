/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/container_link.h"

#include "activate/foreign.h"
#include "activate/job_wait.h"
#include "activate/transient.h"
#include "base/clock.h"

#include <errno.h>
#include <string.h>

int container_leader(const char *name, pid_t *ret_leader, Error *reterr) {
        char path[128], line[256];
        (void) snprintf(path, sizeof(path), "/run/systemd/machines/%.64s", name); /* fits */
        cleanup_file FILE *file = fopen(path, "re");
        if (!file)
                return error_set(reterr, errno == ENOENT ? -ENOENT : -errno,
                                "Container %s does not run", name);
        while (fgets(line, sizeof(line), file))
                if (strncmp(line, "LEADER=", 7) == 0) {
                        *ret_leader = (pid_t) strtol(line + 7, NULL, 10);
                        return *ret_leader > 1 ? 0 : error_set(reterr, -ENOENT, "%s", path);
                }
        return error_set(reterr, -ENOENT, "%s names no leader", path);
}

int container_connect(const char *name, pid_t leader, Systemd **ret_systemd, Error *reterr) {
        char process[32];
        (void) snprintf(process, sizeof(process), "/proc/%d", (int) leader); /* fits */
        int r = foreign_connect(process, ret_systemd, reterr);
        return r < 0 ? error_prefix(reterr, "Container %s", name) : 0;
}

int container_run(Systemd *systemd,
                const char *unit,
                const char *const arguments[4],
                uint64_t timeout_usec,
                Error *reterr) {
        TransientService service = { .name = unit,
                .description = "Fit /etc to what the host declares",
                .is_oneshot = true,
                .stop_timeout_usec = timeout_usec };
        for (size_t i = 0; i < N_ELEMENTS(service.arguments); i++)
                service.arguments[i] = arguments[i];
        cleanup(job_wait_freep) JobWait *wait = NULL;
        Job job = { .unit = unit, .verb = VERB_START, .invocation_before = "" };
        int r = job_wait_new(systemd, &wait, reterr);
        if (r >= 0)
                r = transient_start(systemd, &service, reterr);
        if (r >= 0)
                r = job_wait_add(wait, &job, reterr);
        uint64_t end_usec = now_usec() + timeout_usec;
        while (r >= 0 && job.stage != JOB_ENDED && now_usec() < end_usec)
                r = job_wait_turn(wait, end_usec, reterr);
        if (r < 0)
                return r;
        if (job.stage != JOB_ENDED)
                return error_set(reterr, -ETIMEDOUT, "%s did not end in its time", unit);
        if (job.outcome != JOB_DONE && job.outcome != JOB_SKIPPED)
                return error_set(reterr, -ECHILD, "%s failed: %s", unit,
                                job.message ? job.message : job_outcome_to_string(job.outcome));
        Job stop = { .unit = unit, .verb = VERB_STOP, .invocation_before = "" };
        r = job_wait_add(wait, &stop, reterr);
        while (r >= 0 && stop.stage != JOB_ENDED && now_usec() < end_usec)
                r = job_wait_turn(wait, end_usec, reterr);
        return r < 0 ? r : 0;
}
