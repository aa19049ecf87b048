/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A shell, or a command, inside a container. Its own systemd starts it, so that it has nothing of
 * the host's; and no descriptor of somebody's terminal gets there, which what runs inside could
 * keep and read from ever after. Instead it has a terminal, or a pipe, of which the other end is
 * here. */

#include "activate/container_link.h"
#include "activate/process.h"
#include "switch/container_verbs.h"
#include "switch/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <termios.h>

enum {
        EXIT_EXEC = 203 /* systemd.exec(5): the program could not be executed */
};

/* What is read here is written there; from -1: there is nothing (any more). */
typedef struct Relay {
        int from, to;
} Relay;

typedef struct Session {
        int given[3];    /* what it has as its standard streams */
        Relay relays[3]; /* input, output, errors */
        int terminal;    /* of its own, our end; -1: none */
        struct termios saved;
} Session;

static volatile sig_atomic_t is_resized;

static void note_size(int signal) {
        (void) signal; /* there is one */
        is_resized = 1;
}

static void copy_size(const Session *session) {
        struct winsize size;
        is_resized = 0;
        if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
                (void) ioctl(session->terminal, TIOCSWINSZ, &size); /* it only looks odd */
}

/* All of its streams are one terminal, and ours is only a way to it. */
static int give_terminal(Session *session) {
        char path[64];
        const struct sigaction action = { .sa_handler = note_size };
        session->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (session->terminal < 0 || unlockpt(session->terminal) < 0 ||
                        ptsname_r(session->terminal, path, sizeof(path)) != 0)
                return -errno;
        int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0 || tcgetattr(STDIN_FILENO, &session->saved) < 0)
                return -errno;
        for (size_t i = 0; i < 3; i++)
                session->given[i] = fd;
        session->relays[0] = (Relay){ STDIN_FILENO, session->terminal };
        session->relays[1] = (Relay){ session->terminal, STDOUT_FILENO };
        struct termios raw = session->saved;
        cfmakeraw(&raw);
        (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &raw); /* it only echoes twice */
        (void) sigaction(SIGWINCH, &action, NULL);       /* cannot fail for this signal */
        copy_size(session);
        return 0;
}

/* Each stream that is a terminal is replaced. */
static int give_pipes(Session *session) {
        if (isatty(STDIN_FILENO)) {
                session->given[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
                if (session->given[0] < 0)
                        return -errno;
        }
        for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
                int ends[2];
                if (!isatty(fd))
                        continue;
                if (pipe2(ends, O_CLOEXEC) < 0)
                        return -errno;
                session->relays[fd] = (Relay){ ends[0], fd };
                session->given[fd] = ends[1];
        }
        return 0;
}

/* Our copies of what was given: the other end is at its end when nobody has it any more. */
static void let_go(Session *session) {
        for (int i = 0; i < 3; i++) {
                if (session->given[i] > STDERR_FILENO &&
                                (i == 0 || session->given[i] != session->given[i - 1]))
                        (void) close(session->given[i]); /* nothing was written */
        }
}

static void pass_on(Relay *relay) {
        char part[4096];
        ssize_t n = read(relay->from, part, sizeof(part));
        for (ssize_t at = 0; at < n;) {
                ssize_t written = write(relay->to, part + at, (size_t) (n - at));
                if (written < 0 && errno != EINTR)
                        break; /* whoever read it has gone */
                at += written > 0 ? written : 0;
        }
        if (n == 0 || (n < 0 && errno != EINTR))
                relay->from = -1;
}

/* Until the child ended, and what it had written by then is told: what it left running there may
 * have its streams for ever. */
