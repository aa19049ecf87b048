/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a file system has room for. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct FreeSpace {
        uint64_t device; /* the same for two places of one file system */
        bool is_read_only;
        bool copies_up; /* an overlay */
        bool has_links; /* of one file, several: not FAT */
        uint32_t block_bytes;
        uint64_t n_bytes;  /* that this process may use; UINT64_MAX: nobody knows */
        uint64_t n_inodes; /* as n_bytes */
} FreeSpace;

/* Of the file system that has the path below root_fd, or will have it: its nearest parent that is
 * there. Links are resolved inside the root. */
int free_space_at(int root_fd, const char *path, FreeSpace *ret_space, Error *reterr) must_check;
