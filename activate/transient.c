/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why these settings:
 *
 *   Type=exec, not oneshot: a oneshot's start job would be there as long as it runs, and a service
 *     of Type=idle waits up to 5 s for a queue without jobs.
 *   No default dependencies: whoever stops or restarts basic.target, sysinit.target or a mount must
 *     not stop what is at work on it. At shutdown it is stopped, though, and waited for.
 *   KillMode=mixed: a request to stop is the main process's own affair, not its children's; what is
 *     left when it ended or was killed goes with it. */

#include "activate/transient.h"

#include "activate/call_batch.h"

#include <errno.h>
#include <syslog.h>

#define SHUTDOWN_TARGET "shutdown.target"

static int add_string(sd_bus_message *call, const char *name, const char *value) {
        return sd_bus_message_append(call, "(sv)", name, "s", value);
}

static int add_unit(sd_bus_message *call, const char *name, const char *unit) {
        return sd_bus_message_append(call, "(sv)", name, "as", 1, unit);
}

static int add_bool(sd_bus_message *call, const char *name, bool value) {
        return sd_bus_message_append(call, "(sv)", name, "b", value);
}

/* What the manager is told of how it depends on others. */
static int add_unit_settings(sd_bus_message *call, const TransientService *service) {
        int r = add_string(call, "Description", service->description);
        if (r >= 0)
                r = add_bool(call, "DefaultDependencies", false);
        if (r >= 0)
                r = add_unit(call, "Conflicts", SHUTDOWN_TARGET);
        if (r >= 0)
                r = add_unit(call, "Before", SHUTDOWN_TARGET);
        if (r >= 0)
                r = add_bool(call, "IgnoreOnIsolate", true);
        if (r >= 0)
                r = add_string(call, "CollectMode", "inactive-or-failed");
        return r < 0 || !service->on_failure ? r : add_unit(call, "OnFailure", service->on_failure);
}

static int add_good_exits(sd_bus_message *call, const TransientService *service) {
        int r = sd_bus_message_open_container(call, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", "SuccessExitStatus");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "(aiai)");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'r', "aiai");
        if (r >= 0)
                r = sd_bus_message_append_array(call, 'i', service->good_exits,
                                service->n_good_exits * sizeof(*service->good_exits));
        if (r >= 0)
                r = sd_bus_message_append(call, "ai", 0); /* signals */
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(call);
        return r;
}

static int add_command(sd_bus_message *call, const TransientService *service) {
        int r = sd_bus_message_open_container(call, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", "ExecStart");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'v', "a(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sasb)");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'r', "sasb");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", service->arguments[0]);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "s");
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(service->arguments) && service->arguments[i];
                        i++)
                r = sd_bus_message_append(call, "s", service->arguments[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r >= 0)
                r = sd_bus_message_append(call, "b", false); /* a failure is one */
        for (int i = 0; r >= 0 && i < 4; i++)
                r = sd_bus_message_close_container(call);
        return r;
}

static int add_fd(sd_bus_message *call, const char *name, int fd) {
        return sd_bus_message_append(call, "(sv)", name, "h", fd);
}

static int add_service_settings(sd_bus_message *call, const TransientService *service) {
        int r = add_string(call, "Type", service->is_oneshot ? "oneshot" : "exec");
        if (r >= 0 && service->is_oneshot)
                r = add_bool(call, "RemainAfterExit", true);
        if (r >= 0)
                r = add_string(call, "KillMode", "mixed");
        if (r >= 0 && service->leaves_no_log) /* of systemd's own lines about it, too */
                r = sd_bus_message_append(call, "(sv)", "LogLevelMax", "i", LOG_NOTICE);
        if (r >= 0 && service->start_timeout_usec > 0)
                r = sd_bus_message_append(
                                call, "(sv)", "TimeoutStartUSec", "t", service->start_timeout_usec);
        if (r >= 0)
                r = sd_bus_message_append(
                                call, "(sv)", "TimeoutStopUSec", "t", service->stop_timeout_usec);
        if (r >= 0)
                r = add_good_exits(call, service);
        if (r >= 0 && service->input_fd)
                r = add_fd(call, "StandardInputFileDescriptor", *service->input_fd);
        if (r >= 0 && service->output_fd)
                r = add_fd(call, "StandardOutputFileDescriptor", *service->output_fd);
        if (r >= 0 && service->output_fd)
                r = add_fd(call, "StandardErrorFileDescriptor", *service->output_fd);
        return r < 0 ? r : add_command(call, service);
}

static int fill(sd_bus_message *call, const TransientService *service) {
        int r = sd_bus_message_append(call, "ss", service->name, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sv)");
        if (r >= 0)
                r = add_unit_settings(call, service);
        if (r >= 0)
                r = add_service_settings(call, service);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        return r < 0 ? r : sd_bus_message_append(call, "a(sa(sv))", 0); /* other units */
}

typedef struct StartReply {
        const char *name;
        Error *reterr;
} StartReply;

static int on_reply(void *userdata, size_t nth, sd_bus_message *reply) {
        (void) nth; /* there is one */
        const StartReply *start = userdata;
        if (!sd_bus_message_is_method_error(reply, NULL))
                return 0;
        int r = connection_fold(sd_bus_message_get_error(reply), start->name, start->reterr);
        if (sd_bus_message_is_method_error(reply, "org.freedesktop.systemd1.UnitExists"))
                r = -EEXIST; /* which is not among those that sd-bus knows */
        if (start->reterr)
                start->reterr->code = r;
        return r;
}

int transient_start(Systemd *systemd, const TransientService *service, Error *reterr) {
        Error error = { 0 };
        StartReply start = { .name = service->name, .reterr = &error };
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        sd_bus_message *call = NULL;
        int r = connection_new_call(systemd, "StartTransientUnit", &call);
        if (r >= 0)
                r = fill(call, service);
        if (r >= 0)
                r = call_batch_new(systemd, on_reply, &start, &batch);
        if (r >= 0)
                r = call_batch_add(batch, 0, TAKE(call), 0);
        sd_bus_message_unref(call);
        if (r >= 0)
                r = call_batch_run(batch);
        if (r >= 0)
                return 0;
        if (error.code == 0)
                return call_fold_result(systemd, r, reterr);
        if (reterr)
                *reterr = error;
        return r;
}
