/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/foreign.h"

#include "activate/connection.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Of a systemd that is stopped, once its queue is full. */
enum { CONNECT_SECONDS = 10 };

/* Opened before any is entered: afterwards /proc is another one. */
typedef struct Namespaces {
        int user, mount, pid, root; /* user: -1 where it is ours */
} Namespaces;

static void namespaces_done(Namespaces *spaces) {
        const int fds[] = { spaces->user, spaces->mount, spaces->pid, spaces->root };
        for (size_t i = 0; i < N_ELEMENTS(fds); i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]); /* nothing was written */
}

static void namespaces_donep(Namespaces *spaces) {
        namespaces_done(spaces);
}

static int open_of(const char *process, const char *name, int flags) {
        char path[PATH_MAX];
        if (snprintf(path, sizeof(path), "%s/%s", process, name) >= (int) sizeof(path))
                return -ENAMETOOLONG;
        int fd = open(path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static bool is_ours(int fd, const char *path) {
        struct stat mine, other;
        return stat(path, &mine) == 0 && fstat(fd, &other) == 0 && mine.st_ino == other.st_ino &&
               mine.st_dev == other.st_dev;
}

static int open_namespaces(const char *process, Namespaces *spaces) {
        spaces->user = open_of(process, "ns/user", O_RDONLY);
        spaces->mount = open_of(process, "ns/mnt", O_RDONLY);
        spaces->pid = open_of(process, "ns/pid", O_RDONLY);
        spaces->root = open_of(process, "root", O_RDONLY | O_DIRECTORY);
        if (spaces->user < 0 || spaces->mount < 0 || spaces->pid < 0 || spaces->root < 0)
                return -ESRCH;
        if (is_ours(spaces->pid, "/proc/self/ns/pid")) /* its number is another one's by now */
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

/* Whoever connects can be stopped from inside, and then no alarm of its own ends it. */
static void set_deadline(void) {
        sigset_t alarm_only;
        (void) sigemptyset(&alarm_only); /* neither can fail */
        (void) sigaddset(&alarm_only, SIGALRM);
        (void) signal(SIGALRM, SIG_DFL);                    /* cannot fail */
        (void) sigprocmask(SIG_UNBLOCK, &alarm_only, NULL); /* cannot fail */
        (void) alarm(CONNECT_SECONDS);
}

static int connect_inside(int fd) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX,
                .sun_path = "/run/systemd/private" };
        return connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ? -errno : 0;
}

/* Of what the program has open, a directory of the host or the database, nothing goes along. */
static int keep_only(const Namespaces *spaces, int fd) {
        const int kept[] = { fd, spaces->user, spaces->mount, spaces->pid, spaces->root };
        unsigned first = 0;
        for (;;) {
                unsigned next = UINT_MAX;
                for (size_t i = 0; i < N_ELEMENTS(kept); i++)
                        if (kept[i] >= 0 && (unsigned) kept[i] >= first &&
                                        (unsigned) kept[i] < next)
                                next = (unsigned) kept[i];
                if (next > first && close_range(first, next - 1, 0) < 0)
                        return -errno;
                if (next == UINT_MAX)
                        return 0;
                first = next + 1;
        }
}

/* Root of a container that has the host's users may trace the process that connects: then it has no
 * more than there is inside, and gets no more by executing anything. */
static int give_up_rights(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        const struct __user_cap_data_struct none[2] = { 0 };
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_capset, &header, none) < 0 ||
                        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        return 0;
}

static int wait_for(pid_t pid) {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (WIFEXITED(status))
                return -WEXITSTATUS(status);
        return WTERMSIG(status) == SIGALRM ? -ETIMEDOUT : -EIO;
}

/* The process that connects is a child of the pid namespace: another one systemd there cannot see,
 * and its credentials would count for nothing. The socket is ours all the same. */
static int connect_by_child(Namespaces *spaces, int fd) {
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid > 0)
                return wait_for(pid);
        set_deadline();
        int r = keep_only(spaces, fd);
        if (r >= 0)
                r = enter(spaces);
        namespaces_done(spaces);
        if (r >= 0)
                r = give_up_rights();
        pid_t inner = r < 0 ? -1 : fork();
        if (inner == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail for a signal */
                _exit(-connect_inside(fd));
        }
        if (r == 0)
                r = inner < 0 ? -errno : wait_for(inner);
        _exit(-r);
}

int foreign_connect(const char *process, Systemd **ret_systemd, Error *reterr) {
        cleanup(namespaces_donep) Namespaces spaces = { -1, -1, -1, -1 };
        cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int r = fd < 0 ? -errno : open_namespaces(process, &spaces);
        if (r >= 0)
                r = connect_by_child(&spaces, fd);
        if (r < 0)
                return error_set(reterr, r, "its systemd cannot be reached: %s", strerror(-r));
        return systemd_connect_fd(TAKE_FD(fd), ret_systemd, reterr);
}
