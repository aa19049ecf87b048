/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One sync for all that a step has written, wherever it lies. */

#include "base/error.h"

/* Syncs the file system of a directory, unless it is the one of synced_fd, which the caller syncs
 * whole. One that is not there is on the disk. */
int sync_elsewhere(const char *directory, int synced_fd, Error *reterr) must_check;
