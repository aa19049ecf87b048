/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/container_link.h"

#include "activate/connection.h"
#include "activate/job_wait.h"
#include "activate/transient.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

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

/* Opened before any is entered: afterwards /proc is another one. */
typedef struct Namespaces {
        int user, mount, pid, root; /* user: -1 where it is ours */
} Namespaces;

static void namespaces_donep(Namespaces *spaces) {
        const int fds[] = { spaces->user, spaces->mount, spaces->pid, spaces->root };
        for (size_t i = 0; i < N_ELEMENTS(fds); i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]); /* nothing was written */
}

static int open_of(pid_t leader, const char *name, int flags) {
        char path[64];
        (void) snprintf(path, sizeof(path), "/proc/%d/%s", leader, name); /* fits */
        int fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static bool is_ours(int fd, const char *path) {
        struct stat mine, other;
        return stat(path, &mine) == 0 && fstat(fd, &other) == 0 && mine.st_ino == other.st_ino &&
               mine.st_dev == other.st_dev;
}

static int open_namespaces(pid_t leader, Namespaces *spaces) {
        spaces->user = open_of(leader, "ns/user", O_RDONLY);
        spaces->mount = open_of(leader, "ns/mnt", O_RDONLY);
        spaces->pid = open_of(leader, "ns/pid", O_RDONLY);
        spaces->root = open_of(leader, "root", O_RDONLY | O_DIRECTORY);
        if (spaces->user < 0 || spaces->mount < 0 || spaces->pid < 0 || spaces->root < 0)
                return -ESRCH;
        if (is_ours(spaces->user, "/proc/self/ns/user")) {
                (void) close(spaces->user); /* nothing was written */
                spaces->user = -1;
        }
        return 0;
}

/* The user namespace last: before, we have the rights to enter the others. */
static int enter(const Namespaces *spaces) {
        if (setns(spaces->pid, CLONE_NEWPID) < 0 || setns(spaces->mount, CLONE_NEWNS) < 0)
                return -errno;
        if (spaces->user >= 0 &&
                        (setns(spaces->user, CLONE_NEWUSER) < 0 || setgroups(0, NULL) < 0 ||
                                        setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
                return -errno;
        return fchdir(spaces->root) < 0 || chroot(".") < 0 ? -errno : 0;
}

static int connect_inside(int fd) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX,
                .sun_path = "/run/systemd/private" };
        return connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
}

static int wait_for(pid_t pid) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* A child of the pid namespace, or systemd there sees no peer. */
static int connect_by_child(const Namespaces *spaces, int fd) {
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid > 0)
                return wait_for(pid);
        int r = enter(spaces);
        pid_t inner = r < 0 ? -1 : fork();
        if (inner == 0)
                _exit(-connect_inside(fd));
        if (r == 0)
                r = inner < 0 ? -errno : wait_for(inner);
        _exit(-r);
}

int container_connect(const char *name, pid_t leader, Systemd **ret_systemd, Error *reterr) {
        cleanup(namespaces_donep) Namespaces spaces = { -1, -1, -1, -1 };
        cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = fd < 0 ? -errno : open_namespaces(leader, &spaces);
        if (r >= 0)
                r = connect_by_child(&spaces, fd);
        if (r < 0)
                return error_set(reterr, r, "systemd of container %s cannot be reached: %s", name,
                                strerror(-r));
        return systemd_connect_fd(TAKE_FD(fd), ret_systemd, reterr);
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
