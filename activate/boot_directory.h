/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The directory that has the entries by the Boot Loader Specification: loader/entries below /efi,
 * /boot or /boot/efi, the first of them that has one of this host, as kernel-install makes them. */

#include "base/error.h"
#include "diff/boot_spec.h"

typedef struct BootDirectory {
        const char *path; /* below the root, "boot/loader/entries"; NULL: there is none */
        const BootFile *files;
        size_t n_files;
        const char *machine_id; /* of /etc/machine-id; NULL: it has none */
} BootDirectory;

/* All of it in the arena. A file of an entry's name that cannot be one has the text "". */
int boot_directory_read(
                int root_fd, Arena *arena, BootDirectory *ret_directory, Error *reterr) must_check;

/* Makes some changes, in their order, each whole, all of them where the loader looks for them. */
int boot_directory_change(int root_fd,
                const char *path,
                const BootFile *changes,
                size_t n_changes,
                Error *reterr) must_check;
