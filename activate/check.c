/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/check.h"

#include "activate/check_space.h"
#include "activate/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* What the processes of a check share with the one that wants to know. */
typedef struct Shared {
        Error error; /* why the place could not be made; code 0: it was */
} Shared;

typedef struct Entering {
        const CheckRun *run;
        Shared *shared;
} Entering;

static int make_directory(const char *path, Error *reterr) {
        if (path && mkdir(path, 0755) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, "%s", path);
        return 0;
}

/* As process_run() gives it. */
static int status_of(int status) {
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The end of the first process ends all of the namespace. */
_Noreturn static void reap(pid_t main_pid) {
        for (;;) {
                int status = 0;
                pid_t pid = wait(&status);
                if (pid == main_pid)
                        _exit(status_of(status));
                if (pid < 0 && errno != EINTR)
                        _exit(EXIT_FAILURE); /* not while its child is there */
        }
}

static volatile sig_atomic_t first_pid;

static void kill_first(int number) {
        (void) number;
        (void) kill((pid_t) first_pid, SIGKILL); /* it is not reaped before we end */
}

/* Ends when all of the namespace is gone, and makes sure of that when it is told to end. */
_Noreturn static void guard(pid_t pid, const sigset_t *signals) {
        first_pid = pid;
        const struct sigaction action = { .sa_handler = kill_first };
        (void) sigaction(SIGTERM, &action, NULL);       /* cannot fail for it */
        (void) sigprocmask(SIG_SETMASK, signals, NULL); /* cannot fail */
        int status = 0;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        _exit(EXIT_FAILURE); /* not while its child is there */
        _exit(status_of(status));
}

/* Comes back in the process that shall execute the program: the caller guards, its child is the
 * first of the namespace, and the child of that is it. */
static int enter(void *userdata) {
        const Entering *entering = userdata;
        Error *error = &entering->shared->error;
        sigset_t term, none;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail for a signal */
        int r = check_space_enter(entering->run->hidden, error);
        if (r >= 0)
                r = future_make(entering->run->files, entering->run->n_files, error);
        if (r >= 0)
                r = make_directory(entering->run->directory, error);
        if (r < 0)
                return r;
        (void) sigemptyset(&term); /* none of these three can fail */
        (void) sigaddset(&term, SIGTERM);
        (void) sigprocmask(SIG_BLOCK, &term, &none);
        pid_t pid = fork();
        if (pid < 0)
                return error_set_errno(error, -errno, "Starting a process");
        if (pid > 0)
                guard(pid, &none);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* as above */
        r = check_space_begin(error);
        if (r < 0)
                return r;
        pid = fork();
        if (pid < 0)
                return error_set_errno(error, -errno, "Starting a process");
        if (pid > 0)
                reap(pid);
        (void) sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
        return check_space_confine(error);
}

int check_run(const CheckRun *run, Error *reterr) {
        Shared *shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return error_oom(reterr);
        Entering entering = { .run = run, .shared = shared };
        const ProcessOptions options = {
                .arguments = run->arguments,
                .program_fd = -1,
                .enter = enter,
                .enter_userdata = &entering,
                .timeout_usec = run->timeout_usec,
                .should_stop = run->should_stop,
                .output = run->output,
                .userdata = run->userdata,
        };
        int r = process_run(&options, reterr);
        if (shared->error.code < 0)
                r = error_set(reterr, -ENOTSUP, "%s", shared->error.message);
        (void) munmap(shared, sizeof(Shared)); /* it is one mapping */
        return r;
}

bool check_is_installed(const char *program) {
        return process_finds(program);
}
