/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The hooks of the target generation, run in name order after the flip and told what changed. */

#include "base/error.h"
#include "switch/host.h"
#include "switch/prepare.h"

typedef struct HookOptions {
        const char *verb;
        int64_t from_number, to_number;
        uint64_t timeout_usec;                            /* for each; 0: no limit */
        void (*step)(void *userdata, const char *text);   /* may be NULL */
        void (*output)(void *userdata, const char *line); /* may be NULL */
        void *userdata;
} HookOptions;

/* All of them are run, whatever one comes to; -ECHILD when one or more ended with an error, the
 * first named. None in an image: they would act on the host that prepares it. */
int hooks_run(Host *host, const Prepared *prepared, const HookOptions *options, Error *reterr)
                must_check;
