/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The programs that a switch runs by itself: systemd-sysusers, systemd-tmpfiles, and the hooks of
 * the profile. */

#include "base/error.h"
#include "base/strv.h"
#include "diff/tree.h"

#include <stdint.h>

/* Users of the sysusers.d files as they will be: content replaces path
 * ("/etc/sysusers.d/web.conf"), before any file owned by them is staged. root: NULL for the host,
 * or a directory (--root=). Output of a failure is in the error. */
typedef struct SysusersFile {
        const char *path;
        const Content *content;
} SysusersFile;
int apply_sysusers(const char *root,
                const SysusersFile *files,
                size_t n_files,
                uint64_t timeout_usec,
                Error *reterr) must_check;

/* systemd-tmpfiles --create of the named configuration files only (never --boot lines). */
int apply_tmpfiles(const char *root, const Strv *paths, uint64_t timeout_usec, Error *reterr)
                must_check;

/* Makes the index of one kernel's modules anew. root: as above. */
int apply_depmod(const char *root, const char *version, uint64_t timeout_usec, Error *reterr)
                must_check;

/* Runs one hook from a memfd with the deadline; its output goes to output(), line by line.
 * environment: "NAME=value". Returns its exit status (128 + n for a signal), -ETIMEDOUT when it was
 * killed at the deadline. */
int apply_hook(const Entry *hook,
                const Strv *environment,
                uint64_t timeout_usec,
                void (*output)(void *userdata, const char *line),
                void *userdata,
                Error *reterr) must_check;
