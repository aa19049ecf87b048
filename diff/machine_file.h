/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lies in /etc and is no configuration: the state of the one machine, what programs make of
 * other files, what editors and package managers leave behind. docs/source.md has the same rows. */

#include <stddef.h>

typedef struct MachineFileRow {
        const char *what;
        const char *patterns[24]; /* globs of paths below /etc; NULL at the end */
} MachineFileRow;

const MachineFileRow *machine_file_rows(size_t *ret_n_rows);
/* What the path, below /etc, is by the first row that matches; NULL: none does. */
const char *machine_file_what(const char *path);
