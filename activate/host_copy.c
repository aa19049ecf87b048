/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/host_copy.h"

#include "activate/connection.h"
#include "activate/copy_space.h"
#include "activate/foreign.h"
#include "activate/journal.h"
#include "activate/process.h"
#include "activate/scope.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define NOTIFY_SOCKET "/run/notify" /* in the copy's outer namespace */

enum { GO_FD = 3, NOTIFY_FD, N_FDS, EXIT_NOT_BEGUN = 127, MAX_LINE_BYTES = 400 };

#define WAITS_LINE "sysswitch: the copy waits for its ids"
#define GO_FIFO "/run/sysswitch-go"

/* What is executed as the first process in the copy: users first, then the files that they own, as
 * "OWNER:GROUP" and path. Then it gives up what it has of the host, by a user namespace: all that
 * systemd-nspawn mounted is locked as it is by that, read-only or covered. From within nobody can
 * give every id to it, so it waits until we did. The addresses of the host are not there, and a
 * service that names one is not wrong. */
static const char init_script[] =
                "exec 2> /dev/null\n"
                "systemd-sysusers\n"
                "while [ $# -gt 1 ]; do chown -h -- \"$1\" \"$2\"; shift 2; done\n"
                "umount /proc/kmsg\n" /* a removed file, on which no unit can mount anything */
                "exec 2>&1\n"
                "mkfifo -m 600 " GO_FIFO " &&\n"
                "exec unshare -U -m -n -i -u /bin/sh -c '\n"
                "echo " WAITS_LINE "\n"
                "read go < " GO_FIFO " || exit 1\n"
                "for f in ipv4 ipv6; do\n"
                "        echo 1 2> /dev/null > /proc/sys/net/$f/ip_nonlocal_bind\n"
                "done\n"
                "[ ! -x /usr/lib/systemd/systemd ] || exec /usr/lib/systemd/systemd "
                "systemd.show_status=no\n"
                "exec /sbin/init systemd.show_status=no'";

struct HostCopy {
        Systemd *host;
        Systemd *systemd; /* NULL: not connected */
        char scope[64];   /* "": none */
        pid_t pid;        /* of the first process of the outer namespaces; 0: none */
        int pid_fd, go_fd, notify_fd, output_fd, fifo_fd;
        Error *error;    /* why it could not be made; shared with that process */
        long leader;     /* of the copy, as that process counts; 0: not told yet */
        bool is_waiting; /* for its ids */
        bool has_ids, is_ready;
        char line[MAX_LINE_BYTES], last_line[MAX_LINE_BYTES]; /* of what it prints */
        size_t length;
};

int host_copy_check(Error *reterr) {
        if (process_finds("systemd-nspawn"))
                return 0;
        return error_set(reterr, -ENOENT,
                        "A rehearsal needs systemd-nspawn: install the package systemd-container");
}

/* Behind the script: its name, and what is to be chowned. */
static char **make_arguments(const HostCopyOptions *options) {
        static const char *const fixed[] = { "systemd-nspawn", "--quiet", "--keep-unit",
                "--register=no", "--machine=rehearsal", "--directory=" COPY_SPACE_DIRECTORY,
                "--private-network", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
                "--console=pipe", "--notify-ready=yes", "--kill-signal=SIGRTMIN+3", "/bin/sh", "-c",
                init_script, "sh" };
        char **arguments = calloc(N_ELEMENTS(fixed) + 2 * options->n_files + 1, sizeof(char *));
        size_t n = 0;
        for (; arguments && n < N_ELEMENTS(fixed); n++)
                arguments[n] = (char *) (uintptr_t) fixed[n]; /* as execve() takes them */
        for (size_t i = 0; arguments && i < options->n_files; i++) {
                const FutureFile *file = &options->files[i];
                if (!file->owner)
                        continue;
                if (asprintf(&arguments[n], "%s:%s", file->owner, file->group) < 0 ||
                                asprintf(&arguments[n + 1], "/etc/%s", file->path) < 0)
                        return NULL; /* it ends with the process */
                n += 2;
        }
        return arguments;
}

static int execute(const HostCopyOptions *options, Error *reterr) {
        static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    language[] = "LANG=C.UTF-8", notify[] = "NOTIFY_SOCKET=" NOTIFY_SOCKET,
                    writable[] = "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network";
        char *environment[] = { path, language, notify, writable, NULL };
        char **arguments = make_arguments(options);
        if (!arguments)
                return error_oom(reterr);
        (void) execvpe(arguments[0], arguments, environment); /* comes back on failure only */
        return error_set_errno(reterr, -errno, "systemd-nspawn");
}

