/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* watch: sees what a systemd manager really does with its units between two marks. It shares no
 * code with the program whose word it checks.
 *
 * It is told on standard input: "begin" (answer: "begun") and "end" (answer: one line of JSON, once
 * all jobs are over).
 *
 * Where it knows from:
 * 1. systemd sends every subscriber of its private socket each change of a unit's timestamps,
 * before it says that the job that made it was removed. InactiveExit is set when a unit comes up,
 * InactiveEnter when it goes down, failed or not; both are kept over a daemon-reload, and both are
 * seen even where down and up fall into one message.
 * 2. Whatever systemd does to a unit, by order or by itself, is a job. What happened while it ran
 * is what it did: down and up is a restart, a stop followed by a start are two jobs. What a unit
 * did on its own (its process ended) is told apart as "alone". */

#include <poll.h>
#include <search.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#define MANAGER "org.freedesktop.systemd1.Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT "org.freedesktop.systemd1.Unit"

enum {
        MAX_DEEDS = 64,
        SETTLE_USEC = 20 * 1000, /* between two looks at the jobs */
        SETTLE_LOOKS = 3000,
};

typedef struct Deed {
        const char *verb;
        char result[16]; /* of the job */
} Deed;

typedef struct Unit {
        char *name;
        char before[64], after[64];                  /* "active/running"; "" not loaded */
        uint64_t down_usec, up_usec, condition_usec; /* the last ones seen */
        bool reloading;
        uint32_t job; /* 0: none */
        bool job_down, job_up, job_reload, job_condition;
        Deed deeds[MAX_DEEDS];
        size_t n_deeds;
        unsigned n_alone_down, n_alone_up;
} Unit;

static void *units; /* tsearch(), by name */
static uint64_t begin_usec;
static unsigned n_daemon_reloads;

