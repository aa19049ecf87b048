/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/call_batch.h"

#include <errno.h>
#include <string.h>

typedef struct Call {
        CallBatch *batch;
        size_t nth;
        sd_bus_slot *slot;
        struct Call *next;
} Call;

struct CallBatch {
        Systemd *systemd;
        CallReply on_reply;
        void *userdata;
        Call *calls; /* those that are out, and those that were answered */
        size_t n_out;
        int result;
};

int call_batch_new(Systemd *systemd, CallReply on_reply, void *userdata, CallBatch **ret_batch) {
        CallBatch *batch = calloc(1, sizeof(CallBatch));
        if (!batch)
                return -ENOMEM;
        *batch = (CallBatch){ .systemd = systemd, .on_reply = on_reply, .userdata = userdata };
        *ret_batch = batch;
        return 0;
}

CallBatch *call_batch_free(CallBatch *batch) {
        if (!batch)
                return NULL;
        while (batch->calls) {
                Call *next = batch->calls->next;
                sd_bus_slot_unref(batch->calls->slot);
                free(batch->calls);
                batch->calls = next;
        }
        free(batch);
        return NULL;
}

/* Was it sd-bus that made this error, as no reply came within the time or at all? */
static bool is_no_reply(sd_bus_message *reply) {
        return sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) ||
               sd_bus_message_is_method_error(reply, SD_BUS_ERROR_TIMEOUT);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        (void) ret_error; /* only a method's handler uses it */
        Call *call = userdata;
        CallBatch *batch = call->batch;
        batch->n_out--;
        call->slot = sd_bus_slot_unref(call->slot);
        int r;
        if (is_no_reply(reply))
                r = connection_is_lost(batch->systemd) ? -ECONNRESET : -ETIMEDOUT;
        else
                r = batch->on_reply(batch->userdata, call->nth, reply);
        if (batch->result >= 0 && r < 0)
                batch->result = r;
        return 0;
}

int call_batch_add(CallBatch *batch, size_t nth, sd_bus_message *message, uint64_t timeout_usec) {
        Call *call = malloc(sizeof(Call));
        int r = -ENOMEM;
        if (call) {
                *call = (Call){ .batch = batch, .nth = nth, .next = batch->calls };
                r = sd_bus_call_async(batch->systemd->bus, &call->slot, message, on_reply, call,
                                timeout_usec);
        }
        sd_bus_message_unref(message);
        if (r < 0) {
                free(call);
                return r;
        }
        batch->calls = call;
        batch->n_out++;
        return 0;
}

int call_batch_run(CallBatch *batch) {
        while (batch->n_out > 0) {
                if (connection_is_lost(batch->systemd))
                        return -ECONNRESET;
                /* replies come many at a time: it is waited only when all that came are read */
                int r = sd_bus_process(batch->systemd->bus, NULL);
                if (r == 0)
                        r = connection_turn(batch->systemd, UINT64_MAX);
                if (r < 0)
                        return r;
        }
        return batch->result;
}

int call_fold_result(const Systemd *systemd, int r, Error *reterr) {
        if (r == -ENOMEM)
                return error_oom(reterr);
        if (r == -ETIMEDOUT)
                return error_set(reterr, r, "%s does not answer", systemd->label);
        if (r == -ECONNRESET || r == -ENOTCONN)
                return error_set(reterr, -ECONNRESET, "The connection to %s was lost",
                                systemd->label);
        return error_set_errno(reterr, r, "Calling %s", systemd->label);
}

static int keep_reply(void *userdata, size_t nth, sd_bus_message *reply) {
        (void) nth; /* there is one */
        sd_bus_message **ret_reply = userdata;
        *ret_reply = sd_bus_message_ref(reply);
        return 0;
}

int call_one(Systemd *systemd,
                sd_bus_message *call,
                uint64_t timeout_usec,
                sd_bus_message **ret_reply,
                Error *reterr) {
        char what[128];
        (void) snprintf(what, sizeof(what), "%s: %s", systemd->label,
                        sd_bus_message_get_member(call)); /* cut when too long */
        cleanup(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        int r = call_batch_new(systemd, keep_reply, &reply, &batch);
        if (r < 0)
                sd_bus_message_unref(call);
        else
                r = call_batch_add(batch, 0, call, timeout_usec);
        if (r >= 0)
                r = call_batch_run(batch);
        if (r < 0)
                return call_fold_result(systemd, r, reterr);
        if (sd_bus_message_is_method_error(reply, NULL))
                return connection_fold(sd_bus_message_get_error(reply), what, reterr);
        if (ret_reply)
                *ret_reply = TAKE(reply);
        return 0;
}