/* Of the caller's descriptors none stays, its lock least of all. */
static int arrange_fds(const HostCopy *copy, int go_fd, int output_fd) {
        int null_fd = open("/dev/null", O_RDONLY);
        int go = fcntl(go_fd, F_DUPFD, N_FDS), notify = fcntl(copy->notify_fd, F_DUPFD, N_FDS);
        if (null_fd < 0 || go < 0 || notify < 0)
                return -errno;
        if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(output_fd, STDOUT_FILENO) < 0 ||
                        dup2(output_fd, STDERR_FILENO) < 0)
                return -errno;
        if (dup3(go, GO_FD, O_CLOEXEC) < 0 || dup3(notify, NOTIFY_FD, O_CLOEXEC) < 0)
                return -errno;
        return close_range(N_FDS, ~0U, 0) < 0 ? -errno : 0;
}

/* The kernel takes it first when memory is short. */
static void give_way(void) {
        static const char score[] = "1000";
        cleanup_fd int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
                (void) !write(fd, score, strlen(score)); /* it is a courtesy */
}

static int prepare(const HostCopyOptions *options, Error *reterr) {
        const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = NOTIFY_SOCKET };
        int r = copy_space_enter(options->hidden, reterr);
        if (r >= 0)
                r = future_make(options->files, options->n_files, reterr);
        if (r < 0)
                return r;
        if (bind(NOTIFY_FD, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return error_set_errno(reterr, -errno, "%s", NOTIFY_SOCKET);
        return 0;
}

/* The end of systemd-nspawn ends all of the namespace. */
_Noreturn static void reap(pid_t main_pid) {
        for (;;) {
                pid_t pid = wait(NULL);
                if (pid == main_pid || (pid < 0 && errno != EINTR))
                        _exit(EXIT_FAILURE);
        }
}

/* In the first process of the outer namespaces. */
_Noreturn static void begin(
                const HostCopy *copy, const HostCopyOptions *options, int go_fd, int output_fd) {
        char byte;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail for a signal */
        process_reset_signals();
        (void) setsid(); /* cannot fail in a new process */
        int r = arrange_fds(copy, go_fd, output_fd);
        if (r < 0)
                r = error_set_errno(copy->error, r, "Descriptors");
        /* not before it is in its scope; at the end of the pipe the caller is gone */
        if (r < 0 || read(GO_FD, &byte, 1) != 1)
                _exit(EXIT_NOT_BEGUN);
        give_way();
        r = prepare(options, copy->error);
        pid_t pid = r < 0 ? -1 : fork();
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* as above */
                (void) execute(options, copy->error);    /* what went wrong is shared */
        }
        if (pid <= 0)
                _exit(EXIT_NOT_BEGUN);
        reap(pid);
}

static int start_first(HostCopy *copy, const HostCopyOptions *options, Error *reterr) {
        int go[2], output[2];
        if (pipe2(go, O_CLOEXEC) < 0)
                return error_set_errno(reterr, -errno, "Pipe");
        copy->go_fd = go[1];
        cleanup_fd int go_end = go[0];
        if (pipe2(output, O_CLOEXEC | O_NONBLOCK) < 0)
                return error_set_errno(reterr, -errno, "Pipe");
        copy->output_fd = output[0];
        cleanup_fd int output_end = output[1];
        if (fcntl(output_end, F_SETFL, 0) < 0)
                return error_set_errno(reterr, -errno, "Pipe");
        copy->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (copy->notify_fd < 0)
                return error_set_errno(reterr, -errno, "Socket");
        struct clone_args arguments = {
                .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_PIDFD,
                .pidfd = (uint64_t) (uintptr_t) &copy->pid_fd,
                .exit_signal = SIGCHLD,
        };
        long pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
        if (pid < 0)
                return error_set_errno(reterr, -errno, "New namespaces");
        if (pid == 0) {
                (void) close(copy->go_fd); /* else its end is never seen */
                begin(copy, options, go_end, output_end);
        }
        copy->pid = (pid_t) pid;
        return 0;
}

static void end_line(HostCopy *copy) {
        copy->line[copy->length] = 0;
        if (strcmp(copy->line, WAITS_LINE) == 0)
                copy->is_waiting = true;
        else if (copy->length > 0)
                memcpy(copy->last_line, copy->line, copy->length + 1);
        copy->length = 0;
}

