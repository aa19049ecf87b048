/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What boot loaders have of the generations, in each of the forms that the host has one for: a menu
 * of Debian's GRUB, entries by the Boot Loader Specification. Derived from the database, and made
 * to be so whenever the default or what is kept may have changed. A boot renews it too, so that
 * what was cut off is made good. */

#include "activate/free_space.h"
#include "diff/fit_space.h"
#include "switch/prepare.h"

/* Does nothing for an image, for another profile than the host's, and where no generation has a
 * [Kernel]: no partition is mounted for that. Warns of a file that is in the way and, where it
 * is_asked for, of a boot loader that is not told of its default. */
int boot_entries_renew(Host *host, bool is_asked, Error *reterr) must_check;
/* The same where all else is done, and a generation may have gone: with the last [Kernel] what is
 * ours goes. What goes wrong is a warning. */
void boot_entries_renew_last(Host *host);

/* Before a switch that changes the words of the command line: warns of a host without a boot loader
 * that is known. conf: as below. */
void boot_entries_warn(Host *host, const ProfileConf *conf);

/* A directory in which a renewal after the switch will write, and how much. */
typedef struct BootNeed {
        const char *path; /* below the root */
        FreeSpace space;
        SpaceNeed need;
} BootNeed;

/* What it will take to renew them once the switch that is prepared is committed; conf: as
 * boot_choices_move_default() has it. In its arena. */
int boot_entries_measure(Host *host,
                Prepared *prepared,
                const ProfileConf *conf,
                BootNeed ret_needs[static 2],
                size_t *ret_n_needs,
                Error *reterr) must_check;
