/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a loader that reads entries by the Boot Loader Specification was told to boot, in the place
 * that its own tools write: the EFI variable LoaderEntryDefault of systemd-boot (bootctl
 * set-default), saved_entry in the environment of GRUB's blscfg (grub-editenv). */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>

typedef enum BootDefaultKind {
        BOOT_DEFAULT_NONE, /* neither booted this host, or it was not configured to be told */
        BOOT_DEFAULT_SYSTEMD,
        BOOT_DEFAULT_GRUB,
} BootDefaultKind;

typedef struct BootDefault {
        BootDefaultKind kind;
        bool is_grub;      /* the entries are GRUB's, told or not */
        const char *path;  /* of GRUB's environment, below the root */
        const char *entry; /* "sysswitch.conf" for systemd-boot, "sysswitch" for GRUB; NULL: none */
} BootDefault;

/* All of it in the arena. */
int boot_default_read(
                int root_fd, Arena *arena, BootDefault *ret_default, Error *reterr) must_check;

/* entry: as it has it; "": none. Does nothing for BOOT_DEFAULT_NONE. */
int boot_default_set(const BootDefault *boot_default, const char *entry, Error *reterr) must_check;
