/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A source, written as a directory: all of it or none. */

#include "base/error.h"
#include "diff/unrender.h"

/* Written to PATH.tmp, synced, and renamed. Secrets are for their owner alone (0600, or 0700). path
 * may be an empty directory, which is replaced. -EEXIST: something else is there. */
int directory_write(const char *path,
                const Unrendered *unrendered,
                Contents *contents,
                Error *reterr) must_check;
