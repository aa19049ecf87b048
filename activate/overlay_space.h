/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file systems of this host, to be written to by whoever must not change them: each is there by
 * an overlay whose upper layer is on a tmpfs that nobody else has and that ends with the last
 * process that sees it. To be made in a mount namespace of its own. */

#include "base/error.h"

#include <stdbool.h>

/* Where it is put together: a directory that every host has. It is covered in our own mount
 * namespace only. */
#define OVERLAY_SPACE_WORK "/run"
#define OVERLAY_SPACE_ROOT OVERLAY_SPACE_WORK "/root"

typedef struct OverlaySpace {
        const char *options; /* of the tmpfs: "mode=0700,size=256m" */
        unsigned long flags; /* of the overlays, besides MS_NODEV */
        bool binds_others; /* what there can be no overlay on is there read-only; else it is not */
        bool has_runtime;  /* /run and /tmp too */
} OverlaySpace;

/* Puts it together at OVERLAY_SPACE_ROOT; the kernel's own file systems and /dev are not in it.
 * hidden: an absolute path to be empty; NULL. */
int overlay_space_make(const OverlaySpace *space, const char *hidden, Error *reterr) must_check;
/* /dev below root, with the harmless devices; and one more. */
int overlay_space_make_dev(const char *root, Error *reterr) must_check;
int overlay_space_make_device(const char *root, const char *name) must_check;
/* Makes root the root of the mount namespace, and nothing of the old one is left in that. */
int overlay_space_go(const char *root, Error *reterr) must_check;
