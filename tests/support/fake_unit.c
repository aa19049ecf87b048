/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/support/fake_unit.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#define UNIT_PREFIX "/org/freedesktop/systemd1/unit"
#define JOB_PREFIX "/org/freedesktop/systemd1/job"

static size_t nth_of(const FakeUnits *units, const FakeUnit *unit) {
        return (size_t) (unit - units->units);
}

static bool has_name(const FakeUnit *unit, const char *name) {
        return unit->active_state &&
               (strcmp(unit->name, name) == 0 || (unit->alias && strcmp(unit->alias, name) == 0));
}

FakeUnit *fake_unit_find(FakeUnits *units, const char *name) {
        for (size_t i = 0; i < units->n_units; i++)
                if (has_name(&units->units[i], name))
                        return &units->units[i];
        return NULL;
}

FakeUnit *fake_unit_of_object(FakeUnits *units, const char *object) {
        cleanup_free char *name = NULL;
        if (sd_bus_path_decode(object, UNIT_PREFIX, &name) <= 0)
                return NULL;
        return fake_unit_find(units, name);
}

int fake_unit_reply_object(sd_bus_message *call, FakeUnits *units) {
        const char *name;
        int r = sd_bus_message_read(call, "s", &name);
        if (r < 0)
                return r;
        const FakeUnit *unit = fake_unit_find(units, name);
        if (!unit)
                return sd_bus_reply_method_errorf(call, "org.freedesktop.systemd1.NoSuchUnit",
                                "Unit %s not loaded.", name);
        cleanup_free char *object = NULL;
        r = sd_bus_path_encode(UNIT_PREFIX, unit->name, &object);
        return r < 0 ? r : sd_bus_reply_method_return(call, "o", object);
}

static const char *sub_state_of(const FakeUnit *unit) {
        if (unit->sub_state)
                return unit->sub_state;
        if (strcmp(unit->active_state, "active") == 0)
                return "running";
        return strcmp(unit->active_state, "inactive") == 0 ? "dead" : unit->active_state;
}

static int reply_text(sd_bus_message *call, const char *text) {
        return sd_bus_reply_method_return(call, "v", "s", text);
}

static int reply_time(sd_bus_message *call, uint64_t usec) {
        return sd_bus_reply_method_return(call, "v", "t", usec);
}

static int reply_names(sd_bus_message *call, const char *first, const char *second) {
        if (!first)
                return sd_bus_reply_method_return(call, "v", "as", 0);
        if (!second)
                return sd_bus_reply_method_return(call, "v", "as", 1, first);
        return sd_bus_reply_method_return(call, "v", "as", 2, first, second);
}

static int reply_invocation(sd_bus_message *call, uint8_t first_byte) {
        uint8_t bytes[16] = { first_byte };
        cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', bytes, first_byte ? sizeof(bytes) : 0);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static int reply_job(sd_bus_message *call, const FakeUnits *units, const FakeUnit *unit) {
        for (size_t i = 0; i < MAX_FAKE_JOBS; i++)
                if (units->jobs[i].id != 0 && units->jobs[i].unit == unit) {
                        char path[64];
                        (void) snprintf(path, sizeof(path), JOB_PREFIX "/%u",
                                        units->jobs[i].id); /* fits */
                        return sd_bus_reply_method_return(
                                        call, "v", "(uo)", units->jobs[i].id, path);
                }
        return sd_bus_reply_method_return(call, "v", "(uo)", 0U, "/");
}

