/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The [Install] section of a unit: what `systemctl enable` would do with it. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/unit_file.h"

typedef enum InstallKey {
        INSTALL_WANTED_BY,
        INSTALL_REQUIRED_BY,
        INSTALL_UPHELD_BY,
        INSTALL_ALIAS,
        INSTALL_ALSO,
        INSTALL_DEFAULT_INSTANCE, /* no item of its own */
        N_INSTALL_KEYS,
} InstallKey;

typedef struct InstallItem {
        InstallKey key;
        const char *word;   /* specifiers not expanded */
        const char *origin; /* file and line it is from */
        unsigned line;
} InstallItem;

typedef struct Install {
        InstallItem *items;
        size_t n_items, n_allocated;
        const char *default_instance; /* NULL: none */
} Install;

const char *install_key_to_string(InstallKey key); /* "WantedBy" */

/* Adds what a file says to what those before it said: lists grow, an empty value empties one.
 * Returns 0, -EBADMSG for a quote without an end, then ret_bad is its line, or -ENOMEM. */
int install_read(Install *install,
                Arena *arena,
                const UnitFile *file,
                const char *origin,
                const UnitLine **ret_bad) must_check;
