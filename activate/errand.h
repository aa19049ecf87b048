/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is asked of somebody who may hang: each by a process of its own, side by side. What that
 * process finds it says by a pipe; it ends with the one that began it. */

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum ErrandStage {
        ERRAND_WAITING,
        ERRAND_AT_WORK,
        ERRAND_ENDED,
} ErrandStage;

typedef struct Errand {
        /* In the child, with its signals as the caller has them. Returns its exit status. */
        int (*run)(const void *userdata, int answer_fd);
        const void *userdata;
        const char *whom; /* errands to the same one go one after the other */
        /* Set by errands_run(): */
        ErrandStage stage;
        pid_t pid;
        int answer_fd; /* -1: it has said all */
        uint64_t end_usec;
        Text answer;
        bool is_answered; /* it came back in time, with status 0: the answer is whole */
} Errand;

typedef struct ErrandOptions {
        size_t n_at_once;        /* at most; 0: as many as errands_at_once() says */
        size_t answer_max_bytes; /* whoever says more is not heard */
        uint64_t timeout_usec;   /* of each; 0: it keeps one itself. At it the process is killed */
        /* NULL, or asked at every signal, and each second: then no more are begun, those at work
         * are sent SIGTERM, and their end is awaited. */
        bool (*should_stop)(void);
        void (*begin)(void *userdata, size_t nth); /* may be NULL */
        void *userdata;
} ErrandOptions;

/* About two for each processor: more would only take longer, each of them, and run into their
 * deadlines. */
size_t errands_at_once(void);

/* Runs all of them to their ends; they are begun in their order. Fails only where nobody can be
 * sent, and then nobody is at work any more. -EINTR: it should stop. */
int errands_run(Errand *errands, size_t n_errands, const ErrandOptions *options, Error *reterr)
                must_check;
