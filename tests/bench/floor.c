/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* floor [OPTION] < STEPS: the least that a switch can cost. It is told what to do and does that
 * only: no reading, no planning, no record, no way back. Lines of STEPS, in this order:
 *
 *      write SOURCE TARGET     copies a file, by way of TARGET.new and a rename
 *      run PROGRAM ARGUMENT... as a service of its own, and waits for its end
 *      daemon-reload
 *      reload UNIT
 *      restart UNIT
 *
 * One syncfs() after the last write. The jobs are queued in one burst and awaited together: the
 * least time in all. With
 *
 *      --serial        each is awaited before the next is queued: the least time that a unit is
 * down
 *      --detached      all of it is done by a service, which is started for it and tells its end
 *      --inside=NAME   by the systemd of that container, which is asked from inside
 *      --put           what follows are the SOURCE and TARGET of a single write */

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define MANAGER "org.freedesktop.systemd1.Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"

enum {
        TIMEOUT_USEC = 300 * 1000 * 1000,
        MAX_JOBS = 64,
};

/* Queued and not yet removed, by their units: others have jobs, too. */
static char jobs[MAX_JOBS][256];
static unsigned n_jobs;

static _Noreturn void die(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
static _Noreturn void die(const char *format, ...) {
        va_list arguments;

        fputs("floor: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        exit(1);
}

static void copy_file(const char *source, const char *target) {
        char buffer[64 * 1024], next[4096];
        int in = open(source, O_RDONLY | O_CLOEXEC), out;
        ssize_t n;

        if ((size_t) snprintf(next, sizeof(next), "%s.new", target) >= sizeof(next))
                die("%s: too long", target);
        out = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (in < 0 || out < 0)
                die("%s, %s: %m", source, next);
        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                if (write(out, buffer, (size_t) n) != n)
                        die("%s: %m", next);
        if (n < 0 || close(in) < 0 || close(out) < 0)
                die("%s, %s: %m", source, next);
        if (rename(next, target) < 0)
                die("%s: %m", target);
}

static void sync_etc(void) {
        int fd = open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || syncfs(fd) < 0 || close(fd) < 0)
                die("sync: %m");
}

static void expect_job(const char *unit) {
        if (n_jobs == MAX_JOBS)
                die("too many jobs");
        snprintf(jobs[n_jobs++], sizeof(jobs[0]), "%s", unit);
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *reterr) {
        const char *unit, *result;

        (void) userdata, (void) reterr;
        if (sd_bus_message_read(message, "uoss", NULL, NULL, &unit, &result) < 0)
                die("JobRemoved");
        for (unsigned i = 0; i < n_jobs; i++) {
                if (strcmp(jobs[i], unit) != 0)
                        continue;
                if (strcmp(result, "done") != 0)
                        die("%s: %s", unit, result);
                memmove(jobs[i], jobs[--n_jobs], sizeof(jobs[i]));
                break;
        }
        return 0;
}

static int on_queued(sd_bus_message *reply, void *userdata, sd_bus_error *reterr) {
        (void) userdata, (void) reterr;
        if (sd_bus_message_is_method_error(reply, NULL))
                die("%s", sd_bus_message_get_error(reply)->message);
        return 0;
}

static void await_jobs(sd_bus *bus) {
        while (n_jobs > 0) {
                int r = sd_bus_process(bus, NULL);

                if (r == 0)
                        r = sd_bus_wait(bus, TIMEOUT_USEC);
                if (r < 0)
                        die("connection: %s", strerror(-r));
        }
}

static int open_of(const char *leader, const char *name) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%.16s/%s", leader, name);
        return open(path, O_RDONLY | O_CLOEXEC);
}

