/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory is removed with all that is in it: never through a link, never across a mount. What
 * was interrupted is gone on with by the next call. */

#include "base/error.h"

/* path: absolute. -EXDEV: something is mounted on it or below it, nothing was removed then; -ELOOP:
 * a component of it is a link. One that is not there is no error. */
int removal_run(const char *path, Error *reterr) must_check;
