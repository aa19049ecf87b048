/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A close look at some units, before and after their actions. */

#include "activate/systemd.h"

enum { INVOCATION_ID_SIZE = 33 }; /* in hex, with its NUL */

typedef struct UnitLook {
        const char *unit; /* set by the caller; stays his */
        bool is_loaded;   /* else all below is as of an inactive unit */
        char active_state[20], sub_state[32];
        char invocation_id[INVOCATION_ID_SIZE]; /* "": never started */
        uint32_t job_id;                        /* that is queued or at work; 0: none */
        /* CLOCK_MONOTONIC, 0: never */
        uint64_t changed_usec; /* its state, the last time */
        uint64_t start_usec;   /* it began to start */
        uint64_t active_usec;  /* it was up */
        /* Of LOOK_RESULT. */
        char result[32];       /* "success", "exit-code" …; "" for types that have none */
        char service_type[20]; /* "simple"; "" for what is no service */
        int32_t exec_main_code, exec_main_status;
        uint32_t n_restarts;   /* that systemd did by itself since the last start by a job */
        bool condition_failed; /* the last start came to nothing, as a Condition…= did not hold; or
                                  there was none */
        /* Of LOOK_PROCESS. */
        uint32_t main_pid; /* 0: none */
        /* Of LOOK_ALL. */
        char load_state[20];     /* "loaded", "masked" … */
        uint64_t condition_usec; /* its conditions were looked at; 0: never */
} UnitLook;

typedef enum LookDepth {
        LOOK_STATE,   /* before an action */
        LOOK_RESULT,  /* after it */
        LOOK_PROCESS, /* and a moment later */
        LOOK_ALL,
} LookDepth;

int unit_look(Systemd *systemd, UnitLook *looks, size_t n_looks, LookDepth depth, Error *reterr)
                must_check;

bool unit_look_is_on(const UnitLook *look); /* active, activating, reloading */
/* Failed, or about to be started again by systemd after it failed. */
bool unit_look_is_failing(const UnitLook *look);
