/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lines of etc/fstab as the units that systemd-fstab-generator makes of them (rule T6). */

#include "base/arena.h"
#include "diff/unit_file.h"

typedef struct FstabUnit {
        const char *name; /* "srv-data.mount", "srv-data.automount", "dev-sdb1.swap" */
        UnitFile file;    /* [Mount], [Automount] or [Swap] with the fields; dump and pass are in
                             [Unit] */
        unsigned line;    /* of fstab, from 1 */
        const char *wanted_by; /* "local-fs.target", …; NULL: noauto, or mounted on access */
        bool is_required;      /* by wanted_by: without nofail */
} FstabUnit;

/* Lines that are none are left out; of two for one unit the first counts. Returns 0 or -ENOMEM. */
int fstab_parse(Arena *arena,
                const char *data,
                size_t length,
                FstabUnit **ret_units,
                size_t *ret_n_units) must_check;
