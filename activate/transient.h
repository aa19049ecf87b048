/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program of ours as a service of its own, that outlives whoever asked for it. */

#include "activate/systemd.h"

typedef struct TransientService {
        const char *name;          /* "sysswitch-switch.service" */
        const char *description;   /* UTF-8 */
        const char *arguments[64]; /* the program first, by its absolute path; NULL at the end */
        const int *input_fd;       /* NULL, or its standard input */
        const int *output_fd;      /* NULL, or where its output goes */
        bool is_oneshot;    /* its start is over when it ended, and it stays, so that this can be
                               seen; else it is over when it began */
        bool leaves_no_log; /* its journal has it only when something is wrong with it */
        const char *on_failure; /* NULL, or the unit that is started when it fails or is killed */
        const int *good_exits;  /* exit statuses besides 0 that are no failure */
        size_t n_good_exits;
        uint64_t start_timeout_usec; /* of a oneshot; 0: it may take for ever */
        uint64_t stop_timeout_usec;  /* from the request to stop until it is killed */
} TransientService;

/* Queues its start, and does not wait for that. It is gone from systemd once it ended. -EEXIST: one
 * of that name is there (still). */
int transient_start(Systemd *systemd, const TransientService *service, Error *reterr) must_check;