/* Nobody reads what it prints but for its last words; but it must not wait for a reader. */
static void read_output(HostCopy *copy) {
        char data[4096];
        ssize_t n;
        while ((n = read(copy->output_fd, data, sizeof(data))) > 0)
                for (ssize_t i = 0; i < n; i++) {
                        if (data[i] == '\n')
                                end_line(copy);
                        else if (copy->length + 1 < MAX_LINE_BYTES && data[i] && data[i] != '\r')
                                copy->line[copy->length++] = data[i];
                }
}

static void read_notification(HostCopy *copy) {
        static const char leader[] = "X_NSPAWN_LEADER_PID=", ready[] = "READY=1";
        char data[4096];
        ssize_t n = recv(copy->notify_fd, data, sizeof(data) - 1, 0);
        if (n <= 0)
                return;
        data[n] = 0;
        char *rest = data, *line;
        while ((line = strsep(&rest, "\n"))) {
                if (strncmp(line, leader, strlen(leader)) == 0)
                        copy->leader = strtol(line + strlen(leader), NULL, 10);
                copy->is_ready |= strcmp(line, ready) == 0;
        }
}

static int tell_end(HostCopy *copy, Error *reterr) {
        read_output(copy);
        end_line(copy);
        if (copy->error->code < 0)
                return error_set(reterr, -ENOTSUP, "%s", copy->error->message);
        return error_set(reterr, -ECHILD, "The copy ended: %s",
                        *copy->last_line ? copy->last_line : "systemd-nspawn said nothing");
}

static void format_root(const HostCopy *copy, char *ret_root, size_t size) {
        (void) snprintf(ret_root, size, "/proc/%d/root/proc/%ld/root", (int) copy->pid,
                        copy->leader); /* there is room */
}

static int write_map(const HostCopy *copy, const char *name) {
        static const char all[] = "0 0 4294967295";
        char path[96];
        (void) snprintf(path, sizeof(path), "/proc/%d/root/proc/%ld/%s", (int) copy->pid,
                        copy->leader, name); /* fits */
        cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd < 0 || write(fd, all, strlen(all)) < 0 ? -errno : 0;
}

/* Each id is itself: an overlay cannot be shifted. */
static int give_ids(HostCopy *copy, Error *reterr) {
        char root[64], path[96];
        if (!copy->is_waiting || copy->leader == 0 || copy->has_ids)
                return 0;
        int r = write_map(copy, "gid_map");
        if (r >= 0)
                r = write_map(copy, "uid_map");
        if (r < 0)
                return error_set(reterr, -ENOTSUP, "A user namespace: %s", strerror(-r));
        format_root(copy, root, sizeof(root));
        (void) snprintf(path, sizeof(path), "%s" GO_FIFO, root); /* fits */
        copy->fifo_fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (copy->fifo_fd < 0 || write(copy->fifo_fd, "\n", 1) != 1)
                return error_set_errno(reterr, -errno, "Starting the copy");
        copy->has_ids = true;
        return 0;
}

/* Returns 1 when its start is over, 0 at the deadline. */
static int await(HostCopy *copy, const HostCopyOptions *options, Error *reterr) {
        enum { LOOK_MSEC = 1000 };
        while (!copy->is_ready) {
                uint64_t now = now_usec();
                if (options->should_stop && options->should_stop())
                        return error_set(reterr, -EINTR, "The rehearsal was asked to stop");
                if (now >= options->end_usec)
                        return 0;
                struct pollfd fds[] = { { .fd = copy->pid_fd, .events = POLLIN },
                        { .fd = copy->notify_fd, .events = POLLIN },
                        { .fd = copy->output_fd, .events = POLLIN } };
                uint64_t left = (options->end_usec - now) / 1000 + 1;
                int r = poll(fds, N_ELEMENTS(fds), left < LOOK_MSEC ? (int) left : LOOK_MSEC);
                if (r < 0 && errno != EINTR)
                        return error_set_errno(reterr, -errno, "Waiting for the copy");
                if (r <= 0)
                        continue;
                if (fds[1].revents)
                        read_notification(copy);
                if (fds[2].revents)
                        read_output(copy);
                if (fds[0].revents)
                        return tell_end(copy, reterr);
                r = give_ids(copy, reterr);
                if (r < 0)
                        return r;
        }
        return 1;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) fd;
        read_output(userdata);
        /* at its end it would be readable for ever */
        return events & EPOLLHUP ? sd_event_source_set_enabled(source, SD_EVENT_OFF) : 0;
}

