/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/timer.h"

#include "activate/call_batch.h"

#include <errno.h>

enum { ACCURACY_USEC = 100 * 1000 };

int timer_read(Systemd *systemd, const char *property, uint64_t *ret_usec, Error *reterr) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        sd_bus_message *call = NULL;
        int r = connection_new_get(systemd, MANAGER_PATH, MANAGER_INTERFACE, property, &call);
        if (r < 0)
                return call_fold_result(systemd, r, reterr);
        r = call_one(systemd, call, 0, &reply, reterr);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "v", "t", ret_usec);
        return r < 0 ? error_set_errno(reterr, r, "%s: %s cannot be read", systemd->label, property)
                     : 0;
}

/* No default dependencies: whoever stops sysinit.target does not take it along. */
static int fill(sd_bus_message *call, const char *name, uint64_t after_usec) {
        return sd_bus_message_append(call, "ssa(sv)a(sa(sv))", name, "replace", 8, "Description",
                        "s", "The time in which a switch must be confirmed", "TimersMonotonic",
                        "a(st)", 1, "OnStartupSec", after_usec, "AccuracyUSec", "t",
                        (uint64_t) ACCURACY_USEC, "RemainAfterElapse", "b", false,
                        "IgnoreOnIsolate", "b", true, "DefaultDependencies", "b", false,
                        "Conflicts", "as", 1, "shutdown.target", "Before", "as", 1,
                        "shutdown.target", 0);
}

int timer_start(Systemd *systemd, const char *name, uint64_t at_usec, Error *reterr) {
        uint64_t begin_usec = 0;
        int r = timer_stop(systemd, name, reterr);
        if (r >= 0)
                r = timer_read(systemd, "UserspaceTimestampMonotonic", &begin_usec, reterr);
        if (r < 0)
                return r;
        sd_bus_message *call = NULL;
        r = connection_new_call(systemd, "StartTransientUnit", &call);
        if (r >= 0)
                r = fill(call, name, at_usec > begin_usec ? at_usec - begin_usec : 0);
        if (r < 0) {
                sd_bus_message_unref(call);
                return call_fold_result(systemd, r, reterr);
        }
        return call_one(systemd, call, 0, NULL, reterr);
}

static int on_stopped(void *userdata, size_t nth, sd_bus_message *reply) {
        (void) userdata;
        (void) nth;
        (void) reply; /* an error: there is none */
        return 0;
}

int timer_stop(Systemd *systemd, const char *name, Error *reterr) {
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        sd_bus_message *call = NULL;
        int r = call_batch_new(systemd, on_stopped, NULL, &batch);
        if (r >= 0)
                r = connection_new_call(systemd, "StopUnit", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", name, "replace");
        if (r >= 0)
                r = call_batch_add(batch, 0, TAKE(call), 0);
        sd_bus_message_unref(call);
        if (r >= 0)
                r = call_batch_run(batch);
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}
