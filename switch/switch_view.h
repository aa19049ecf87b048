/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A switch, or the dry run of one, as its caller sees it: the plan, the progress, the summary, or
 * all of it as JSON. */

#include "switch/engine.h"
#include "switch/options.h"

typedef struct SwitchRequest {
        const char *verb; /* of the record */
        const char *reference;
        bool is_rollback;
        bool only_default;
} SwitchRequest;

/* As Command.run: an exit status (its error is printed already), or a negative errno when nothing
 * was begun. */
int switch_view_run(Host *host, const Options *options, const SwitchRequest *request, Error *reterr)
                must_check;
