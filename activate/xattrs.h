/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Extended attributes as one value: name NUL, size as 32 bits, value, …, sorted by name. Those that
 * are a file's own are kept: user., security. (file capabilities, labels), trusted., and the access
 * lists. */

#include "base/arena.h"

#include <stdbool.h>

/* dir_fd and name: as openat() takes them, a link is not followed. *ret_xattrs is NULL when there
 * are none. Returns 0 or a negative errno; a file system without extended attributes has none. */
int xattrs_read(int dir_fd,
                const char *name,
                Arena *arena,
                const void **ret_xattrs,
                size_t *ret_size_bytes) must_check;

/* Sets them all. privileged: else security. and trusted. are left out, which only root may set.
 * -EBADMSG: not such a value. */
int xattrs_write(int dir_fd,
                const char *name,
                const void *xattrs,
                size_t size_bytes,
                bool privileged) must_check;
