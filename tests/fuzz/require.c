/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>

void require_failed(const char *file, int line, const char *condition) {
        (void) fprintf(stderr, "%s:%d: does not hold: %s\n", file, line,
                        condition); /* abort() tells anyway */
        abort();
}