static void find_leader(const char *container, char *leader, size_t size) {
        char path[128], line[256];
        snprintf(path, sizeof(path), "/run/systemd/machines/%.64s", container);
        FILE *file = fopen(path, "re");
        *leader = 0;
        while (file && fgets(line, sizeof(line), file))
                if (strncmp(line, "LEADER=", 7) == 0)
                        snprintf(leader, size, "%.*s", (int) strcspn(line + 7, "\n"), line + 7);
        if (!file || !*leader)
                die("no container %s", container);
        fclose(file);
}

static void await_child(pid_t child) {
        int status = 1;
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
                die("child");
}

/* Who connects is a process of the container: another one systemd there cannot see. */
static int connect_inside(const char *container) {
        static const struct sockaddr_un address = { .sun_family = AF_UNIX,
                .sun_path = "/run/systemd/private" };
        char leader[32];
        find_leader(container, leader, sizeof(leader));
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), user = open_of(leader, "ns/user"),
            mount = open_of(leader, "ns/mnt"), pid = open_of(leader, "ns/pid"),
            root = open_of(leader, "root");
        pid_t child = fork();
        if (child == 0) {
                if (setns(pid, 0) < 0 || setns(mount, 0) < 0 || setns(user, 0) < 0 ||
                                setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
                                setresuid(0, 0, 0) < 0 || fchdir(root) < 0 || chroot(".") < 0)
                        die("container %s: %m", container);
                child = fork();
                if (child == 0)
                        _exit(connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0);
                await_child(child);
                _exit(0);
        }
        await_child(child);
        const int fds[] = { user, mount, pid, root };
        for (size_t i = 0; i < 4; i++)
                close(fds[i]);
        return fd;
}

static sd_bus *connect_manager(const char *container) {
        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);
        if (r >= 0 && container) {
                int fd = connect_inside(container);
                r = sd_bus_set_fd(bus, fd, fd);
        } else if (r >= 0)
                r = sd_bus_set_address(bus, "unix:path=/run/systemd/private");
        if (r < 0 || sd_bus_start(bus) < 0 ||
                        sd_bus_match_signal(bus, NULL, NULL, MANAGER_PATH, MANAGER, "JobRemoved",
                                        on_job_removed, NULL) < 0 ||
                        sd_bus_call_method(bus, NULL, MANAGER_PATH, MANAGER, "Subscribe", NULL,
                                        NULL, "") < 0)
                die("no systemd");
        return bus;
}

/* fds: NULL, or its standard input and output. */
static void start_service(sd_bus *bus, const char *type, char **words, const int *fds) {
        sd_bus_message *call = NULL;
        char name[64];
        snprintf(name, sizeof(name), "floor-%d.service", (int) getpid());
        int r = sd_bus_message_new_method_call(
                        bus, &call, NULL, MANAGER_PATH, MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", name, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(
                                call, "(sv)(sv)", "Type", "s", type, "DefaultDependencies", "b", 0);
        if (r >= 0 && fds)
                r = sd_bus_message_append(call, "(sv)(sv)", "StandardInputFileDescriptor", "h",
                                fds[0], "StandardOutputFileDescriptor", "h", fds[1]);
        if (r < 0 || sd_bus_message_open_container(call, 'r', "sv") < 0 ||
                        sd_bus_message_append(call, "s", "ExecStart") < 0 ||
                        sd_bus_message_open_container(call, 'v', "a(sasb)") < 0 ||
                        sd_bus_message_open_container(call, 'a', "(sasb)") < 0 ||
                        sd_bus_message_open_container(call, 'r', "sasb") < 0 ||
                        sd_bus_message_append(call, "s", words[0]) < 0 ||
                        sd_bus_message_append_strv(call, words) < 0 ||
                        sd_bus_message_append(call, "b", 0) < 0)
                die("service");
        for (int i = 0; i < 5; i++)
                if (sd_bus_message_close_container(call) < 0)
                        die("service");
        if (sd_bus_message_append(call, "a(sa(sv))", 0) < 0 ||
                        sd_bus_call_async(bus, NULL, call, on_queued, NULL, TIMEOUT_USEC) < 0)
                die("service");
        sd_bus_message_unref(call);
        expect_job(name);
}

