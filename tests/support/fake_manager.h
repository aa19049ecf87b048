/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A manager as systemd has one, in a thread: it answers over a socket of its own what the program
 * asks of the real one, and has the faults that the real one won't show when asked to. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum FakeFault {
        FAKE_NO_FAULT,
        FAKE_REFUSES,      /* the call, with error_name */
        FAKE_NEVER_ENDS,   /* the job */
        FAKE_LOSES_CALL,   /* the connection goes, and the call was never taken */
        FAKE_LOSES_REPLY,  /* it goes once the job is queued, before the reply */
        FAKE_LOSES_LATER,  /* it goes after the reply, the job lives on */
        FAKE_LOSES_END,    /* it goes after the reply, and the job's end goes unheard */
        FAKE_NEVER_REPLIES /* to the call */
} FakeFault;

typedef struct FakeUnit {
        const char *name;
        const char *active_state; /* NULL: not loaded */
        const char *load_state;   /* NULL: "loaded" */
        const char *sub_state;    /* NULL: as fits active_state */
        const char *result;       /* NULL: "success" */
        const char *type;         /* NULL: "notify" */
        const char *alias;        /* another name of it; NULL */
        const char *required_by;  /* NULL */
        bool condition_failed;
        bool unloads; /* once it is stopped */
        uint32_t n_restarts;
        bool dies_at_each_look;   /* n_restarts grows whenever it is asked for */
        bool is_starting;         /* at first, by a job that nobody asked for */
        uint64_t last_start_usec; /* how long it took to get up; 0 unknown */
        /* The next job of it. */
        FakeFault fault; /* only once */
        const char *error_name;
        const char *job_result;  /* NULL: "done" */
        const char *state_after; /* NULL: as the verb has it */
        const char *breaks;      /* another unit that fails with the end of the job; NULL */
        unsigned stop_msec, start_msec;
        /* Another unit, until the end of whose job it takes to stop, or to start; NULL. */
        const char *stop_until, *start_until;
        bool has_ended; /* a job of it; the fake's */
        /* After its start it dies by itself, and stays so or is started again; 0 it does not. */
        unsigned dies_msec;
        const char *dies_into; /* "failed", "activating" */
} FakeUnit;

typedef struct FakeOptions {
        FakeUnit *units; /* the fake's, as long as it is there */
        size_t n_units;
        unsigned n_drops_at_reload; /* this many times the connection goes instead of a reply */
        bool never_replies_to_reload;
        const char *reload_error;    /* NULL: none */
        const char *list_error;      /* of ListUnitsFiltered, from the second on; NULL: none */
        bool never_answers;          /* no call gets an answer at all */
        const char *transient_error; /* of StartTransientUnit; NULL: none */
} FakeOptions;

typedef struct FakeManager FakeManager;

/* Ends the test when something is out of reach. */
FakeManager *fake_manager_new(const FakeOptions *options);
void fake_manager_free(FakeManager *fake);

const char *fake_manager_address(const FakeManager *fake);
/* A stream that is connected to it already; the caller's. */
int fake_manager_connect(const FakeManager *fake);

/* What was called, one a line: "RestartUnit a.service\n…". Properties and GetUnit are left out.
 * Good until the next call. */
const char *fake_manager_calls(FakeManager *fake);
unsigned fake_manager_n_calls(FakeManager *fake); /* all, whatever they were */
/* How many units at most were going down when another one was restarted or stopped. */
unsigned fake_manager_max_going_down(FakeManager *fake);
