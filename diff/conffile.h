/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The configuration files of packages, as dpkg's status file lists them. */

#include "base/arena.h"

#include <stddef.h>

typedef struct Conffile {
        const char *path; /* below /etc */
        const char *md5;  /* as the package brought it, in hex; "": not known */
} Conffile;

/* Of all packages, be they installed or removed and not purged. What is no such field is passed
 * over. In the arena. Returns 0 or -ENOMEM. */
int conffiles_parse(Arena *arena,
                const char *data,
                size_t size_bytes,
                Conffile **ret_conffiles,
                size_t *ret_n_conffiles) must_check;
