/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/process.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
        KILL_AFTER_MSEC = 2000,
        MAX_LINE_BYTES = 4096,
        MAX_INHERITED = 4096,
        /* What a child does when it could not execute its program: told by a pipe besides. */
        EXIT_NOT_EXECUTED = 127,
};

#define SYSTEM_DIRECTORIES "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SYSTEM_PATH "PATH=" SYSTEM_DIRECTORIES

typedef struct Process {
        const ProcessOptions *options;
        pid_t pid;
        int pid_fd;     /* readable once it ended */
        int output_fd;  /* -1: at its end */
        int error_fd;   /* closed by the execution, or tells errno */
        bool is_ending; /* was told to */
        char line[MAX_LINE_BYTES];
        size_t length;
} Process;

static void process_done(Process *process) {
        const int fds[] = { process->pid_fd, process->output_fd, process->error_fd };
        for (size_t i = 0; i < N_ELEMENTS(fds); i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]); /* nothing was written */
}

static int64_t now_msec(void) {
        return (int64_t) (now_usec() / 1000);
}

/* Puts fds at first, first + 1, … and the error pipe behind them; all else is closed. The
 * descriptors are moved out of the way first, as one may sit where another one goes. */
static int arrange_fds(int *fds, size_t n_fds, int *error_fd) {
        enum { FIRST = 3 };
        int floor = FIRST + (int) n_fds + 1;
        for (size_t i = 0; i < n_fds; i++) {
                fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, floor);
                if (fds[i] < 0)
                        return -errno;
        }
        int moved = fcntl(*error_fd, F_DUPFD_CLOEXEC, floor);
        if (moved < 0)
                return -errno;
        for (size_t i = 0; i < n_fds; i++)
                if (dup2(fds[i], FIRST + (int) i) < 0)
                        return -errno;
        int last = FIRST + (int) n_fds;
        if (dup3(moved, last, O_CLOEXEC) < 0)
                return -errno;
        *error_fd = last;
        return close_range((unsigned) last + 1, ~0U, 0) < 0 ? -errno : 0;
}

void process_reset_signals(void) {
        sigset_t none;
        (void) sigemptyset(&none);                    /* cannot fail */
        (void) sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail */
        for (int i = 1; i < NSIG; i++)
                (void) signal(i, SIG_DFL); /* those that cannot be set are as they should be */
}

/* In the child, which shares no memory with us. */
static int execute(const ProcessOptions *options, int output_fd, int *error_fd) {
        static const char *const short_environment[] = { SYSTEM_PATH, "LANG=C.UTF-8", NULL };
        size_t n_fds = options->n_inherited_fds;
        int fds[MAX_INHERITED + 1];
        if (n_fds > 0)
                memcpy(fds, options->inherited_fds, n_fds * sizeof(int));
        if (options->program_fd >= 0) /* it stays open: a script is read through it */
                fds[n_fds++] = options->program_fd;
        process_reset_signals();
        (void) setpgid(0, 0); /* the parent does it too */
        if (chdir("/") < 0)
                return -errno;
        int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(output_fd, STDOUT_FILENO) < 0 ||
                        dup2(output_fd, STDERR_FILENO) < 0)
                return -errno;
        int r = arrange_fds(fds, n_fds, error_fd);
        if (r >= 0 && options->enter)
                r = options->enter(options->enter_userdata);
        if (r < 0)
                return r;
        const char *const *environment =
                        options->environment ? options->environment : short_environment;
        /* execve() takes them without const, and changes nothing */
        char **arguments = (char **) (uintptr_t) options->arguments;
        char **variables = (char **) (uintptr_t) environment;
        if (options->program_fd >= 0)
                (void) fexecve(3 + (int) n_fds - 1, arguments, variables); /* returns on failure */
        else {
                (void) putenv((char *) (uintptr_t) SYSTEM_PATH);    /* for the search */
                (void) execvpe(arguments[0], arguments, variables); /* returns on failure */
        }
        return -errno;
}

static int start(Process *process, Error *reterr) {
        int output[2], error[2];
        if (pipe2(output, O_CLOEXEC) < 0)
                return error_set_errno(reterr, -errno, "Pipe");
        process->output_fd = output[0];
        cleanup_fd int output_end = output[1];
        if (pipe2(error, O_CLOEXEC) < 0)
                return error_set_errno(reterr, -errno, "Pipe");
        process->error_fd = error[0];
        cleanup_fd int error_end = error[1];
        process->pid = fork();
        if (process->pid < 0)
                return error_set_errno(reterr, -errno, "Starting a process");
        if (process->pid == 0) {
                int told_fd = error_end;
                int r = execute(process->options, output_end, &told_fd);
                (void) !write(told_fd, &r, sizeof(r)); /* the exit status says so too */
                _exit(EXIT_NOT_EXECUTED);
        }
        (void) setpgid(process->pid, process->pid); /* the child does it too */
        process->pid_fd = (int) syscall(SYS_pidfd_open, process->pid, 0);
        if (process->pid_fd >= 0)
                return 0;
        int r = -errno;
        (void) kill(-process->pid, SIGKILL);   /* it is still ours to reap, so it is there */
        (void) waitpid(process->pid, NULL, 0); /* all that matters is that it is gone */
        return error_set_errno(reterr, r, "Watching a process");
}

static void end_line(Process *process) {
        process->line[process->length] = 0;
        if (process->options->output)
                process->options->output(process->options->userdata, process->line);
        process->length = 0;
}

static void take_output(Process *process, const char *data, size_t size) {
        for (size_t i = 0; i < size; i++) {
                if (data[i] == '\n')
                        end_line(process);
                else if (process->length + 1 < MAX_LINE_BYTES) {
                        process->line[process->length] = ' '; /* what stands for a NUL */
                        if (data[i])
                                process->line[process->length] = data[i];
                        process->length++;
                }
        }
}