static void pass_on_all(Session *session, int pidfd) {
        for (bool has_ended = false;;) {
                struct pollfd fds[4] = { { pidfd, POLLIN, 0 } };
                for (size_t i = 0; i < 3; i++)
                        fds[i + 1] = (struct pollfd){ session->relays[i].from, POLLIN, 0 };
                if (has_ended)
                        fds[0].fd = fds[1].fd = -1;
                int n = poll(fds, N_ELEMENTS(fds), has_ended ? 0 : -1);
                if (is_resized && session->terminal >= 0)
                        copy_size(session);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return;
                for (size_t i = 0; i < 3; i++)
                        if (fds[i + 1].revents)
                                pass_on(&session->relays[i]);
                has_ended |= fds[0].revents != 0;
        }
}

static void execute(const Session *session, char **command) {
        process_reset_signals();
        for (int i = 0; i < 3; i++)
                (void) dup2(session->given[i], i); /* cannot fail for such descriptors */
        (void) execvp(command[0], command);
        _exit(127);
}

static int run(Session *session, char **command, Error *reterr) {
        int status;
        pid_t pid = fork();
        if (pid < 0)
                return error_set_errno(reterr, -errno, "fork");
        if (pid == 0)
                execute(session, command);
        let_go(session);
        cleanup_fd int pidfd = pidfd_open(pid, 0);
        if (pidfd >= 0)
                pass_on_all(session, pidfd);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return error_set_errno(reterr, -errno, "waitpid");
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int make_command(const char *machine,
                bool has_terminal,
                char **arguments,
                size_t n_arguments,
                char ***ret_command) {
        static const char *const head[] = { "systemd-run", "--quiet", "--wait", "--collect",
                "--pipe", "--service-type=exec", "--property=KillMode=mixed" };
        const char **command = calloc(N_ELEMENTS(head) + n_arguments + 5, sizeof(char *));
        if (!command)
                return -ENOMEM;
        size_t n = 0;
        for (size_t i = 0; i < N_ELEMENTS(head); i++)
                command[n++] = head[i];
        if (has_terminal)
                command[n++] = getenv("TERM") ? "--setenv=TERM" : "--setenv=TERM=dumb";
        command[n++] = machine;
        command[n++] = "--";
        for (size_t i = 0; i < n_arguments; i++)
                command[n++] = arguments[i];
        if (n_arguments == 0)
                command[n++] = "/bin/sh";
        *ret_command = (char **) (uintptr_t) command; /* only read */
        return 0;
}

int container_shell(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) options; /* there are none */
        pid_t leader;
        char machine[80];
        int r = container_leader(arguments[0], &leader, reterr);
        if (r == -ENOENT)
                return error_set(reterr, r,
                                "Container %s does not run: 'sysswitch container list' has those "
                                "that there are",
                                arguments[0]);
        if (r < 0)
                return r;
        (void) snprintf(machine, sizeof(machine), "--machine=%.64s", arguments[0]); /* fits */
        Session session = { .given = { 0, 1, 2 },
                .relays = { { -1, -1 }, { -1, -1 }, { -1, -1 } },
                .terminal = -1 };
        char **command_words = arguments + 1;
        size_t n_words = n_arguments - 1;
        if (n_words > 0 && strcmp(*command_words, "--") == 0) {
                command_words++;
                n_words--;
        }
        bool has_terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        cleanup_free char **command = NULL;
        if (make_command(machine, has_terminal, command_words, n_words, &command) < 0)
                return error_oom(reterr);
        r = has_terminal ? give_terminal(&session) : give_pipes(&session);
        if (r < 0)
                return error_set_errno(reterr, r, "A terminal for the container");
        r = run(&session, command, reterr);
        if (has_terminal)
                (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &session.saved); /* it was so before */
        if (r == EXIT_EXEC) { /* systemd-run says nothing else of it */
                Error error;
                (void) error_set(&error, -ENOEXEC,
                                "Container %s: %s was not found there, or cannot be executed: "
                                "'sysswitch container log %s' has why",
                                arguments[0], n_words > 0 ? *command_words : "/bin/sh",
                                arguments[0]);
                output_error(&error);
        }
        return r;
}
