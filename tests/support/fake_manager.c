/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/support/fake_manager.h"

#include "base/text.h"
#include "tests/support/cmocka.h"
#include "tests/support/fake_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

struct FakeManager {
        FakeOptions options;
        FakeUnits units;
        sd_event *event;
        sd_bus *bus; /* the connection, one at a time */
        int listen_fd, stop_fd;
        char directory[32], path[64], address[80];
        pthread_t thread;
        pthread_mutex_t mutex; /* over what follows */
        Text calls;
        char *shown;
        unsigned n_calls, max_going_down;
        bool has_listed;
};

static void note(FakeManager *fake, const char *method, const char *argument) {
        (void) pthread_mutex_lock(&fake->mutex); /* no error is possible here */
        text_addf(&fake->calls, argument ? "%s %s\n" : "%s\n", method, argument);
        (void) pthread_mutex_unlock(&fake->mutex); /* the same */
}

static void drop(FakeManager *fake) {
        fake->units.bus = NULL;
        fake->bus = sd_bus_flush_close_unref(fake->bus);
}

/* Everything was said before: the connection ends once it was sent. */
static int on_drop(sd_event_source *source, void *userdata) {
        drop(userdata);
        (void) sd_event_source_unref(source);
        return 0;
}

static int drop_soon(FakeManager *fake) {
        sd_event_source *source;
        return sd_event_add_defer(fake->event, &source, on_drop, fake);
}

static int reply_job_path(sd_bus_message *call, const FakeJob *job) {
        char path[64];
        (void) snprintf(path, sizeof(path), "/org/freedesktop/systemd1/job/%u", job->id); /* fits */
        return sd_bus_reply_method_return(call, "o", path);
}

static void count_going_down(FakeManager *fake) {
        unsigned n = 0;
        for (size_t i = 0; i < MAX_FAKE_JOBS; i++)
                n += fake->units.jobs[i].id != 0 && fake->units.jobs[i].is_stopping;
        (void) pthread_mutex_lock(&fake->mutex); /* no error is possible here */
        if (n > fake->max_going_down)
                fake->max_going_down = n;
        (void) pthread_mutex_unlock(&fake->mutex); /* the same */
}

static int on_unit_call(FakeManager *fake, sd_bus_message *call, const char *method) {
        const char *name, *mode;
        int r = sd_bus_message_read(call, "ss", &name, &mode);
        if (r < 0)
                return r;
        note(fake, method, name);
        count_going_down(fake);
        FakeUnit *unit = NULL;
        for (size_t i = 0; i < fake->options.n_units; i++)
                if (strcmp(fake->options.units[i].name, name) == 0)
                        unit = &fake->options.units[i];
        if (!unit || (strcmp(method, "StopUnit") == 0 && !unit->active_state))
                return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit",
                                "Unit %s not loaded.", name);
        FakeFault fault = unit->fault;
        if (!unit->active_state)
                unit->active_state = "inactive";
        if (fault == FAKE_NEVER_REPLIES)
                return 0;
        if (fault == FAKE_LOSES_CALL) {
                unit->fault = FAKE_NO_FAULT;
                return drop_soon(fake);
        }
        if (fault == FAKE_REFUSES)
                return sd_bus_reply_method_errorf(call, unit->error_name, "%s is refused", name);
        FakeJob *job = fake_job_new(&fake->units, unit, method);
        if (!job)
                return -ENOBUFS;
        unit->fault = FAKE_NO_FAULT;
        r = fault == FAKE_LOSES_REPLY ? 0 : reply_job_path(call, job);
        if (fault == FAKE_LOSES_END)
                fake_job_end_silently(job);
        if (r >= 0 && (fault == FAKE_LOSES_REPLY || fault == FAKE_LOSES_LATER ||
                                      fault == FAKE_LOSES_END))
                r = drop_soon(fake);
        return r;
}

static int on_reload(FakeManager *fake, sd_bus_message *call) {
        note(fake, "Reload", NULL);
        if (fake->options.n_drops_at_reload > 0) {
                fake->options.n_drops_at_reload--;
                return drop_soon(fake);
        }
        if (fake->options.never_replies_to_reload)
                return 0;
        if (fake->options.reload_error)
                return sd_bus_reply_method_errorf(
                                call, fake->options.reload_error, "Not now, please");
        return sd_bus_reply_method_return(call, NULL);
}

static int on_reset_failed(FakeManager *fake, sd_bus_message *call) {
        const char *name;
        int r = sd_bus_message_read(call, "s", &name);
        if (r < 0)
                return r;
        note(fake, "ResetFailedUnit", name);
        FakeUnit *unit = fake_unit_find(&fake->units, name);
        if (unit && strcmp(unit->active_state, "failed") == 0)
                unit->active_state = "inactive";
        return 0; /* no reply is expected */
}

