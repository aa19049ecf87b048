/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The units of a fake manager: their properties, lists and jobs. Of its thread only. */

#include "tests/support/fake_manager.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct FakeJob {
        struct FakeUnits *units;
        FakeUnit *unit;
        uint32_t id; /* 0: free */
        const char *method;
        bool is_stopping, never_ends;
        sd_event_source *timer;
} FakeJob;

enum { MAX_FAKE_JOBS = 64 };

typedef struct FakeUnits {
        FakeUnit *units;
        size_t n_units;
        sd_event *event;
        sd_bus *bus; /* the one that signals go to; NULL: none now */
        FakeJob jobs[MAX_FAKE_JOBS];
        uint32_t last_job_id;
        uint8_t last_invocation;
        uint8_t invocations[64]; /* of each unit: the first byte of its InvocationID; 0 none */
        uint64_t changed_usec[64];
} FakeUnits;

FakeUnit *fake_unit_find(FakeUnits *units, const char *name); /* loaded ones, by any name */
FakeUnit *fake_unit_of_object(FakeUnits *units, const char *object);
int fake_unit_reply_object(sd_bus_message *call, FakeUnits *units);   /* GetUnit */
int fake_unit_reply_property(sd_bus_message *call, FakeUnits *units); /* Get */
/* ListUnits, ListUnitsByNames, ListUnitsByPatterns, ListUnitsFiltered */
int fake_unit_reply_list(sd_bus_message *call, FakeUnits *units);

/* Queues the job of a StartUnit, StopUnit, RestartUnit or ReloadUnit. NULL: no room. */
FakeJob *fake_job_new(FakeUnits *units, FakeUnit *unit, const char *method);
/* Ends without a word to anybody. */
void fake_job_end_silently(FakeJob *job);
void fake_units_done(FakeUnits *units);
