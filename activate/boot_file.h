/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that a boot loader reads: whole at each moment, and in their place on the disk at the end,
 * for it reads no journal. */

#include "base/cleanup.h"

/* Is the new one, or as it was. On FAT, what it was is kept whole on the disk until its name leads
 * to the new one. */
int boot_file_replace(int dir_fd, const char *name, const char *text) must_check;

/* Once what was replaced and removed in the directory is to be seen. */
int boot_file_settle(int dir_fd) must_check;
