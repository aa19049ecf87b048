/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysswitch-guest, the first program of a container. Static, as it comes from the host and the
 * container's libraries may be others'.
 *
 *   sysswitch-guest init [ARGUMENT…]   fits /etc to the bundle's tree 'active', becomes systemd
 *   sysswitch-guest activate TREE      fits /etc to that tree; run by the container's own systemd
 *   sysswitch-guest check TREE COMMAND runs that where /etc is fitted to that tree, and nowhere
 * else
 *
 * Where the root is read-only, or made anew at each start, so is /etc: a layer of its own in /run,
 * which is gone with the container, and what is known of it is there as well. */

#include "activate/guest_fit.h"
#include "diff/nspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAYER "/run/sysswitch"
#define LAYER_STATE LAYER "/state"
#define CHECK LAYER "/check"

static void tell(const char *line) {
        (void) fprintf(stderr, "sysswitch-guest: %s\n", line); /* nobody else to tell */
}

/* A link of the bundle names a tree. */
static int read_link(const char *link, char ret_tree[NAME_MAX + 1]) {
        ssize_t length = readlink(link, ret_tree, NAME_MAX);
        if (length < 0)
                return -errno;
        ret_tree[length] = 0;
        return 0;
}

static const char *state_directory(void) {
        return access(LAYER_STATE, F_OK) == 0 ? LAYER_STATE : NSPAWN_STATE_DIRECTORY;
}

static int fit(const char *tree, const char *state, bool is_starting) {
        char forced[NAME_MAX + 1];
        bool is_forced = read_link(NSPAWN_BUNDLE "/force", forced) >= 0 && !strcmp(forced, tree);
        const GuestFit guest = { .etc = "/etc",
                .state = state,
                .bundle = NSPAWN_BUNDLE,
                .root = "/",
                .tree = tree,
                .run_programs = true,
                .is_starting = is_starting,
                .force = is_forced,
                .tell = tell };
        Error error;
        int r = guest_fit(&guest, &error);
        if (r < 0)
                tell(error.message);
        return r;
}

/* In a root that nspawn makes at each start there is nothing but /usr. Without the file systemd
 * takes it for a machine's first boot, enables all that the distribution presets, and asks. */
static void make_bare(void) {
        static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                char target[16], path[16];
                (void) snprintf(target, sizeof(target), "/usr/%s", names[i]); /* fits, both */
                (void) snprintf(path, sizeof(path), "/%s", names[i]);
                if (access(target, F_OK) == 0)
                        (void) symlink(target + 1, path); /* it may be there */
        }
        int fd = open("/etc/machine-id", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        if (fd >= 0)
                (void) close(fd); /* empty */
}

static int lay_over(const char *below, const char *place, const char *upper, const char *work) {
        char options[512];
        (void) snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s,userxattr",
                        below, upper, work); /* fits */
        return mount("overlay", place, "overlay", 0, options) < 0 ? -errno : 0;
}

/* output_fd: -1: it has ours. */
static pid_t start(char *const *command, int output_fd) {
        pid_t pid = fork();
        if (pid == 0) {
                sigset_t none;
                (void) sigemptyset(&none);
                (void) sigprocmask(SIG_SETMASK, &none, NULL); /* cannot fail, either */
                if (output_fd >= 0 && (dup2(output_fd, STDOUT_FILENO) < 0 ||
                                                      dup2(output_fd, STDERR_FILENO) < 0))
                        _exit(126);
                (void) setenv("PATH",
                                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                1); /* or it is not found */
                (void) execvp(command[0], command);
                (void) fprintf(stderr, "%s: %s\n", command[0], strerror(errno)); /* as in tell() */
                _exit(127);
        }
        return pid;
}

