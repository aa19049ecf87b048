/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a boot loader shall have to choose from: the generations that are kept, the default first,
 * and what a boot of each has on the kernel's command line. */

#include "diff/boot_menu.h"
#include "diff/profile_conf.h"
#include "switch/host.h"

typedef struct BootChoices {
        Arena arena;
        Profile profile;
        Generations list;
        BootChoice *items;
        size_t n_items;
        bool has_default; /* the first one */
        bool is_wanted;   /* one of them has a [Kernel]; else none is for a loader */
} BootChoices;

/* Of a database that is there or not. Where no generation has a [Kernel], there are none, unless
 * is_wanted_anyhow: one will. */
int boot_choices_read(Host *host, bool is_wanted_anyhow, BootChoices *ret_choices, Error *reterr)
                must_check;
void boot_choices_done(BootChoices *choices);
static inline void boot_choices_donep(BootChoices *choices) {
        boot_choices_done(choices);
}

/* As a switch will leave them that makes this generation the default; -1: a new one, of this
 * profile; its [Kernel], NULL: it has none. Returns 0 or -ENOMEM. */
int boot_choices_move_default(
                BootChoices *choices, int64_t number, const ProfileConf *conf) must_check;
