/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes a container's /etc what its bundle says: the part of a switch that runs inside, with the
 * rights of the container's root and nothing but its files. There is no database here:
 *
 *   STATE/fitted     the bundle's text of the last fit: what is managed
 *   STATE/displaced/ what was in the way when a path was first managed, by the digest of its path
 *   STATE/saved/     what was edited by hand and is replaced
 *
 * It refuses nothing that people may do to a container's files: what is in the way and cannot be
 * put away is left out, and told of. Power may fail anywhere: a fit that was interrupted is taken
 * back first by the next one, 'fitted' with its files: the manifest names the tree that it has from
 * the flip on, and what it was lies beside it until the commit. */

#include "base/error.h"

#include <stdbool.h>

#define GUEST_FITTED "fitted"

/* What the last line of a check that was run begins with; its exit status follows. */
#define CHECK_ENDED "sysswitch-guest: ended with "

/* How much of its output the host hears. */
enum { CHECK_OUTPUT_MAX_BYTES = 200 * 1024 };

typedef struct GuestFit {
        const char *etc, *state, *bundle; /* directories */
        const char *root;                 /* its etc/passwd and etc/group name the owners */
        const char *tree;                 /* the name of the bundle's tree */
        bool run_programs; /* systemd-sysusers before it; and systemd-tmpfiles behind it, unless */
        bool is_starting;  /* the container's own boot does that */
        bool force;        /* all that is managed is made exact */
        void (*tell)(const char *line);
} GuestFit;

/* Returns 0 or a negative errno; what /etc has is then as it was. */
int guest_fit(const GuestFit *fit, Error *reterr) must_check;
