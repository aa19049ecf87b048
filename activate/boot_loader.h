/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The boot loader of a host: GRUB as Debian has it, which reads /boot/grub/custom.cfg after its own
 * menu. Nothing else below /boot is touched, and not that one where it is somebody else's. */

#include "base/arena.h"
#include "base/error.h"

#define BOOT_LOADER_DIRECTORY "boot/grub"
#define BOOT_LOADER_MENU BOOT_LOADER_DIRECTORY "/custom.cfg"

typedef struct BootLoader {
        const char *grub_cfg;    /* NULL: there is none that is known */
        const char *menu;        /* the present text of custom.cfg; NULL: it is not there */
        const char *kernel_link; /* where /vmlinuz leads to, absolute; NULL: nowhere */
        const char *initrd_link; /* the same of /initrd.img */
} BootLoader;

/* All of it in the arena. */
int boot_loader_read(int root_fd, Arena *arena, BootLoader *ret_loader, Error *reterr) must_check;

/* Whole and where GRUB looks for it, or as it was. NULL: it goes. */
int boot_loader_write(int root_fd, const char *menu, Error *reterr) must_check;