static int on_list(FakeManager *fake, sd_bus_message *call, const char *method) {
        note(fake, method, NULL);
        if (fake->options.list_error && strcmp(method, "ListUnitsFiltered") == 0) {
                if (fake->has_listed)
                        return sd_bus_reply_method_errorf(
                                        call, fake->options.list_error, "Not now, please");
                fake->has_listed = true;
        }
        return fake_unit_reply_list(call, &fake->units);
}

/* The values of what is entered, one behind the other, whatever they are. */
static int add_values(sd_bus_message *call, Text *text) {
        char type;
        const char *contents;
        int r;
        while ((r = sd_bus_message_peek_type(call, &type, &contents)) > 0) {
                if (strchr("avr", type)) {
                        r = sd_bus_message_enter_container(call, type, contents);
                        if (r >= 0)
                                r = add_values(call, text);
                        if (r >= 0)
                                r = sd_bus_message_exit_container(call);
                        if (r < 0)
                                return r;
                        continue;
                }
                union {
                        const char *string;
                        int boolean;
                        int32_t number;
                        uint64_t long_number;
                } value = { 0 };
                r = sd_bus_message_read_basic(call, type, &value);
                if (r < 0)
                        return r;
                if (type == 's')
                        text_addf(text, " %s", value.string);
                else if (type == 't')
                        text_addf(text, " %llu", (unsigned long long) value.long_number);
                else
                        text_addf(text, " %d", value.number);
        }
        return r;
}

static int on_start_transient(FakeManager *fake, sd_bus_message *call) {
        cleanup(text_donep) Text text = { 0 };
        const char *name, *mode;
        int r = sd_bus_message_read(call, "ss", &name, &mode);
        if (r >= 0)
                r = sd_bus_message_enter_container(call, 'a', "(sv)");
        if (r < 0)
                return r;
        text_addf(&text, "%s %s", name, mode);
        while ((r = sd_bus_message_enter_container(call, 'r', "sv")) > 0) {
                text_add(&text, "\n ");
                r = add_values(call, &text);
                if (r >= 0)
                        r = sd_bus_message_exit_container(call);
                if (r < 0)
                        return r;
        }
        note(fake, "StartTransientUnit", text.data);
        if (fake->options.transient_error)
                return sd_bus_reply_method_errorf(
                                call, fake->options.transient_error, "%s is refused", name);
        return r < 0 ? r : sd_bus_reply_method_return(call, "o", "/org/freedesktop/systemd1/job/1");
}

static int answer(FakeManager *fake, sd_bus_message *call, const char *method) {
        if (strcmp(method, "Get") == 0)
                return fake_unit_reply_property(call, &fake->units);
        if (strcmp(method, "GetUnit") == 0)
                return fake_unit_reply_object(call, &fake->units);
        if (strncmp(method, "ListUnits", strlen("ListUnits")) == 0)
                return on_list(fake, call, method);
        if (strcmp(method, "ResetFailedUnit") == 0)
                return on_reset_failed(fake, call);
        if (strcmp(method, "Reload") == 0)
                return on_reload(fake, call);
        if (strcmp(method, "Reexecute") == 0) {
                note(fake, method, NULL);
                return drop_soon(fake);
        }
        if (strcmp(method, "StartTransientUnit") == 0)
                return on_start_transient(fake, call);
        static const char *const of_units[] = { "StartUnit", "StopUnit", "RestartUnit",
                "ReloadUnit" };
        for (size_t i = 0; i < N_ELEMENTS(of_units); i++)
                if (strcmp(method, of_units[i]) == 0)
                        return on_unit_call(fake, call, of_units[i]);
        note(fake, method, NULL);
        return 0;
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        (void) ret_error;
        FakeManager *fake = userdata;
        uint8_t type = 0;
        if (sd_bus_message_get_type(message, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL)
                return 0;
        (void) pthread_mutex_lock(&fake->mutex); /* no error is possible here */
        fake->n_calls++;
        (void) pthread_mutex_unlock(&fake->mutex); /* the same */
        if (fake->options.never_answers)
                return 1;
        int r = answer(fake, message, sd_bus_message_get_member(message));
        return r < 0 ? r : 1;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) events;
        FakeManager *fake = userdata;
        sd_id128_t id = SD_ID128_NULL;
        int client_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client_fd < 0)
                return -errno;
        drop(fake);
        int r = sd_id128_randomize(&id);
        if (r >= 0)
                r = sd_bus_new(&fake->bus);
        if (r >= 0)
                r = sd_bus_set_fd(fake->bus, client_fd, client_fd);
        if (r >= 0)
                r = sd_bus_set_server(fake->bus, 1, id);
        if (r >= 0)
                r = sd_bus_add_filter(fake->bus, NULL, on_message, fake);
        if (r >= 0)
                r = sd_bus_start(fake->bus);
        if (r >= 0)
                r = sd_bus_attach_event(fake->bus, fake->event, SD_EVENT_PRIORITY_NORMAL);
        fake->units.bus = fake->bus;
        return r;
}