/* Returns 1 when there was some, 0 when there is none now or at its end. */
static int read_output(Process *process) {
        char data[4096];
        ssize_t n = read(process->output_fd, data, sizeof(data));
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0) {
                (void) close(TAKE_FD(process->output_fd)); /* nothing was written */
                return 0;
        }
        take_output(process, data, (size_t) n);
        return 1;
}

/* Until the process ends, or the instant end_msec. Returns 1 when it ended. */
static int watch(Process *process, int64_t end_msec) {
        for (;;) {
                int64_t now = now_msec();
                bool should_stop = process->options->should_stop && process->options->should_stop();
                if (now >= end_msec || (should_stop && !process->is_ending))
                        return 0;
                struct pollfd fds[] = { { .fd = process->pid_fd, .events = POLLIN },
                        { .fd = process->output_fd, .events = POLLIN } };
                int64_t left = end_msec - now,
                        most = process->options->should_stop ? 1000 : 1000000;
                int r = poll(fds, N_ELEMENTS(fds), left > most ? (int) most : (int) left);
                if (r < 0 && errno != EINTR)
                        return -errno;
                if (r > 0 && fds[1].revents) {
                        r = read_output(process);
                        if (r < 0)
                                return r;
                } else if (r > 0 && fds[0].revents)
                        return 1;
        }
}

static int wait_for_end(Process *process, int *ret_status) {
        while (waitpid(process->pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return 0;
}

/* What it wrote before it ended; those that it left behind may hold the pipe open for ever. */
static int drain(Process *process) {
        int r = process->output_fd >= 0;
        if (r > 0 && fcntl(process->output_fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        while (r > 0 && process->output_fd >= 0)
                r = read_output(process);
        if (process->length > 0)
                end_line(process);
        return r;
}

static int end_by_force(Process *process) {
        process->is_ending = true;
        (void) kill(-process->pid, SIGTERM); /* it may be about to end by itself */
        int r = watch(process, now_msec() + KILL_AFTER_MSEC);
        (void) kill(-process->pid, SIGKILL); /* the same; and those of its group that go on */
        return r;
}

/* What the child told before it gave up. */
static int read_execution_error(const Process *process) {
        int code;
        ssize_t n = read(process->error_fd, &code, sizeof(code));
        return n == (ssize_t) sizeof(code) ? code : 0;
}

bool process_finds(const char *program) {
        if (strchr(program, '/'))
                return access(program, X_OK) == 0;
        for (const char *directory = SYSTEM_DIRECTORIES; *directory;) {
                size_t length = strcspn(directory, ":");
                char path[512];
                int size = snprintf(
                                path, sizeof(path), "%.*s/%s", (int) length, directory, program);
                if (size < (int) sizeof(path) && access(path, X_OK) == 0)
                        return true;
                directory += length + (directory[length] == ':');
        }
        return false;
}

int process_run(const ProcessOptions *options, Error *reterr) {
        if (options->n_inherited_fds > MAX_INHERITED)
                return error_set(reterr, -E2BIG, "%s: too many files", options->arguments[0]);
        cleanup(process_done) Process process = {
                .options = options, .pid_fd = -1, .output_fd = -1, .error_fd = -1
        };
        int r = start(&process, reterr);
        if (r < 0)
                return r;
        int64_t end_msec = options->timeout_usec > 0
                                           ? now_msec() + (int64_t) (options->timeout_usec / 1000)
                                           : INT64_MAX;
        int watched = watch(&process, end_msec);
        if (watched <= 0) {
                bool is_late = now_msec() >= end_msec;
                int forced = end_by_force(&process);
                watched = watched < 0  ? watched
                          : forced < 0 ? forced
                          : is_late    ? -ETIMEDOUT
                                       : -EINTR;
        }
        int status = 0;
        r = wait_for_end(&process, &status);
        if (r >= 0)
                r = drain(&process);
        if (watched == -ETIMEDOUT)
                return error_set(reterr, -ETIMEDOUT, "%s: killed at its deadline",
                                options->arguments[0]);
        if (watched == -EINTR)
                return error_set(reterr, -EINTR, "%s: ended, as it was asked to stop",
                                options->arguments[0]);
        if (watched < 0 || r < 0)
                return error_set_errno(
                                reterr, watched < 0 ? watched : r, "%s", options->arguments[0]);
        r = read_execution_error(&process);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", options->arguments[0]);
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The last lines of what a program said, for the error. */
typedef struct Said {
        char text[400];
} Said;

static void keep_line(void *userdata, const char *line) {
        Said *said = userdata;
        size_t length = strlen(line), used = strlen(said->text);
        if (length >= sizeof(said->text) - 3)
                length = sizeof(said->text) - 3;
        while (used > 0 && used + 2 + length >= sizeof(said->text)) { /* the first line goes */
                char *second = strstr(said->text, "; ");
                second = second ? second + 2 : said->text + used;
                used -= (size_t) (second - said->text);
                memmove(said->text, second, used + 1);
        }
        (void) snprintf(said->text + used, sizeof(said->text) - used, "%s%.*s", used ? "; " : "",
                        (int) length, line); /* fits */
}

int process_succeed(const ProcessOptions *options, Error *reterr) {
        Said said = { 0 };
        ProcessOptions listening = *options;
        listening.output = keep_line;
        listening.userdata = &said;
        int r = process_run(&listening, reterr);
        if (r < 0)
                return r;
        if (r > 0)
                return error_set(reterr, -EIO, "%s ended with status %d%s%s", options->arguments[0],
                                r, *said.text ? ": " : "", said.text);
        return 0;
}
