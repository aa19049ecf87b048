/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* killer DIRECTORY PROGRAM [ARGUMENT...]: becomes the program, under the eyes of a child that
 * counts its steps: each system call that changes names or attributes, syncs, writes to the
 * database, or sends to a socket. Steps that follow on each other and that nobody can tell apart
 * from outside are one run. DIRECTORY/trace gets a line for each: the number of its run, and what
 * it is. DIRECTORY/aim has the program killed before or after a step: {before|after} step N, or
 * {before|after} run N TEXT, the first one of the N-th run that begins with what the text says,
 * each number in it standing for any. Without that file it lives. The program stays the process
 * that was started, so that a service's main process is what it would be without this one. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_SIZE = 512 };

/* fd, path: which argument has it; -1: none has */
typedef struct Step {
        long number;
        const char *name;
        int fd, path;
        const char *only_on; /* how the name of the descriptor's file ends; NULL: any */
} Step;

static const Step steps[] = {
#ifdef SYS_rename /* newer machines have the calls with a directory only */
        { SYS_rename, "rename", -1, 1, NULL },
        { SYS_unlink, "unlink", -1, 0, NULL },
        { SYS_rmdir, "rmdir", -1, 0, NULL },
        { SYS_mkdir, "mkdir", -1, 0, NULL },
#endif
#ifdef SYS_renameat
        { SYS_renameat, "renameat", 2, 3, NULL },
#endif
        { SYS_renameat2, "renameat2", 2, 3, NULL },
        { SYS_linkat, "linkat", 2, 3, NULL },
        { SYS_symlinkat, "symlinkat", 1, 2, NULL },
        { SYS_unlinkat, "unlinkat", 0, 1, NULL },
        { SYS_mkdirat, "mkdirat", 0, 1, NULL },
        { SYS_fchmod, "fchmod", 0, -1, NULL },
        { SYS_fchown, "fchown", 0, -1, NULL },
        { SYS_fchownat, "fchownat", 0, 1, NULL },
        { SYS_fsync, "fsync", 0, -1, NULL },
        { SYS_fdatasync, "fdatasync", 0, -1, NULL },
        { SYS_syncfs, "syncfs", 0, -1, NULL },
        { SYS_pwrite64, "pwrite64", 0, -1, "state.db" },
        { SYS_pwrite64, "pwrite64", 0, -1, "state.db-wal" },
        { SYS_sendmsg, "sendmsg", 0, -1, "socket" },
        { SYS_sendto, "sendto", 0, -1, "socket" },
};

typedef struct Aim {
        bool is_after, is_run;
        unsigned long nth; /* 0: none */
        char text[2 * TEXT_SIZE];
} Aim;

/* What makes a run. */
typedef enum Kind {
        KIND_SINGLE, /* each is one by itself */
        KIND_QUESTION,
        KIND_DATABASE,
        KIND_SLOT,
} Kind;

static void die(const char *what) {
        perror(what);
        exit(1);
}

/* What the descriptor leads to: a path, "socket"; "" when it is none. */
static void read_fd(pid_t pid, int fd, char *text) {
        char link[64];
        (void) snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int) pid, fd); /* fits */
        ssize_t length = readlink(link, text, TEXT_SIZE - 1);
        text[length < 0 ? 0 : length] = 0;
        if (strncmp(text, "socket:", strlen("socket:")) == 0)
                text[strlen("socket")] = 0;
}

static ssize_t read_memory(pid_t pid, unsigned long long address, void *buffer, size_t size) {
        struct iovec here = { .iov_base = buffer, .iov_len = size };
        struct iovec there = { .iov_base = (void *) address, .iov_len = size };
        return process_vm_readv(pid, &here, 1, &there, 1, 0);
}

static void read_path(pid_t pid, unsigned long long address, char *text) {
        ssize_t length = read_memory(pid, address, text, TEXT_SIZE - 1);
        text[length < 0 ? 0 : length] = 0;
}

