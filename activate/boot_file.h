/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that a boot loader reads: whole at each moment, and in their place on the disk at the end,
 * for it reads no journal. */

#include "base/cleanup.h"

/* Over what has that name. FAT has no journal: the blocks of the old one are not free, in no order
 * of writing, before the name is on the disk, for it is held open until then. */
int boot_file_rename(int dir_fd, const char *from, const char *to) must_check;

/* Is the new one, or as it was, likewise. */
int boot_file_replace(int dir_fd, const char *name, const char *text) must_check;

/* Once what was replaced and removed in the directory is to be seen. */
int boot_file_settle(int dir_fd) must_check;
