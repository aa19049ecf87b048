/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/nearest.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

unsigned nearest_distance(const char *written, const char *name) {
        unsigned row[32];
        size_t n = strlen(name);
        if (n >= N_ELEMENTS(row))
                return UINT32_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = (unsigned) j;
        for (size_t i = 1; written[i - 1]; i++) {
                unsigned diagonal = row[0];
                row[0] = (unsigned) i;
                for (size_t j = 1; j <= n; j++) {
                        unsigned replaced = diagonal + (written[i - 1] != name[j - 1]);
                        unsigned inserted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
                        diagonal = row[j];
                        row[j] = replaced < inserted ? replaced : inserted;
                }
        }
        return row[n];
}

int nearest_names(const char *written, const Strv *names, size_t n_max, Strv *ret_nearest) {
        for (unsigned letters = 0; letters < NEAREST_TOO_FAR; letters++)
                for (size_t i = 0; i < names->n_items && ret_nearest->n_items < n_max; i++)
                        if (nearest_distance(written, names->items[i]) == letters &&
                                        strv_add_unique(ret_nearest, names->items[i]) < 0)
                                return -ENOMEM;
        return 0;
}