static int reply_unit_property(
                sd_bus_message *call, FakeUnits *units, const FakeUnit *unit, const char *name) {
        size_t nth = nth_of(units, unit);
        uint64_t started = units->changed_usec[nth] ? units->changed_usec[nth] : 1000000;
        if (strcmp(name, "Id") == 0)
                return reply_text(call, unit->name);
        if (strcmp(name, "LoadState") == 0)
                return reply_text(call, "loaded");
        if (strcmp(name, "ActiveState") == 0)
                return reply_text(call, unit->active_state);
        if (strcmp(name, "SubState") == 0)
                return reply_text(call, sub_state_of(unit));
        if (strcmp(name, "CanReload") == 0)
                return sd_bus_reply_method_return(call, "v", "b", 1);
        if (strcmp(name, "ConditionResult") == 0)
                return sd_bus_reply_method_return(call, "v", "b", !unit->condition_failed);
        if (strcmp(name, "InvocationID") == 0)
                return reply_invocation(call, units->invocations[nth]);
        if (strcmp(name, "StateChangeTimestampMonotonic") == 0)
                return reply_time(call, units->changed_usec[nth]);
        if (strcmp(name, "InactiveExitTimestampMonotonic") == 0)
                return reply_time(call, unit->last_start_usec ? started : 0);
        if (strcmp(name, "ActiveEnterTimestampMonotonic") == 0)
                return reply_time(
                                call, unit->last_start_usec ? started + unit->last_start_usec : 0);
        if (strcmp(name, "Job") == 0)
                return reply_job(call, units, unit);
        if (strcmp(name, "Names") == 0)
                return reply_names(call, unit->name, unit->alias);
        if (strcmp(name, "RequiredBy") == 0)
                return reply_names(call, unit->required_by, NULL);
        return sd_bus_reply_method_errorf(
                        call, SD_BUS_ERROR_UNKNOWN_PROPERTY, "Unknown property %s", name);
}

static int reply_type_property(sd_bus_message *call, FakeUnit *unit, const char *name) {
        bool has_failed = strcmp(unit->active_state, "failed") == 0 ||
                          strcmp(sub_state_of(unit), "auto-restart") == 0;
        if (strcmp(name, "Result") == 0)
                return reply_text(call, unit->result ? unit->result
                                        : has_failed ? "exit-code"
                                                     : "success");
        if (strcmp(name, "Type") == 0)
                return reply_text(call, unit->type ? unit->type : "notify");
        if (strcmp(name, "ExecMainCode") == 0)
                return sd_bus_reply_method_return(call, "v", "i", has_failed ? 1 : 0);
        if (strcmp(name, "ExecMainStatus") == 0)
                return sd_bus_reply_method_return(call, "v", "i", has_failed ? 3 : 0);
        if (strcmp(name, "NRestarts") == 0)
                return sd_bus_reply_method_return(call, "v", "u",
                                unit->dies_at_each_look ? ++unit->n_restarts : unit->n_restarts);
        return sd_bus_reply_method_errorf(
                        call, SD_BUS_ERROR_UNKNOWN_PROPERTY, "Unknown property %s", name);
}

int fake_unit_reply_property(sd_bus_message *call, FakeUnits *units) {
        const char *interface, *name;
        int r = sd_bus_message_read(call, "ss", &interface, &name);
        if (r < 0)
                return r;
        FakeUnit *unit = fake_unit_of_object(units, sd_bus_message_get_path(call));
        if (!unit)
                return sd_bus_reply_method_errorf(
                                call, SD_BUS_ERROR_UNKNOWN_OBJECT, "No such unit");
        return strcmp(interface, "org.freedesktop.systemd1.Unit") == 0
                               ? reply_unit_property(call, units, unit, name)
                               : reply_type_property(call, unit, name);
}

static int append_row(sd_bus_message *reply, const char *name, const FakeUnit *unit) {
        cleanup_free char *object = NULL;
        int r = sd_bus_path_encode(UNIT_PREFIX, name, &object);
        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "(ssssssouso)", name, "",
                        !unit              ? "not-found"
                        : unit->load_state ? unit->load_state
                                           : "loaded",
                        unit ? unit->active_state : "inactive", unit ? sub_state_of(unit) : "dead",
                        "", object, 0U, "", "/");
}

static bool matches(const FakeUnit *unit, char **states, char **patterns) {
        bool state_fits = !states || !*states, pattern_fits = !patterns || !*patterns;
        for (; states && *states; states++)
                state_fits = state_fits || strcmp(unit->active_state, *states) == 0;
        for (; patterns && *patterns; patterns++)
                pattern_fits = pattern_fits || fnmatch(*patterns, unit->name, FNM_NOESCAPE) == 0;
        return state_fits && pattern_fits;
}

