/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A switch that is asked to stop (Ctrl-C, systemctl stop) does so at its next safe point, and takes
 * back what it did. */

#include "base/error.h"

#include <stdbool.h>

/* From now on SIGINT and SIGTERM are such requests, and SIGHUP is nothing: a closed terminal ends
 * no switch half-way. Programs that are run are not affected. */
void stop_request_listen(void);
bool stop_request_is_made(void);
/* 0, or -EINTR with its text. */
int stop_request_check(Error *reterr) must_check;