/* The method that a message calls: the field 3 of its header, a string. */
static void read_member(pid_t pid, unsigned long long address, char *text) {
        static const char field[] = { 3, 1, 's', 0 };
        char message[TEXT_SIZE];
        struct msghdr head;
        struct iovec first;
        uint32_t length;
        strcpy(text, "(no call)");
        if (read_memory(pid, address, &head, sizeof(head)) != sizeof(head) || head.msg_iovlen < 1 ||
                        read_memory(pid, (unsigned long long) head.msg_iov, &first,
                                        sizeof(first)) != sizeof(first))
                return;
        size_t size = first.iov_len < sizeof(message) ? first.iov_len : sizeof(message);
        if (read_memory(pid, (unsigned long long) first.iov_base, message, size) != (ssize_t) size)
                return;
        const char *found = memmem(message, size, field, sizeof(field));
        if (!found || (size_t) (found + 8 - message) > size)
                return;
        memcpy(&length, found + 4, sizeof(length));
        if (length < TEXT_SIZE && (size_t) (found + 8 - message) + length <= size)
                (void) snprintf(text, TEXT_SIZE, "%.*s", (int) length, found + 8); /* fits */
}

static bool ends_with(const char *text, const char *end) {
        size_t length = strlen(text), end_length = strlen(end);
        return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool begins_with(const char *text, const char *begin) {
        return strncmp(text, begin, strlen(begin)) == 0;
}

static Kind kind_of(const char *text) {
        static const char *const slot_calls[] = { "mkdirat ", "symlinkat ", "fchmod ", "fchown ",
                "fchownat ", "unlinkat " };
        if (begins_with(text, "sendmsg socket/Get") || begins_with(text, "sendmsg socket/List"))
                return KIND_QUESTION;
        if (begins_with(text, "pwrite64 ") || strstr(text, "/state.db"))
                return begins_with(text, "fdatasync ") ? KIND_SINGLE : KIND_DATABASE;
        for (size_t i = 0; i < sizeof(slot_calls) / sizeof(*slot_calls); i++)
                if (begins_with(text, slot_calls[i]) && strstr(text, "/.sysswitch") &&
                                !ends_with(text, "/manifest"))
                        return KIND_SLOT;
        return KIND_SINGLE;
}

/* Does a step begin with this call? Then what it is. */
static bool is_step(pid_t pid, const struct __ptrace_syscall_info *info, char *line, size_t size) {
        for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
                const Step *step = &steps[i];
                char file[TEXT_SIZE] = "", detail[TEXT_SIZE] = "";
                if ((unsigned long long) step->number != info->entry.nr)
                        continue;
                if (step->fd >= 0)
                        read_fd(pid, (int) info->entry.args[step->fd], file);
                if (step->only_on && !ends_with(file, step->only_on))
                        continue;
                if (step->number == SYS_sendmsg)
                        read_member(pid, info->entry.args[1], detail);
                else if (step->path >= 0)
                        read_path(pid, info->entry.args[step->path], detail);
                (void) snprintf(line, size, "%s %s%s%s", step->name, file,
                                *file && *detail ? "/" : "", detail); /* fits */
                return true;
        }
        return false;
}

static void write_line(int trace_fd, const char *line) {
        if (write(trace_fd, line, strlen(line)) != (ssize_t) strlen(line))
                die("trace");
}

static int wait_for(pid_t pid) {
        int status;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        die("waitpid");
        return status;
}

static void kill_it(pid_t pid, int trace_fd) {
        write_line(trace_fd, "killed\n");
        if (kill(pid, SIGKILL) < 0)
                die("kill");
        (void) wait_for(pid); /* its end */
        exit(0);
}

/* Are they the same but for the numbers in them? */
static bool is_like(const char *a, const char *b) {
        while (*a && *b) {
                if (isdigit((unsigned char) *a) && isdigit((unsigned char) *b)) {
                        a += strspn(a, "0123456789");
                        b += strspn(b, "0123456789");
                } else if (*a++ != *b++)
                        return false;
        }
        return *a == *b;
}

typedef struct Count {
        unsigned long n_steps, n_runs;
        unsigned long n_alike; /* runs that begin as the one that is aimed at */
        Kind kind;             /* of the step before */
        bool is_in_step;       /* the call that began last is one */
        bool is_aimed;         /* and it is the one that is aimed at */
} Count;

