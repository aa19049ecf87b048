/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a mount of this path can show other owners than the file system has (mount_setattr(2)).
 * An overlay, among others, cannot; where this process may not try, it is taken to. A path that is
 * not there stands for the nearest directory above it. below: as in_root_open_below() has it. */

#include <stdbool.h>

bool idmap_is_possible(const char *path, const char *below);
