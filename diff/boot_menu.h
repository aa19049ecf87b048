/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A menu of generations for the boot loader. Each entry is the host's own first one, or the first
 * one of that generation's kernel, with what a boot of it shall have on the kernel's command line
 * besides. One whose kernel has no entry has none either. */

#include "base/strv.h"
#include "base/text.h"

/* In the first line of what is made: another file of the name is not ours. */
#define BOOT_MENU_MARK "# Made by sysswitch, which replaces it: changes are lost.\n"

typedef struct BootChoice {
        int64_t generation;
        const char *title;        /* for people: "generation 5 (Edge router)" */
        const char *version;      /* of the kernel; NULL: that of the first entry */
        const char *const *words; /* for the command line, as profile.conf has them */
        size_t n_words;
} BootChoice;

typedef struct BootMenu {
        const char *grub_cfg;    /* the text of GRUB's configuration */
        const char *kernel_link; /* where /vmlinuz leads to, "/boot/vmlinuz-6.1"; NULL: nowhere. An
                                    entry of that kernel takes the link, which follows the next
                                    kernel that is installed. */
        const char *initrd_link; /* the same of /initrd.img */
        const BootChoice *choices; /* in the order of the menu */
        size_t n_choices;
        bool has_default; /* the first one; else GRUB's own */
} BootMenu;

/* Is it a configuration that has an entry for Linux, and that reads what is made here? */
bool boot_menu_fits(const char *grub_cfg);

/* custom.cfg for GRUB, which reads it after its own menu. The configuration must fit. */
void boot_menu_to_grub(const BootMenu *menu, Text *text);

/* One word of GRUB's, whatever is in it, in single quotes. */
void boot_menu_add_quoted(Text *text, const char *word, bool keeps_double_quotes);