/* Returns its exit status, or a negative errno. */
static int await(pid_t pid) {
        int status = 0;
        if (pid < 0 || waitpid(pid, &status, 0) < 0)
                return -errno;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(char *const *command) {
        return await(start(command, -1));
}

/* What is written at place goes to upper. Where systemd-nspawn has mounted a file in there, as
 * ResolvConf=bind-host does, or where it is of an overlay already, nothing can be laid over it:
 * then it is a copy. */
static int cover(const char *below, const char *place, const char *upper, const char *work) {
        char whole[128], cp[] = "cp", all[] = "-a", to[64];
        char *const command[] = { cp, all, whole, to, NULL };
        int r = lay_over(below, place, upper, work);
        if (r != -EINVAL)
                return r;
        (void) snprintf(whole, sizeof(whole), "%s/.", below); /* fits, both */
        (void) snprintf(to, sizeof(to), "%s", upper);
        if (run(command) != 0)
                return r;
        return mount(upper, place, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

static int make_etc_writable(void) {
        static const char *const directories[] = { LAYER, LAYER "/upper", LAYER "/work",
                LAYER_STATE };
        struct statvfs etc;
        if (statvfs("/etc", &etc) < 0 || !(etc.f_flag & ST_RDONLY))
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                if (mkdir(directories[i], i == 1 ? 0755 : 0700) < 0 && errno != EEXIST)
                        return -errno;
        return cover("/etc", "/etc", LAYER "/upper", LAYER "/work");
}

static int become_systemd(char **arguments) {
        static const char *const programs[] = { "/usr/lib/systemd/systemd",
                "/lib/systemd/systemd" };
        char tree[NAME_MAX + 1];
        if (read_link(NSPAWN_BUNDLE "/active", tree) < 0) {
                tell("the bundle names no tree");
                return 1;
        }
        int r = make_etc_writable();
        if (r < 0)
                tell("/etc is read-only, and no layer can be put over it");
        make_bare();
        if (r < 0 || fit(tree, state_directory(), true) < 0)
                return 1;
        for (size_t i = 0; i < N_ELEMENTS(programs); i++) {
                arguments[0] = (char *) (uintptr_t) programs[i]; /* only read */
                (void) execv(programs[i], arguments);
        }
        tell("there is no systemd in /usr/lib/systemd");
        return 1;
}

/* Nothing can be laid over the directory as a whole, as the bundle is mounted in it. */
static int lay_over_state(void) {
        char displaced[64], fitted[64], text[4096];
        (void) snprintf(displaced, sizeof(displaced), "%s/displaced",
                        state_directory()); /* fits, both */
        (void) snprintf(fitted, sizeof(fitted), "%s/" GUEST_FITTED, state_directory());
        int from = open(fitted, O_RDONLY | O_CLOEXEC);
        int to = open(CHECK "/state/" GUEST_FITTED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ssize_t n = from < 0 || to < 0 ? -1 : 1;
        while (n > 0) {
                n = read(from, text, sizeof(text));
                if (n > 0 && write(to, text, (size_t) n) != n)
                        n = -1;
        }
        if (n < 0)
                return errno ? -errno : -EIO;
        (void) close(from); /* the end of this process closes them as well */
        (void) close(to);
        return access(displaced, F_OK) < 0
                               ? 0
                               : cover(displaced, CHECK "/state/displaced", CHECK "/state-upper",
                                                 CHECK "/state-work");
}

/* Of this process and its children alone: what is written to /etc is gone with them. */
static int make_future(const char *tree) {
        static const char *const directories[] = { CHECK "/upper", CHECK "/work", CHECK "/state",
                CHECK "/state/displaced", CHECK "/state-upper", CHECK "/state-work" };
        if ((mkdir(LAYER, 0700) < 0 && errno != EEXIST) ||
                        (mkdir(CHECK, 0700) < 0 && errno != EEXIST) || unshare(CLONE_NEWNS) < 0 ||
                        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                        mount("tmpfs", CHECK, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
                return -errno;
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                if (mkdir(directories[i], i == 0 ? 0755 : 0700) < 0)
                        return -errno;
        int r = lay_over_state();
        if (r >= 0)
                r = cover("/etc", "/etc", CHECK "/upper", CHECK "/work");
        return r < 0 ? r : fit(tree, CHECK "/state", true);
}

/* Returns false when there is no more, or not yet. A NUL would end the text for the host. */
static bool pass_on(int fd, size_t *n_left) {
        char part[4096];
        ssize_t n = read(fd, part, sizeof(part));
        if (n <= 0)
                return n < 0 && errno == EINTR;
        size_t n_passed = (size_t) n < *n_left ? (size_t) n : *n_left;
        for (size_t i = 0; i < n_passed; i++)
                part[i] = part[i] ? part[i] : '?';
        (void) !write(STDERR_FILENO, part, n_passed); /* as in tell() */
        *n_left -= n_passed;
        return true;
}

/* As run(). What it says beyond what the host takes goes nowhere, and nobody waits for what it
 * leaves running. */
static int run_heard(char *const *command) {
        int ends[2];
        sigset_t child;
        size_t n_left = CHECK_OUTPUT_MAX_BYTES;
        (void) sigemptyset(&child);
        (void) sigaddset(&child, SIGCHLD);
        (void) sigprocmask(SIG_BLOCK, &child, NULL); /* cannot fail */
        int ended_fd = signalfd(-1, &child, SFD_CLOEXEC);
        if (ended_fd < 0 || pipe2(ends, O_CLOEXEC) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        pid_t pid = start(command, ends[1]);
        (void) close(ends[1]); /* the end of this process closes the others */
        struct pollfd fds[] = { { ends[0], POLLIN, 0 }, { ended_fd, POLLIN, 0 } };
        while (pid > 0 && !fds[1].revents) {
                if (poll(fds, N_ELEMENTS(fds), -1) < 0 && errno != EINTR)
                        return -errno;
                if (fds[0].revents && !pass_on(ends[0], &n_left) && (fds[0].revents & POLLHUP))
                        fds[0].fd = -1;
        }
        while (n_left > 0 && pass_on(ends[0], &n_left))
                ;
        return await(pid);
}

/* How it ended is the last line: of a unit that failed, systemd keeps no more than that. */
static int check(const char *tree, char **command) {
        int r = make_future(tree);
        if (r < 0) {
                (void) fprintf(stderr, "sysswitch-guest: there is no place for a check: %s\n",
                                strerror(-r)); /* as in tell() */
                return 1;
        }
        r = run_heard(command);
        if (r < 0)
                return 1;
        (void) fprintf(stderr, "\n" CHECK_ENDED "%d\n", r); /* as above */
        return 0;
}

int main(int argc, char **argv) {
        if (argc >= 2 && strcmp(argv[1], "init") == 0)
                return become_systemd(argv + 1);
        if (argc == 3 && strcmp(argv[1], "activate") == 0 && !strchr(argv[2], '/'))
                return fit(argv[2], state_directory(), false) < 0;
        if (argc >= 4 && strcmp(argv[1], "check") == 0 && !strchr(argv[2], '/'))
                return check(argv[2], argv + 3);
        tell("this is run by sysswitch in its containers");
        return 2;
}
