/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* floor [--serial] < STEPS: the least that a switch can cost. It is told what to do and does that
 * only: no reading, no planning, no record, no way back. Lines of STEPS, in this order:
 *
 *      write SOURCE TARGET     copies a file, by way of TARGET.new and a rename
 *      daemon-reload
 *      reload UNIT
 *      restart UNIT
 *
 * One syncfs() after the last write. The jobs are queued in one burst and awaited together: the
 * least time in all. With
 * --serial each is awaited before the next is queued: the least time that each unit is down. */

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define MANAGER "org.freedesktop.systemd1.Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"

enum {
        TIMEOUT_USEC = 300 * 1000 * 1000,
};

static unsigned n_jobs; /* queued and not yet removed */

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

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *reterr) {
        const char *unit, *result;

        (void) userdata, (void) reterr;
        if (sd_bus_message_read(message, "uoss", NULL, NULL, &unit, &result) < 0)
                die("JobRemoved");
        if (strcmp(result, "done") != 0)
                die("%s: %s", unit, result);
        n_jobs--;
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

static sd_bus *connect_manager(void) {
        sd_bus *bus = NULL;

        if (sd_bus_new(&bus) < 0 || sd_bus_set_address(bus, "unix:path=/run/systemd/private") < 0 ||
                        sd_bus_start(bus) < 0 ||
                        sd_bus_match_signal(bus, NULL, NULL, MANAGER_PATH, MANAGER, "JobRemoved",
                                        on_job_removed, NULL) < 0 ||
                        sd_bus_call_method(bus, NULL, MANAGER_PATH, MANAGER, "Subscribe", NULL,
                                        NULL, "") < 0)
                die("no systemd");
        return bus;
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
        n_jobs++;
}

int main(int argc, char **argv) {
        bool serial = argc > 1 && strcmp(argv[1], "--serial") == 0, unsynced = false;
        char line[8192], verb[32], first[4096], second[4096];
        sd_bus *bus = connect_manager();

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
                if (n == 1 && strcmp(verb, "daemon-reload") == 0)
                        daemon_reload(bus);
                else if (n == 2 && strcmp(verb, "reload") == 0)
                        queue_job(bus, "ReloadUnit", first);
                else if (n == 2 && strcmp(verb, "restart") == 0)
                        queue_job(bus, "RestartUnit", first);
                else
                        die("what is this: %s", line);
                if (serial)
                        await_jobs(bus);
        }
        if (unsynced)
                sync_etc();
        await_jobs(bus);
        sd_bus_close_unref(bus);
        return 0;
}
