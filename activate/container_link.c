/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/container_link.h"

#include "activate/foreign.h"
#include "activate/job_wait.h"
#include "activate/transient.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-bus.h>

enum {
        CALL_TIMEOUT_USEC = 10 * 1000000,
        TURN_USEC = 1 * 1000000,
        KILL_USEC = 2 * 1000000, /* from the request to stop until it is killed */
};

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

void container_forget_dead(const char *name) {
        Error ignored;
        pid_t leader;
        if (container_leader(name, &leader, &ignored) < 0 || kill(leader, 0) == 0 || errno != ESRCH)
                return;
        cleanup(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        if (sd_bus_open_system(&bus) >= 0)
                (void) sd_bus_call_method(bus, "org.freedesktop.machine1",
                                "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager",
                                "UnregisterMachine", NULL, NULL, "s", name); /* see above */
}

int container_connect(const char *name, pid_t leader, Systemd **ret_systemd, Error *reterr) {
        char process[32];
        (void) snprintf(process, sizeof(process), "/proc/%d", (int) leader); /* fits */
        int r = foreign_connect(process, ret_systemd, reterr);
        if (r < 0)
                return error_prefix(reterr, "Container %s", name);
        systemd_set_untrusted(*ret_systemd, CALL_TIMEOUT_USEC);
        return 0;
}

typedef struct Running {
        JobWait *wait;
        Job job, stop; /* its start, and its stop */
        uint64_t end_usec;
        int output_fd;
} Running;

static void running_donep(Running *running) {
        (void) job_wait_free(running->wait);
        if (running->output_fd >= 0)
                (void) close(running->output_fd); /* it was read */
}

/* A file, of which the size is fixed: nobody has to read beside it, and it does not grow. */
static int make_output(size_t size_bytes) {
        cleanup_fd int fd = memfd_create("output", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0 || ftruncate(fd, (off_t) size_bytes) < 0 ||
                        fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int read_output(int fd, size_t size_bytes, char **ret_output) {
        cleanup_free char *data = malloc(size_bytes + 1);
        if (!data)
                return -ENOMEM;
        ssize_t n = pread(fd, data, size_bytes, 0);
        if (n < 0)
                return -errno;
        data[n] = 0; /* as is all that was not written */
        *ret_output = TAKE(data);
        return 0;
}

/* A signal ends a turn; one that comes just before it, the next. */
static int await(Running *running, Job *job, bool (*should_stop)(void), Error *reterr) {
        int r = job_wait_add(running->wait, job, reterr);
        while (r >= 0 && job->stage != JOB_ENDED && now_usec() < running->end_usec) {
                uint64_t until_usec = now_usec() + TURN_USEC;
                if (should_stop && should_stop())
                        return error_set(reterr, -EINTR, "It was asked to stop");
                r = job_wait_turn(running->wait,
                                until_usec < running->end_usec ? until_usec : running->end_usec,
                                reterr);
        }
        return r;
}

static int
start(Systemd *systemd, const ContainerProgram *program, const Running *running, Error *reterr) {
        TransientService service = { .name = program->unit,
                .description = "Asked for by the host",
                .is_oneshot = true,
                .leaves_no_log = program->leaves_no_log,
                .output_fd = running->output_fd >= 0 ? &running->output_fd : NULL,
                .start_timeout_usec = program->timeout_usec + CONTAINER_STOP_USEC,
                .stop_timeout_usec = KILL_USEC };
        for (size_t i = 0; program->arguments[i]; i++) {
                assert(i + 1 < N_ELEMENTS(service.arguments));
                service.arguments[i] = program->arguments[i];
        }
        return transient_start(systemd, &service, reterr);
}

/* It stays until it is stopped, however it ended, and keeps its name from the next one. */
static int stop(Running *running, const char *unit, Error *reterr) {
        Job *job = &running->stop;
        *job = (Job){ .unit = unit, .verb = VERB_STOP, .invocation_before = "" };
        running->end_usec = now_usec() + CONTAINER_STOP_USEC;
        int r = await(running, job, NULL, reterr);
        if (r < 0)
                return r;
        return job->stage == JOB_ENDED ? 0
                                       : error_set(reterr, -ETIMEDOUT, "%s does not stop", unit);
}

/* Whoever is killed leaves it running, until its time is over. */
static int
start_anew(Systemd *systemd, const ContainerProgram *program, Running *running, Error *reterr) {
        int r = start(systemd, program, running, reterr);
        if (r != -EEXIST)
                return r;
        r = stop(running, program->unit, reterr);
        return r < 0 ? r : start(systemd, program, running, reterr);
}

static int
end(Running *running, const ContainerProgram *program, char **ret_output, Error *reterr) {
        Job *job = &running->job;
        *job = (Job){ .unit = program->unit, .verb = VERB_START, .invocation_before = "" };
        running->end_usec = now_usec() + program->timeout_usec;
        int r = await(running, job, program->should_stop, reterr);
        if (r < 0)
                return r;
        if (job->stage != JOB_ENDED)
                return error_set(reterr, -ETIMEDOUT, "%s did not end in its time", program->unit);
        if (running->output_fd >= 0 &&
                        read_output(running->output_fd, program->output_max_bytes, ret_output) < 0)
                return error_oom(reterr);
        if (job->outcome == JOB_REFUSED) /* it was started, and is gone: it failed at once */
                return error_set(reterr, -ECHILD, "%s failed", program->unit);
        if (job->outcome != JOB_DONE && job->outcome != JOB_SKIPPED)
                return error_set(reterr, -ECHILD, "%s failed: %s", program->unit,
                                job->message ? job->message : job_outcome_to_string(job->outcome));
        return 0;
}

int container_run(Systemd *systemd,
                const ContainerProgram *program,
                char **ret_output,
                Error *reterr) {
        cleanup(running_donep) Running running = { .output_fd = -1 };
        if (program->output_max_bytes > 0) {
                running.output_fd = make_output(program->output_max_bytes);
                if (running.output_fd < 0)
                        return error_set_errno(reterr, running.output_fd, "memfd");
        }
        int r = job_wait_new(systemd, &running.wait, reterr);
        if (r >= 0)
                r = start_anew(systemd, program, &running, reterr);
        if (r < 0)
                return r;
        r = end(&running, program, ret_output, reterr);
        int stopped = stop(&running, program->unit, r < 0 ? NULL : reterr);
        return r < 0 ? r : stopped;
}

static void name_log_unit(char *ret_unit, size_t size) {
        (void) snprintf(ret_unit, size, "sysswitch-log-%d.service",
                        (int) getpid()); /* several may look; fits */
}

int container_sync_log(Systemd *systemd, uint64_t timeout_usec, Error *reterr) {
        static const char *const arguments[] = { "/usr/bin/journalctl", "--sync", NULL };
        char unit[48];
        name_log_unit(unit, sizeof(unit));
        const ContainerProgram program = { .unit = unit,
                .arguments = arguments,
                .timeout_usec = timeout_usec,
                .leaves_no_log = true };
        return container_run(systemd, &program, NULL, reterr);
}

int container_log(
                Systemd *systemd, const ContainerLogQuery *query, char **ret_text, Error *reterr) {
        enum { LINE_BYTES = 1024 };
        char unit[48], number[16], invocation[64];
        const char *arguments[12] = { "/usr/bin/journalctl", "--quiet", "--no-pager",
                "--output=short", "-n", number };
        name_log_unit(unit, sizeof(unit));
        (void) snprintf(number, sizeof(number), "%zu", query->n_lines); /* fits */
        if (query->unit) {
                arguments[6] = "-u";
                arguments[7] = query->unit;
        }
        if (query->unit && *query->invocation_id) {
                (void) snprintf(invocation, sizeof(invocation), "_SYSTEMD_INVOCATION_ID=%.32s",
                                query->invocation_id); /* fits */
                arguments[8] = invocation;
        }
        const ContainerProgram program = { .unit = unit,
                .arguments = arguments,
                .timeout_usec = query->timeout_usec,
                .leaves_no_log = true,
                .output_max_bytes = LINE_BYTES * query->n_lines };
        return container_run(systemd, &program, ret_text, reterr);
}
