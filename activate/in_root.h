/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Opens what is below a root, which an image's links do not lead out of. */

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

struct open_how;

/* openat2(2), and its return; again where it cannot tell for now (EAGAIN). */
int open_resolved(int dir_fd, const char *path, const struct open_how *how) must_check;
/* flags: as open() has them. Returns a descriptor or a negative errno. */
int in_root_open(int root_fd, const char *path, uint64_t flags) must_check;

/* A directory below one that others may write: -ELOOP where they have put a link in its place.
 * below:
 * "/what/of/it", or "". O_PATH. */
int in_root_open_below(int root_fd, const char *path, const char *below) must_check;

/* Reads a file whole, with a NUL behind; from malloc(). Returns 0, -EISDIR for what is no regular
 * file, -EFBIG beyond max_bytes, another negative errno. */
int in_root_read(int root_fd, const char *path, size_t max_bytes, char **ret_data, size_t *ret_size)
                must_check;
