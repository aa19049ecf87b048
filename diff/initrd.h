/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What makes the initrds of a host, and what has gone into one. How a maker is told which modules
 * belong to them is rendered; it adds by itself what those need, of the kernel that it works for:
 * also of one that is installed tomorrow. */

#include "base/strv.h"
#include "base/text.h"
#include "diff/profile_conf.h"
#include "diff/tree.h"

typedef enum InitrdMaker {
        INITRD_NO_MAKER, /* none that is known */
        INITRD_INITRAMFS_TOOLS,
        INITRD_DRACUT,
        INITRD_MKINITCPIO,
        N_INITRD_MAKERS,
} InitrdMaker;

const char *initrd_maker_to_string(InitrdMaker maker); /* "initramfs-tools"; "" for none */
InitrdMaker initrd_maker_from_string(const char *text);

/* What is rendered for a maker, below /etc. */
#define INITRD_INITRAMFS_TOOLS_PATH "initramfs-tools/hooks/sysswitch"
#define INITRD_DRACUT_PATH "dracut.conf.d/sysswitch.conf"
#define INITRD_MKINITCPIO_PATH "mkinitcpio.conf.d/sysswitch.conf"
#define INITRD_MKINITCPIO_HOOK_PATH "initcpio/install/sysswitch"

/* Is any module named for it? */
bool initrd_is_asked_for(const KernelRule *rule);

/* Is some maker told by this tree? */
bool initrd_is_told(const Tree *tree);

/* Are it the same modules? */
bool initrd_asks_same(const KernelRule *before, const KernelRule *after);

/* What goes into the initrd of a kernel. */
typedef struct InitrdContained {
        InitrdMaker maker;
        Strv loaded;  /* in there, in this order */
        Strv modules; /* all of them; sorted, each once */
        Strv files;   /* "MODULE DIGEST", of those that the profile brings; sorted */
        Strv hiding;  /* likewise, of those that nobody named for it, but the kernel has one of its
                         own of that name, which makers take without being told; sorted */
        /* Those of the modules that nobody named, but others have symbols from, or are better
         * loaded with; to be told, and not remembered. */
        Strv needed, soft;
} InitrdContained;

void initrd_contained_done(InitrdContained *contained);
static inline void initrd_contained_donep(InitrdContained *contained) {
        initrd_contained_done(contained);
}

/* As it is remembered: lines "maker NAME", "load MODULE", "have MODULE", "file MODULE DIGEST",
 * "hide MODULE DIGEST". Nothing at all where nothing of ours is in it. */
void initrd_note(const InitrdContained *contained, Text *text);

int initrd_note_read(const char *text, InitrdContained *contained) must_check; /* 0 or -ENOMEM */

/* Is anything to be in it that its maker was told of? */
bool initrd_has_told(const InitrdContained *contained);

/* Why an initrd that was made with the first, a note, is none with the second, for people:
 * "dm_crypt comes", "dm_mod is needed", "it loads dm_crypt". None where it is. Returns 0 or
 * -ENOMEM. */
int initrd_changes(const char *before, const InitrdContained *after, Strv *ret_reasons) must_check;