static int connect_to(HostCopy *copy, Error *reterr) {
        char root[64];
        if (!copy->has_ids)
                return error_set(reterr, -ETIMEDOUT,
                                "At the deadline the copy had not even begun to boot");
        format_root(copy, root, sizeof(root));
        cleanup_free char *process = strndup(root, strlen(root) - strlen("/root"));
        if (!process)
                return error_oom(reterr);
        int r = foreign_connect(process, &copy->systemd, reterr);
        if (r < 0)
                return error_prefix(reterr, "The copy");
        (void) snprintf(copy->systemd->root, sizeof(copy->systemd->root), "%s", root); /* fits */
        r = sd_event_add_io(copy->systemd->event, NULL, copy->output_fd, EPOLLIN, on_output, copy);
        return r < 0 ? error_set_errno(reterr, r, "Event loop") : 0;
}

static int new_copy(Systemd *systemd, HostCopy **ret_copy, Error *reterr) {
        cleanup(host_copy_freep) HostCopy *copy = malloc(sizeof(HostCopy));
        if (!copy)
                return error_oom(reterr);
        *copy = (HostCopy){ .host = systemd,
                .pid_fd = -1,
                .go_fd = -1,
                .notify_fd = -1,
                .output_fd = -1,
                .fifo_fd = -1 };
        void *shared = mmap(NULL, sizeof(Error), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                        -1, 0);
        if (shared == MAP_FAILED)
                return error_oom(reterr);
        copy->error = shared;
        *ret_copy = TAKE(copy);
        return 0;
}

static int start(HostCopy *copy, const HostCopyOptions *options, Error *reterr) {
        int r = start_first(copy, options, reterr);
        if (r < 0)
                return r;
        (void) snprintf(copy->scope, sizeof(copy->scope), "sysswitch-rehearsal-%d.scope",
                        (int) getpid()); /* fits */
        r = scope_start(copy->host, copy->scope, "Rehearsal of a switch in a copy of this host",
                        copy->pid, reterr);
        if (r < 0)
                return r;
        if (write(copy->go_fd, "", 1) != 1)
                return error_set_errno(reterr, -errno, "Starting the copy");
        return 0;
}

int host_copy_boot(Systemd *systemd,
                const HostCopyOptions *options,
                HostCopy **ret_copy,
                Error *reterr) {
        cleanup(host_copy_freep) HostCopy *copy = NULL;
        int r = new_copy(systemd, &copy, reterr);
        if (r >= 0)
                r = start(copy, options, reterr);
        if (r < 0)
                return r;
        int booted = await(copy, options, reterr);
        if (booted < 0)
                return booted;
        r = connect_to(copy, reterr);
        if (r < 0)
                return r;
        *ret_copy = TAKE(copy);
        return booted;
}

Systemd *host_copy_systemd(HostCopy *copy) {
        return copy->systemd;
}

int host_copy_read_log(HostCopy *copy,
                const char *unit,
                Arena *arena,
                const char *const **ret_lines,
                size_t *ret_n_lines) {
        enum { N_ENTRIES = 10 };
        cleanup(journal_closep) Journal *journal = NULL;
        const JournalQuery query = { .unit = unit };
        int r = journal_open(copy->systemd->root, &journal);
        if (r >= 0)
                r = journal_tail(journal, &query, N_ENTRIES, arena, ret_lines, ret_n_lines);
        return r == -ENOMEM ? r : 0;
}

HostCopy *host_copy_free(HostCopy *copy) {
        if (!copy)
                return NULL;
        Error ignored;
        systemd_close(copy->systemd);
        if (copy->pid > 0) {
                (void) kill(copy->pid, SIGKILL); /* it is ours to reap, so it is there */
                while (waitpid(copy->pid, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
        /* it is empty: systemd removes it by itself too, only later */
        if (*copy->scope)
                (void) !scope_end(copy->host, copy->scope, &ignored);
        const int fds[] = { copy->pid_fd, copy->go_fd, copy->notify_fd, copy->output_fd,
                copy->fifo_fd };
        for (size_t i = 0; i < N_ELEMENTS(fds); i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]); /* nothing was written that matters */
        if (copy->error)
                (void) munmap(copy->error, sizeof(Error)); /* it is one mapping */
        free(copy);
        return NULL;
}
