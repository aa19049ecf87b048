/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Entries by the Boot Loader Specification, one file each: for systemd-boot, and for a GRUB that
 * has blscfg. Each generation's is the host's own entry, the loader's first one or the first one of
 * that generation's kernel, with what a boot of it shall have on the kernel's command line besides:
 * sysswitch-N.conf, and sysswitch.conf for the default. The one name is replaced when the default
 * moves: so the loader is told of its default once, not by each switch. */

#include "base/arena.h"
#include "diff/boot_menu.h"

#define BOOT_SPEC_DEFAULT "sysswitch"
#define BOOT_SPEC_SUFFIX ".conf"

typedef struct BootFile {
        const char *name; /* "sysswitch-5.conf" */
        const char *text; /* of a change, NULL: it is removed */
} BootFile;

typedef struct BootSpec {
        const BootFile *files; /* in the directory of entries */
        size_t n_files;
        const char *machine_id;    /* NULL: not known. Another machine's entries are left alone. */
        bool is_grub;              /* it reads options as its own language */
        const BootChoice *choices; /* in the order of the menu */
        size_t n_choices;
        bool has_default; /* the first one */
} BootSpec;

typedef struct BootSpecPlan {
        const BootFile *changes; /* in this order: the default's is the last that is written, and
                                    comes before all that are removed */
        size_t n_changes;
        size_t n_written;
        const char *own;        /* what the loader's first entry for Linux is; NULL: none */
        const char *in_the_way; /* a file of the name of one of ours that is not; NULL: none */
        bool has_default;       /* the entry of that name will be there */
        bool has_any;           /* so will one or another */
        int64_t not_spelled;    /* a generation without an entry, for GRUB's blscfg cannot have the
                                   "$" in its words; -1: none */
} BootSpecPlan;

/* Is it one that is made here? */
bool boot_spec_is_ours(const BootFile *file, const char *machine_id);

/* Is there an entry for Linux that is this machine's, and none that is made here? Returns 1, 0 or
 * -ENOMEM. */
int boot_spec_has_own(const BootFile *files, size_t n_files, const char *machine_id) must_check;

/* How the directory becomes what it shall be; in the arena. Without choices ours go. Returns 0 or
 * -ENOMEM. */
int boot_spec_plan(const BootSpec *spec, Arena *arena, BootSpecPlan *ret_plan) must_check;