static int on_stop(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;
        FakeManager *fake = userdata;
        return sd_event_exit(fake->event, 0);
}

static void *run(void *userdata) {
        FakeManager *fake = userdata;
        int r = sd_event_new(&fake->event);
        fake->units.event = fake->event;
        if (r >= 0)
                r = sd_event_add_io(
                                fake->event, NULL, fake->listen_fd, EPOLLIN, on_connection, fake);
        if (r >= 0)
                r = sd_event_add_io(fake->event, NULL, fake->stop_fd, EPOLLIN, on_stop, fake);
        for (size_t i = 0; r >= 0 && i < fake->units.n_units; i++)
                if (fake->units.units[i].is_starting &&
                                !fake_job_new(&fake->units, &fake->units.units[i], "StartUnit"))
                        r = -EXFULL;
        if (r >= 0)
                r = sd_event_loop(fake->event);
        if (r < 0)
                fprintf(stderr, "fake manager: %s\n", strerror(-r));
        fake_units_done(&fake->units);
        drop(fake);
        fake->event = sd_event_unref(fake->event);
        return NULL;
}

FakeManager *fake_manager_new(const FakeOptions *options) {
        FakeManager *fake = calloc(1, sizeof(FakeManager));
        assert_non_null(fake);
        fake->options = *options;
        fake->units.units = options->units;
        fake->units.n_units = options->n_units;
        for (size_t i = 0; i < options->n_units; i++)
                if (options->units[i].active_state &&
                                strcmp(options->units[i].active_state, "inactive") != 0)
                        fake->units.invocations[i] = ++fake->units.last_invocation;
        (void) snprintf(fake->directory, sizeof(fake->directory), "/tmp/fake-manager-XXXXXX");
        assert_non_null(mkdtemp(fake->directory));
        (void) snprintf(fake->path, sizeof(fake->path), "%s/private", fake->directory); /* fits */
        (void) snprintf(fake->address, sizeof(fake->address), "unix:path=%s",
                        fake->path); /* fits */
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        memcpy(address.sun_path, fake->path, sizeof(fake->path));
        fake->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fake->listen_fd >= 0);
        assert_int_equal(bind(fake->listen_fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(fake->listen_fd, 8), 0);
        fake->stop_fd = eventfd(0, EFD_CLOEXEC);
        assert_true(fake->stop_fd >= 0);
        assert_int_equal(pthread_mutex_init(&fake->mutex, NULL), 0);
        assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
        return fake;
}

void fake_manager_free(FakeManager *fake) {
        uint64_t one = 1;
        assert_int_equal(write(fake->stop_fd, &one, sizeof(one)), sizeof(one));
        assert_int_equal(pthread_join(fake->thread, NULL), 0);
        (void) close(fake->listen_fd); /* nothing was written */
        (void) close(fake->stop_fd);   /* the same */
        assert_int_equal(unlink(fake->path), 0);
        assert_int_equal(rmdir(fake->directory), 0);
        (void) pthread_mutex_destroy(&fake->mutex); /* nobody holds it */
        text_done(&fake->calls);
        free(fake->shown);
        free(fake);
}

const char *fake_manager_address(const FakeManager *fake) {
        return fake->address;
}

int fake_manager_connect(const FakeManager *fake) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        memcpy(address.sun_path, fake->path, sizeof(fake->path));
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        return fd;
}

const char *fake_manager_calls(FakeManager *fake) {
        (void) pthread_mutex_lock(&fake->mutex); /* no error is possible here */
        free(fake->shown);
        fake->shown = strdup(fake->calls.data ? fake->calls.data : "");
        (void) pthread_mutex_unlock(&fake->mutex); /* the same */
        assert_non_null(fake->shown);
        return fake->shown;
}

unsigned fake_manager_n_calls(FakeManager *fake) {
        (void) pthread_mutex_lock(&fake->mutex); /* no error is possible here */
        unsigned n_calls = fake->n_calls;
        (void) pthread_mutex_unlock(&fake->mutex); /* the same */
        return n_calls;
}

unsigned fake_manager_max_going_down(FakeManager *fake) {
        (void) pthread_mutex_lock(&fake->mutex); /* no error is possible here */
        unsigned n = fake->max_going_down;
        (void) pthread_mutex_unlock(&fake->mutex); /* the same */
        return n;
}
