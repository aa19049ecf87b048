/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/check.h"

#include "activate/bytes.h"
#include "activate/check_space.h"
#include "activate/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static int remove_old(const FutureFile *file, const char *path) {
        struct stat st;
        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode) && file->kind == FOUND_DIRECTORY)
                return 0;
        int r = S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path);
        return r < 0 ? -errno : 0;
}

static int make_file(const FutureFile *file, const char *path) {
        cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : write_bytes(fd, file->content->data, file->content->size_bytes);
}

static int make_new(const FutureFile *file, const char *path) {
        int r = 0;
        if (file->kind == FOUND_NOTHING)
                return 0;
        if (file->kind == FOUND_FILE)
                r = make_file(file, path);
        else if (file->kind == FOUND_LINK)
                r = symlink(file->target, path) < 0 ? -errno : 0;
        else if (mkdir(path, 0700) < 0 && errno != EEXIST)
                r = -errno;
        if (r < 0)
                return r;
        if (lchown(path, file->uid, file->gid) < 0 ||
                        (file->kind != FOUND_LINK && chmod(path, file->mode) < 0))
                return -errno;
        return 0;
}

/* Written through the overlay, which keeps it from the host. */
static int make_future(const CheckRun *run, Error *reterr) {
        char path[PATH_MAX];
        for (size_t i = 0; i < run->n_files; i++) {
                const FutureFile *file = &run->files[i];
                bool fits = snprintf(path, sizeof(path), "/etc/%s", file->path) < PATH_MAX;
                int r = fits ? remove_old(file, path) : -ENAMETOOLONG;
                if (r >= 0)
                        r = make_new(file, path);
                if (r < 0)
                        return error_set_errno(reterr, r, "/etc/%s", file->path);
        }
        if (run->directory && mkdir(run->directory, 0755) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, "%s", run->directory);
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
                r = make_future(entering->run, error);
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
