/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A growing text. The first failure (out of memory) sticks: check once, at the end. */

#include "base/cleanup.h"

#include <stddef.h>

typedef struct Text {
        char *data; /* NUL-terminated once something was added; NULL before */
        size_t length;
        size_t n_allocated;
        int error; /* 0 or -ENOMEM */
} Text;

void text_done(Text *text);
static inline void text_donep(Text *text) {
        text_done(text);
}

void text_add(Text *text, const char *part);
void text_add_n(Text *text, const char *part, size_t length);
void text_addf(Text *text, const char *format, ...) printf_like(2, 3);

/* Gives the string to the caller ("" when nothing was added) and empties text. Returns 0 or
 * -ENOMEM. */
int text_take(Text *text, char **ret_string) must_check;