static _Noreturn void die(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
static _Noreturn void die(const char *format, ...) {
        va_list arguments;

        fputs("watch: ", stderr);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
        exit(1);
}

static void check(int result, const char *what) {
        if (result < 0)
                die("%s: %s", what, strerror(-result));
}

static uint64_t now_usec(void) {
        struct timespec now;

        if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
                die("no clock");
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

static int unit_compare(const void *left, const void *right) {
        return strcmp(((const Unit *) left)->name, ((const Unit *) right)->name);
}

static void unit_free(void *unit) {
        free(((Unit *) unit)->name);
        free(unit);
}

static Unit *unit_get(const char *name) {
        Unit *unit = calloc(1, sizeof(Unit)), **found;

        if (!unit || !(unit->name = strdup(name)) || !(found = tsearch(unit, &units, unit_compare)))
                die("out of memory");
        if (*found != unit)
                unit_free(unit);
        return *found;
}

static void unit_add_deed(Unit *unit, const char *verb, const char *result) {
        Deed *deed;

        if (unit->n_deeds == MAX_DEEDS)
                die("%s did more than %d things", unit->name, MAX_DEEDS);
        deed = &unit->deeds[unit->n_deeds++];
        deed->verb = verb;
        snprintf(deed->result, sizeof(deed->result), "%s", result);
}

/* What a job did. One that did nothing at all is none, but where its conditions or what it depends
 * on held it up. */
static void unit_end_job(Unit *unit, const char *result) {
        bool held_up = strcmp(result, "dependency") == 0 || strcmp(result, "assert") == 0;
        bool started = unit->job_up || unit->job_condition || held_up;

        if (unit->job_down)
                unit_add_deed(unit, started ? "restart" : "stop", result);
        else if (started)
                unit_add_deed(unit, "start", result);
        else if (unit->job_reload)
                unit_add_deed(unit, "reload", result);
        else if (strcmp(result, "done") != 0 && strcmp(result, "skipped") != 0)
                unit_add_deed(unit, "try", result);
        unit->job = 0;
}

static int on_job_new(sd_bus_message *message, void *userdata, sd_bus_error *reterr) {
        uint32_t id;
        const char *path, *name;
        Unit *unit;

        (void) userdata, (void) reterr;
        check(sd_bus_message_read(message, "uos", &id, &path, &name), "JobNew");
        unit = unit_get(name);
        /* said again after a daemon-reload */
        if (unit->job != id) {
                unit->job = id;
                unit->job_down = unit->job_up = unit->job_reload = unit->job_condition = false;
        }
        return 0;
}

static int on_job_removed(sd_bus_message *message, void *userdata, sd_bus_error *reterr) {
        uint32_t id;
        const char *path, *name, *result;
        Unit *unit;

        (void) userdata, (void) reterr;
        check(sd_bus_message_read(message, "uoss", &id, &path, &name, &result), "JobRemoved");
        unit = unit_get(name);
        if (unit->job == id)
                unit_end_job(unit, result);
        return 0;
}

static int on_reloading(sd_bus_message *message, void *userdata, sd_bus_error *reterr) {
        int active;

        (void) userdata, (void) reterr;
        check(sd_bus_message_read(message, "b", &active), "Reloading");
        n_daemon_reloads += active ? 1 : 0;
        return 0;
}

/* What one message says of a unit; 0 and NULL: nothing. */
typedef struct Change {
        uint64_t down_usec, up_usec, condition_usec;
        const char *state;
} Change;

static void change_read(Change *change, sd_bus_message *message, const char *key) {
        uint64_t *stamp = NULL;

        if (strcmp(key, "InactiveEnterTimestampMonotonic") == 0)
                stamp = &change->down_usec;
        else if (strcmp(key, "InactiveExitTimestampMonotonic") == 0)
                stamp = &change->up_usec;
        else if (strcmp(key, "ConditionTimestampMonotonic") == 0)
                stamp = &change->condition_usec;

        if (stamp)
                check(sd_bus_message_read(message, "v", "t", stamp), key);
        else if (strcmp(key, "ActiveState") == 0)
                check(sd_bus_message_read(message, "v", "s", &change->state), key);
        else
                check(sd_bus_message_skip(message, "v"), key);
}

/* A timestamp that is new since the last look and since the mark. */
static bool take_stamp(uint64_t *last, uint64_t stamp) {
        if (stamp <= begin_usec || stamp == *last)
                return false;
        *last = stamp;
        return true;
}

static void unit_take_down(Unit *unit, const Change *change) {
        if (!take_stamp(&unit->down_usec, change->down_usec))
                return;
        unit->n_alone_down += !unit->job;
        /* down after its own start: a oneshot that ended, a start that failed */
        unit->job_down |= unit->job && !unit->job_up;
}

static void unit_take_up(Unit *unit, const Change *change) {
        if (!take_stamp(&unit->up_usec, change->up_usec))
                return;
        unit->n_alone_up += !unit->job;
        unit->job_up |= unit->job != 0;
}

static void unit_take_change(Unit *unit, const Change *change) {
        bool reloading = change->state && strcmp(change->state, "reloading") == 0;

        if (change->down_usec < change->up_usec)
                unit_take_down(unit, change);
        unit_take_up(unit, change);
        unit_take_down(unit, change); /* does nothing the second time */
        if (take_stamp(&unit->condition_usec, change->condition_usec))
                unit->job_condition |= unit->job != 0;
        unit->job_reload |= unit->job && reloading && !unit->reloading;
        unit->reloading = reloading;
}

static int on_properties_changed(sd_bus_message *message, void *userdata, sd_bus_error *reterr) {
        char *name = NULL;
        const char *interface, *key;
        Change change = { 0 };
        int r;

        (void) userdata, (void) reterr;
        check(sd_bus_message_read(message, "s", &interface), "PropertiesChanged");
        if (strcmp(interface, UNIT) != 0)
                return 0;
        check(sd_bus_path_decode(sd_bus_message_get_path(message), MANAGER_PATH "/unit", &name),
                        "unit path");
        check(sd_bus_message_enter_container(message, 'a', "{sv}"), "properties");
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                check(sd_bus_message_read(message, "s", &key), "property");
                change_read(&change, message, key);
                check(sd_bus_message_exit_container(message), "property");
        }
        check(r, "properties");
        unit_take_change(unit_get(name), &change);
        free(name);
        return 0;
}

static void drain(sd_bus *bus) {
        int r;

        while ((r = sd_bus_process(bus, NULL)) > 0)
                ;
        check(r, "connection");
}

static sd_bus_message *call(sd_bus *bus, const char *method) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;

        if (sd_bus_call_method(bus, NULL, MANAGER_PATH, MANAGER, method, &error, &reply, "") < 0)
                die("%s: %s", method, error.message);
        return reply;
}

/* Reads the states of all loaded units; returns whether one of them is on its way to another state
 * by itself. */
static bool read_states(sd_bus *bus, bool is_after) {
        sd_bus_message *reply = call(bus, "ListUnits");
        const char *name, *load, *active, *sub;
        bool moving = false;
        int r;

        check(sd_bus_message_enter_container(reply, 'a', "(ssssssouso)"), "ListUnits");
        while ((r = sd_bus_message_read(reply, "(ssssssouso)", &name, NULL, &load, &active, &sub,
                                NULL, NULL, NULL, NULL, NULL)) > 0) {
                Unit *unit = unit_get(name);

                snprintf(is_after ? unit->after : unit->before, sizeof(unit->after), "%s/%s",
                                active, sub);
                moving |= strcmp(active, "deactivating") == 0 || strcmp(active, "reloading") == 0;
        }
        check(r, "ListUnits");
        sd_bus_message_unref(reply);
        return moving;
}

