/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/boot.h"

#include "activate/call_batch.h"

#include <errno.h>
#include <string.h>

enum { RELOAD_TIMEOUT_USEC = 180 * 1000 * 1000 };

static bool is_target_on_its_way(const char *unit, const char *type, const char *state) {
        size_t length = strlen(unit), suffix = strlen(".target");
        return length > suffix && strcmp(unit + length - suffix, ".target") == 0 &&
               strcmp(type, "start") == 0 && strcmp(state, "waiting") == 0;
}

static int read_targets(sd_bus_message *reply, Strv *targets) {
        int r = sd_bus_message_enter_container(reply, 'a', "(usssoo)");
        while (r >= 0) {
                uint32_t id;
                const char *unit, *type, *state, *job, *object;
                r = sd_bus_message_read(
                                reply, "(usssoo)", &id, &unit, &type, &state, &job, &object);
                if (r <= 0)
                        break;
                if (is_target_on_its_way(unit, type, state))
                        r = strv_add(targets, unit);
        }
        return r;
}

static int list_targets(Systemd *systemd, Strv *targets, Error *reterr) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r = connection_new_call(systemd, "ListJobs", &call);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", systemd->label);
        r = call_one(systemd, TAKE(call), 0, &reply, reterr);
        if (r < 0)
                return r;
        r = read_targets(reply, targets);
        return r < 0 ? error_set_errno(reterr, r, "%s: its jobs cannot be read", systemd->label)
                     : 0;
}

/* What is not there, or refuses, is not part of this boot. */
static int on_reply(void *userdata, size_t nth, sd_bus_message *reply) {
        (void) userdata;
        (void) nth;
        (void) reply;
        return 0;
}

static int add_calls(CallBatch *batch, Systemd *systemd, const char *method, const Strv *units) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < units->n_items; i++) {
                cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
                r = connection_new_call(systemd, method, &call);
                if (r >= 0)
                        r = sd_bus_message_append(call, "ss", units->items[i], "replace");
                if (r >= 0)
                        r = call_batch_add(batch, i, TAKE(call), 0);
        }
        return r;
}

int boot_take_over(Systemd *systemd, const Strv *dropped, const Strv *readers, Error *reterr) {
        cleanup_strv Strv targets = { 0 };
        int r = systemd_reload(systemd, RELOAD_TIMEOUT_USEC, reterr);
        if (r >= 0)
                r = list_targets(systemd, &targets, reterr);
        if (r < 0)
                return r;
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        r = call_batch_new(systemd, on_reply, NULL, &batch);
        if (r >= 0)
                r = add_calls(batch, systemd, "StopUnit", dropped);
        if (r >= 0)
                r = add_calls(batch, systemd, "RestartUnit", readers);
        if (r >= 0)
                r = add_calls(batch, systemd, "StartUnit", &targets);
        if (r >= 0)
                r = call_batch_run(batch);
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}
