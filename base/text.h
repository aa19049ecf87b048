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

/* Bytes of the control character at the start of a string, 0 when there is none: those below space
 * and, as terminals take them too, U+0080 to U+009F. */
size_t text_control_length(const char *string);

/* Gives the string to the caller ("" when nothing was added) and empties text. Returns 0 or
 * -ENOMEM. */
int text_take(Text *text, char **ret_string) must_check;