static void free_list(char ***list) {
        for (char **item = *list; item && *item; item++)
                free(*item);
        free(*list);
}

int fake_unit_reply_list(sd_bus_message *call, FakeUnits *units) {
        const char *method = sd_bus_message_get_member(call);
        cleanup(free_list) char **first = NULL, **second = NULL;
        cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r = sd_bus_message_new_method_return(call, &reply);
        if (r >= 0 && strcmp(method, "ListUnits") != 0)
                r = sd_bus_message_read_strv(call, &first);
        if (r >= 0 && strcmp(method, "ListUnitsByPatterns") == 0)
                r = sd_bus_message_read_strv(call, &second);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssssouso)");
        if (strcmp(method, "ListUnitsByNames") == 0)
                for (char **name = first; r >= 0 && name && *name; name++) {
                        const FakeUnit *unit = fake_unit_find(units, *name);
                        r = append_row(reply, unit ? unit->name : *name, unit);
                }
        else
                for (size_t i = 0; r >= 0 && i < units->n_units; i++)
                        if (units->units[i].active_state &&
                                        matches(&units->units[i], first, second))
                                r = append_row(reply, units->units[i].name, &units->units[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void set_state(FakeUnits *units, FakeUnit *unit, const char *state) {
        unit->active_state = state;
        unit->sub_state = NULL;
        units->changed_usec[nth_of(units, unit)] = now_usec();
        cleanup_free char *object = NULL;
        cleanup(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        if (!units->bus || sd_bus_path_encode(UNIT_PREFIX, unit->name, &object) < 0 ||
                        sd_bus_message_new_signal(units->bus, &signal, object,
                                        "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged") < 0 ||
                        sd_bus_message_append(signal, "sa{sv}as", "org.freedesktop.systemd1.Unit",
                                        2, "SubState", "s", sub_state_of(unit), "ActiveState", "s",
                                        state, 0) < 0)
                return;                               /* a test that needs it will tell */
        (void) sd_bus_send(units->bus, signal, NULL); /* the same */
}

static int on_death(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        FakeJob *job = userdata;
        FakeUnit *unit = job->unit;
        set_state(job->units, unit, unit->dies_into);
        if (strcmp(unit->dies_into, "activating") == 0) {
                unit->sub_state = "auto-restart";
                unit->n_restarts++;
        }
        job->timer = sd_event_source_unref(job->timer);
        job->unit = NULL;
        return 0;
}

static int arm(FakeJob *job, unsigned msec, sd_event_time_handler_t handler) {
        job->timer = sd_event_source_unref(job->timer);
        return sd_event_add_time_relative(job->units->event, &job->timer, CLOCK_MONOTONIC,
                        (uint64_t) msec * 1000, 1, handler, job);
}

/* It ends when it has taken its time, or when another one has ended. */
static int arm_until(
                FakeJob *job, unsigned msec, const char *until, sd_event_time_handler_t handler) {
        const FakeUnit *other = until ? fake_unit_find(job->units, until) : NULL;
        if (job->never_ends || (other && !other->has_ended))
                return 0;
        return arm(job, msec, handler);
}

static void apply(FakeJob *job) {
        FakeUnits *units = job->units;
        FakeUnit *unit = job->unit;
        const char *after = strcmp(job->method, "StopUnit") == 0 ? "inactive" : "active";
        if (unit->job_result && strcmp(unit->job_result, "done") != 0 &&
                        strcmp(job->method, "ReloadUnit") != 0)
                after = "failed";
        set_state(units, unit, unit->state_after ? unit->state_after : after);
        FakeUnit *broken = unit->breaks ? fake_unit_find(units, unit->breaks) : NULL;
        if (broken)
                set_state(units, broken, "failed");
}

static int on_stopped(sd_event_source *source, uint64_t usec, void *userdata);
static int on_end(sd_event_source *source, uint64_t usec, void *userdata);

/* Those that take until its end. */
static void release(FakeUnits *units, const FakeUnit *unit) {
        for (size_t i = 0; i < MAX_FAKE_JOBS; i++) {
                FakeJob *job = &units->jobs[i];
                const char *until = !job->unit         ? NULL
                                    : job->is_stopping ? job->unit->stop_until
                                                       : job->unit->start_until;
                if (until && job->id != 0 && strcmp(until, unit->name) == 0)
                        (void) arm(job, 0,
                                        job->is_stopping ? on_stopped
                                                         : on_end); /* a test will tell */
        }
}

static void end(FakeJob *job) {
        FakeUnits *units = job->units;
        FakeUnit *unit = job->unit;
        apply(job);
        unit->has_ended = true;
        release(units, unit);
        char path[64];
        (void) snprintf(path, sizeof(path), JOB_PREFIX "/%u", job->id); /* fits */
        if (units->bus)
                (void) sd_bus_emit_signal(units->bus, "/org/freedesktop/systemd1",
                                "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", job->id,
                                path, unit->name,
                                unit->job_result ? unit->job_result
                                                 : "done"); /* a test that needs it will tell */
        job->id = 0;
        job->timer = sd_event_source_unref(job->timer);
        if (unit->unloads && strcmp(job->method, "StopUnit") == 0) {
                unit->active_state = NULL;
                units->invocations[nth_of(units, unit)] = 0;
        }
        if (unit->dies_msec > 0 && strcmp(job->method, "StopUnit") != 0 &&
                        arm(job, unit->dies_msec, on_death) >= 0)
                return; /* the slot is taken until then */
        job->unit = NULL;
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        end(userdata);
        return 0;
}

static int begin_start(FakeJob *job) {
        FakeUnits *units = job->units;
        units->invocations[nth_of(units, job->unit)] = ++units->last_invocation;
        set_state(units, job->unit, "activating");
        return arm_until(job, job->unit->start_msec, job->unit->start_until, on_end);
}

static int on_stopped(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source;
        (void) usec;
        FakeJob *job = userdata;
        if (strcmp(job->method, "StopUnit") == 0) {
                end(job);
                return 0;
        }
        job->is_stopping = false;
        return begin_start(job);
}

static int begin(FakeJob *job) {
        const char *method = job->method;
        bool is_on = strcmp(job->unit->active_state, "active") == 0;
        if (strcmp(method, "ReloadUnit") == 0)
                return job->never_ends ? 0 : arm(job, job->unit->start_msec, on_end);
        if (strcmp(method, "StartUnit") == 0 && is_on) /* nothing to do */
                return arm(job, 0, on_end);
        if (strcmp(method, "StartUnit") == 0 || (strcmp(method, "RestartUnit") == 0 && !is_on))
                return begin_start(job);
        job->is_stopping = true;
        set_state(job->units, job->unit, "deactivating");
        return arm_until(job, job->unit->stop_msec, job->unit->stop_until, on_stopped);
}

FakeJob *fake_job_new(FakeUnits *units, FakeUnit *unit, const char *method) {
        for (size_t i = 0; i < MAX_FAKE_JOBS; i++) {
                FakeJob *job = &units->jobs[i];
                if (job->unit)
                        continue;
                *job = (FakeJob){ .units = units,
                        .unit = unit,
                        .id = ++units->last_job_id,
                        .method = method,
                        .never_ends = unit->fault == FAKE_NEVER_ENDS };
                return begin(job) < 0 ? NULL : job;
        }
        return NULL;
}

void fake_job_end_silently(FakeJob *job) {
        sd_bus *bus = job->units->bus;
        job->units->bus = NULL;
        if (strcmp(job->method, "StopUnit") != 0 && strcmp(job->method, "ReloadUnit") != 0)
                (void) begin_start(job); /* its InvocationID changes */
        end(job);
        job->units->bus = bus;
}

void fake_units_done(FakeUnits *units) {
        for (size_t i = 0; i < MAX_FAKE_JOBS; i++)
                units->jobs[i].timer = sd_event_source_unref(units->jobs[i].timer);
}
