/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An owned, growing list of owned strings. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Strv {
        char **items; /* NULL-terminated once something was added; NULL before */
        size_t n_items;
        size_t n_allocated;
} Strv;

void strv_done(Strv *strv);
static inline void strv_donep(Strv *strv) {
        strv_done(strv);
}
#define cleanup_strv cleanup(strv_donep)

/* Adds a copy. Returns 0 or -ENOMEM. */
int strv_add(Strv *strv, const char *item) must_check;
int strv_add_n(Strv *strv, const char *item, size_t length) must_check;
/* Adds a copy unless an equal string is there (linear). Returns 1 when added, 0 when there,
 * -ENOMEM. */
int strv_add_unique(Strv *strv, const char *item) must_check;

bool strv_has(const Strv *strv, const char *item);
void strv_sort(Strv *strv);