static void run_program(sd_bus *bus, char *line) {
        char *words[8] = { NULL };
        size_t n = 0;
        for (char *word; n < 7 && (word = strsep(&line, " \n"));)
                if (*word)
                        words[n++] = word;
        start_service(bus, "oneshot", words, NULL);
        await_jobs(bus);
}

/* It tells its end by a byte, as to be gone takes systemd longer. */
static int detach(void) {
        char program[] = "/proc/self/exe", option[] = "--told", byte;
        char path[4096];
        ssize_t length = readlink(program, path, sizeof(path) - 1);
        int ends[2];
        if (length < 0 || pipe2(ends, O_CLOEXEC) < 0)
                die("%m");
        path[length] = 0;
        char *words[] = { path, option, NULL };
        sd_bus *bus = connect_manager(NULL);
        start_service(bus, "exec", words, (const int[]){ STDIN_FILENO, ends[1] });
        await_jobs(bus);
        if (read(ends[0], &byte, 1) != 1 || byte)
                die("the service failed");
        return 0;
}

static void daemon_reload(sd_bus *bus) {
        sd_bus_message *call = NULL;

        if (sd_bus_message_new_method_call(bus, &call, NULL, MANAGER_PATH, MANAGER, "Reload") < 0 ||
                        sd_bus_call(bus, call, TIMEOUT_USEC, NULL, NULL) < 0)
                die("daemon-reload");
        sd_bus_message_unref(call);
}

static void queue_job(sd_bus *bus, const char *method, const char *unit) {
        if (sd_bus_call_method_async(bus, NULL, NULL, MANAGER_PATH, MANAGER, method, on_queued,
                            NULL, "ss", unit, "replace") < 0)
                die("%s %s", method, unit);
        expect_job(unit);
}

static void do_step(sd_bus *bus, const char *line, int n, const char *verb, const char *first) {
        if (n == 1 && strcmp(verb, "daemon-reload") == 0)
                daemon_reload(bus);
        else if (n == 2 && strcmp(verb, "reload") == 0)
                queue_job(bus, "ReloadUnit", first);
        else if (n == 2 && strcmp(verb, "restart") == 0)
                queue_job(bus, "RestartUnit", first);
        else
                die("what is this: %s", line);
}

static void do_all(sd_bus *bus, bool serial) {
        char line[8192], verb[32], first[4096], second[4096];
        bool unsynced = false;

        while (fgets(line, sizeof(line), stdin)) {
                int n = sscanf(line, "%31s %4095s %4095s", verb, first, second);

                if (n == 3 && strcmp(verb, "write") == 0) {
                        copy_file(first, second);
                        unsynced = true;
                        continue;
                }
                if (unsynced)
                        sync_etc();
                unsynced = false;
                if (n >= 2 && strcmp(verb, "run") == 0)
                        run_program(bus, line + strlen("run "));
                else
                        do_step(bus, line, n, verb, first);
                if (serial)
                        await_jobs(bus);
        }
        if (unsynced)
                sync_etc();
        await_jobs(bus);
}

int main(int argc, char **argv) {
        const char *option = argc > 1 ? argv[1] : "";
        if (strcmp(option, "--detached") == 0)
                return detach();
        if (strcmp(option, "--put") == 0 && argc == 4) {
                copy_file(argv[2], argv[3]);
                sync_etc();
                return 0;
        }
        const char *container = strncmp(option, "--inside=", 9) == 0 ? option + 9 : NULL;
        sd_bus *bus = connect_manager(container);
        do_all(bus, strcmp(option, "--serial") == 0);
        if (strcmp(option, "--told") == 0 && write(STDOUT_FILENO, "", 1) != 1)
                return 1;
        sd_bus_close_unref(bus);
        return 0;
}
