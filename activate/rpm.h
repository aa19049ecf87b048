/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asks rpm of its packages, where it has some: a query makes a database where there is none. */

#include "base/error.h"

#include <stdbool.h>

/* There is a database of the system. root_fd: of / or an image. */
bool rpm_is_used(int root_fd);
/* Runs rpm with these, of this host; output as in process.h. Returns its exit status. */
int rpm_run(const char *const *arguments,
                void (*output)(void *userdata, const char *line),
                void *userdata,
                Error *reterr) must_check;