static void count_step(Count *count, const Aim *aim, int trace_fd, const char *text) {
        char line[2 * TEXT_SIZE + 128];
        Kind kind = kind_of(text);
        bool is_first = count->n_steps == 0 || kind == KIND_SINGLE || kind != count->kind;
        count->n_steps++;
        count->n_runs += is_first;
        count->kind = kind;
        bool is_alike = is_first && is_like(text, aim->text);
        count->n_alike += is_alike;
        count->is_aimed = aim->is_run ? is_alike && count->n_alike == aim->nth
                                      : count->n_steps == aim->nth;
        (void) snprintf(line, sizeof(line), "%lu %s\n", count->n_runs, text); /* fits */
        write_line(trace_fd, line);
}

/* A system call begins or ends. */
static void on_call(pid_t pid, const Aim *aim, int trace_fd, Count *count) {
        struct __ptrace_syscall_info info;
        char text[2 * TEXT_SIZE + 64];
        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
                die("ptrace");
        bool is_entry = info.op == PTRACE_SYSCALL_INFO_ENTRY;
        if (is_entry)
                count->is_in_step = is_step(pid, &info, text, sizeof(text));
        if (is_entry && count->is_in_step)
                count_step(count, aim, trace_fd, text);
        if (count->is_in_step && count->is_aimed && is_entry != aim->is_after)
                kill_it(pid, trace_fd);
}

static void watch(pid_t pid, const Aim *aim, int trace_fd) {
        Count count = { 0 };
        int number = 0;
        for (;;) {
                if (ptrace(PTRACE_SYSCALL, pid, NULL, (long) number) < 0 && errno != ESRCH)
                        die("ptrace");
                int status = wait_for(pid);
                if (!WIFSTOPPED(status))
                        exit(0);
                number = 0;
                if (WSTOPSIG(status) == (SIGTRAP | 0x80))
                        on_call(pid, aim, trace_fd, &count);
                else if (status >> 16 == 0) /* a signal on its way */
                        number = WSTOPSIG(status);
        }
}

static void trace(pid_t pid, const Aim *aim, int trace_fd, int go_fd) {
        if (ptrace(PTRACE_SEIZE, pid, NULL, (long) PTRACE_O_TRACESYSGOOD) < 0 ||
                        ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
                die("ptrace");
        (void) wait_for(pid); /* stopped */
        if (write(go_fd, "", 1) != 1)
                die("write");
        watch(pid, aim, trace_fd);
}

static Aim read_aim(const char *directory) {
        char path[TEXT_SIZE], when[8], what[8];
        Aim aim = { 0 };
        (void) snprintf(path, sizeof(path), "%s/aim", directory); /* cut: not there */
        FILE *file = fopen(path, "re");
        if (!file)
                return aim;
        if (fscanf(file, "%7s %7s %lu ", when, what, &aim.nth) != 3)
                die(path);
        aim.is_after = strcmp(when, "after") == 0;
        aim.is_run = strcmp(what, "run") == 0;
        if (aim.is_run && !fgets(aim.text, sizeof(aim.text), file))
                die(path);
        aim.text[strcspn(aim.text, "\n")] = 0;
        (void) fclose(file); /* it was read */
        return aim;
}

int main(int argc, char **argv) {
        char path[TEXT_SIZE], go;
        int fds[2];
        if (argc < 3) {
                (void) fprintf(stderr, "usage: killer DIRECTORY PROGRAM [ARGUMENT...]\n");
                return 2;
        }
        Aim aim = read_aim(argv[1]);
        (void) snprintf(path, sizeof(path), "%s/trace", argv[1]); /* cut: not there */
        int trace_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        if (trace_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
                die(path);
        pid_t pid = getpid(), child = fork();
        if (child < 0)
                die("fork");
        if (child == 0)
                trace(pid, &aim, trace_fd, fds[1]);
        if (read(fds[0], &go, 1) != 1)
                die("read");
        /* which traces by itself, and cannot where this is done already */
        if (setenv("ASAN_OPTIONS", "detect_leaks=0", 1) < 0)
                die("setenv");
        execv(argv[2], argv + 2);
        die(argv[2]);
}
