/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one error of all rooms: a value that the caller owns, with nothing to free; setting it cannot
 * fail. A function whose failure a person reads takes an Error * last and returns a negative errno,
 * forwarded unchanged; non-negative returns are outcomes, named in the function's header. */

#include "base/cleanup.h"

typedef struct Error {
        int code;          /* negative errno; 0: no error */
        char message[512]; /* one line, no newline, names the object */
} Error;

/* Fills reterr (NULL is allowed) and returns code, which is negative. */
int error_set(Error *reterr, int code, const char *format, ...) printf_like(3, 4);

/* As error_set(), and ": strerror(code)" is put behind the text. */
int error_set_errno(Error *reterr, int code, const char *format, ...) printf_like(3, 4);

/* Puts "TEXT: " before the message that is there; at most once in each layer. Returns the error's
 * code. */
int error_prefix(Error *reterr, const char *format, ...) printf_like(2, 3);

/* -ENOMEM with its text. */
int error_oom(Error *reterr);
