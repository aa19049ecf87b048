/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The switches that changed a file or acted on a unit: since when is this line here, why did this
 * unit restart. From what each record keeps, which pruning leaves; patches from the generations, as
 * long as they are there. */

#include "switch/host.h"
#include "switch/options.h"
#include "switch/output.h"

/* subject: an absolute path below /etc, a directory there, or a unit; NULL: everything. Newest
 * first. With
 * --patch, also of what was changed there. */
int history_show(const Options *options,
                Host *host,
                const Output *output,
                const char *subject,
                Error *reterr) must_check;
/* It is a path or a unit, and no number. */
bool history_is_subject(const char *argument);
