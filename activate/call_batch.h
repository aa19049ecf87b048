/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Calls to a manager that are sent without waiting for one another, and awaited together: a
 * hundred questions cost little more than one. */

#include "activate/connection.h"

typedef struct CallBatch CallBatch;

/* Takes the reply to the nth call, which may be an error of the manager. A negative errno is kept
 * as the result of the batch (the first of them). */
typedef int (*CallReply)(void *userdata, size_t nth, sd_bus_message *reply);

int call_batch_new(Systemd *systemd, CallReply on_reply, void *userdata, CallBatch **ret_batch)
                must_check;
CallBatch *call_batch_free(CallBatch *batch); /* calls still out are forgotten */
DEFINE_CLEANUP(CallBatch, call_batch_free);

/* Sends the call, and unrefs it in any case. timeout_usec 0: the connection's own. */
int call_batch_add(CallBatch *batch, size_t nth, sd_bus_message *call, uint64_t timeout_usec)
                must_check;
/* Until all replies are there. Returns 0; -ECONNRESET: the connection was lost before; -ETIMEDOUT:
 * the manager did not answer one of the calls in time; what on_reply returned. */
int call_batch_run(CallBatch *batch) must_check;

/* One call, awaited. An error of the manager is folded: "WHAT: …". ret_reply may be NULL. */
int call_one(Systemd *systemd,
                sd_bus_message *call,
                uint64_t timeout_usec,
                sd_bus_message **ret_reply,
                Error *reterr) must_check;
/* The error of a batch that did not come to its end. */
int call_fold_result(const Systemd *systemd, int r, Error *reterr);