/* A oneshot that is held at work has its job for as long: that one is no news. */
static bool has_jobs(sd_bus *bus) {
        sd_bus_message *reply = call(bus, "ListJobs");
        const char *name, *state;
        bool any = false;
        int r;

        check(sd_bus_message_enter_container(reply, 'a', "(usssoo)"), "ListJobs");
        while ((r = sd_bus_message_read(reply, "(usssoo)", NULL, &name, NULL, &state, NULL, NULL)) >
                        0)
                any |= strncmp(unit_get(name)->before, "activating/start",
                                       strlen("activating/start")) != 0;
        check(r, "ListJobs");
        sd_bus_message_unref(reply);
        return any;
}

static void mark_begin(sd_bus *bus) {
        drain(bus);
        tdestroy(units, unit_free);
        units = NULL;
        n_daemon_reloads = 0;
        (void) read_states(bus, false);
        begin_usec = now_usec();
        puts("begun");
}

static void print_unit(const void *node, VISIT visit, int depth) {
        const Unit *unit = *(Unit *const *) node;

        (void) depth;
        if (visit != postorder && visit != leaf)
                return;
        fputs(",\"", stdout);
        for (const char *c = unit->name; *c; c++)
                printf(*c == '\\' || *c == '"' ? "\\%c" : "%c", *c);
        printf("\":{\"before\":\"%s\",\"after\":\"%s\",\"alone_down\":%u,\"alone_up\":%u,\"deeds\":"
               "[",
                        unit->before, unit->after, unit->n_alone_down, unit->n_alone_up);
        for (size_t i = 0; i < unit->n_deeds; i++)
                printf("%s[\"%s\",\"%s\"]", i ? "," : "", unit->deeds[i].verb,
                                unit->deeds[i].result);
        fputs("]}", stdout);
}

static void mark_end(sd_bus *bus) {
        for (unsigned look = 0;; look++) {
                bool busy = has_jobs(bus);

                drain(bus);
                if (!read_states(bus, true) && !busy)
                        break;
                if (look == SETTLE_LOOKS)
                        die("jobs do not end");
                check(sd_bus_wait(bus, SETTLE_USEC), "wait");
        }
        drain(bus);
        printf("{\"daemon_reloads\":%u,\"units\":{\"\":{}", n_daemon_reloads);
        twalk(units, print_unit);
        puts("}}");
}

/* Returns false at the end of the input. */
static bool take_command(sd_bus *bus) {
        char line[16];

        if (!fgets(line, sizeof(line), stdin))
                return false;
        if (strcmp(line, "begin\n") == 0)
                mark_begin(bus);
        else if (strcmp(line, "end\n") == 0)
                mark_end(bus);
        else
                die("unknown command: %s", line);
        if (fflush(stdout) != 0)
                die("cannot write");
        return true;
}

static void subscribe(sd_bus *bus) {
        check(sd_bus_match_signal(
                              bus, NULL, NULL, MANAGER_PATH, MANAGER, "JobNew", on_job_new, NULL),
                        "match");
        check(sd_bus_match_signal(bus, NULL, NULL, MANAGER_PATH, MANAGER, "JobRemoved",
                              on_job_removed, NULL),
                        "match");
        check(sd_bus_match_signal(bus, NULL, NULL, MANAGER_PATH, MANAGER, "Reloading", on_reloading,
                              NULL),
                        "match");
        check(sd_bus_match_signal(bus, NULL, NULL, NULL, "org.freedesktop.DBus.Properties",
                              "PropertiesChanged", on_properties_changed, NULL),
                        "match");
        sd_bus_message_unref(call(bus, "Subscribe"));
}

int main(int argc, char **argv) {
        sd_bus *bus = NULL;

        setvbuf(stdin, NULL, _IONBF, 0); /* poll() must see what is there */
        check(sd_bus_new(&bus), "bus");
        check(sd_bus_set_address(bus, argc > 1 ? argv[1] : "unix:path=/run/systemd/private"),
                        "address");
        check(sd_bus_start(bus), "systemd's private socket");
        subscribe(bus);
        for (;;) {
                struct pollfd fds[] = { { .fd = 0, .events = POLLIN },
                        { .fd = sd_bus_get_fd(bus), .events = POLLIN } };

                drain(bus);
                if (poll(fds, 2, -1) < 0)
                        die("poll");
                if (fds[0].revents && !take_command(bus))
                        break;
        }
        tdestroy(units, unit_free);
        sd_bus_close_unref(bus);
        return 0;
}
