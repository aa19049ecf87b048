/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who may write a source. What root activates must not be in the hands of others than root and the
 * one who asked.
 *
 * Trusted: root, the caller, and for root the user that SUDO_UID names. A file or directory is safe
 * when a trusted one owns it, others may not write it, and its group may only where every user in
 * that group is trusted: its members, and those whose primary group it is; so a umask of 002 with a
 * group for each user is fine, and a group that nobody is known to be in is not. A link has no
 * mode: only its owner counts. Access lists are part of a group-writable mode: with one, the group
 * may not. What lies above the source needs no check: a directory that others put in its place is
 * theirs. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

typedef struct Trust {
        uid_t uids[3];
        size_t n_uids;
        bool asked_group; /* the last answer, as nearly all files of a source have one group */
        bool group_is_trusted;
        gid_t group;
} Trust;

void trust_init(Trust *trust);

/* fd and name: as for statx(), for the access list. NULL: safe; else what is wrong and what to do,
 * a static text. */
const char *trust_check(Trust *trust, int fd, const char *name, const struct statx *status);
