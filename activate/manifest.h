/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal beside the files, ROOT/.sysswitch/manifest: what a flip does, and so what undoing it
 * takes. Text, a line for an operation, words between single spaces, paths with %XX for what would
 * break a line:
 *
 *   sysswitch manifest 1
 *   switch ID
 *   from GENERATION
 *   to GENERATION
 *   units N
 *   unit UID on|off INVOCATION|- PHASES once|again NAME
 *           N times: what it was before
 *   place SLOT KIND MODE UID GID SIZE MTIME_NSEC DIGEST XATTRS|- PATH
 *           what was staged; the digest of its extended attributes where it has a twin
 *   exchange (the same)
 *   remove SLOT PATH
 *   attributes SLOT OLD_MODE OLD_UID OLD_GID MODE UID GID PATH
 *   lib (one of these)
 *           below /lib, with its slot in /lib/.sysswitch
 *   end N_OPERATIONS DIGEST
 *           of all before it; a manifest without it is torn: no flip began
 */

#include "activate/root.h"
#include "activate/staged.h"
#include "base/arena.h"
#include "base/error.h"
#include "diff/fit_plan.h"
#include "diff/restore.h"

#define MANIFEST_NAME "manifest"

typedef struct ManifestOperation {
        FitVerb verb; /* never FIT_RECORD */
        EntryRoot root;
        size_t slot; /* index in the plan, and the name of the slot */
        const char *path;
        Staged staged; /* FIT_PLACE, FIT_EXCHANGE: what comes; FIT_ATTRIBUTES: mode and owner that
                          come */
        uint16_t old_mode; /* FIT_ATTRIBUTES: what was there */
        uint32_t old_uid, old_gid;
} ManifestOperation;

typedef struct Manifest {
        Arena arena;
        const char *switch_id, *from, *to;
        UnitBefore *units; /* that act, or are dragged along; sorted by uid */
        size_t n_units;
        ManifestOperation *operations; /* in the order of the flip */
        size_t n_operations;
} Manifest;

Manifest *manifest_free(Manifest *manifest);
DEFINE_CLEANUP(Manifest, manifest_free);

int manifest_format(const Manifest *manifest, char **ret_text) must_check;
/* Returns 1; 0 for a torn one; -EPROTONOSUPPORT for a whole one that this version does not know. */
int manifest_parse(const char *text, size_t size_bytes, Manifest **ret_manifest) must_check;

/* Writes it, synced, into a directory that has none, and syncs that. */
int manifest_write(int slots_fd, const Manifest *manifest, Error *reterr) must_check;
/* Returns 1; 0 when there is none, or a torn one. */
int manifest_read(const Root *root, Manifest **ret_manifest, Error *reterr) must_check;

/* 1: a switch of this root is open, neither committed nor undone. */
int manifest_is_there(const Root *root, Error *reterr) must_check;
