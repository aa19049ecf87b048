/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SHA-256 of contents, by libcrypto; and what package managers know files by. */

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Digest {
        uint8_t bytes[32];
} Digest;

enum { DIGEST_HEX_SIZE = 65 }; /* with its NUL */

/* Returns 0, or -EIO when libcrypto fails. */
int digest_of(const void *data, size_t size_bytes, Digest *ret_digest) must_check;

/* text has DIGEST_HEX_SIZE bytes. Returns it. */
char *digest_to_hex(const Digest *digest, char *text);

/* Returns 0, or -EINVAL for what is no such text. */
int digest_from_hex(const char *text, Digest *ret_digest) must_check;

enum { MD5_HEX_SIZE = 33 }; /* with its NUL */

/* Of a content, in text, which has MD5_HEX_SIZE bytes; proves nothing. Returns 0 or -EIO. */
int md5_to_hex(const void *data, size_t size_bytes, char *text) must_check;

static inline bool digest_equal(const Digest *left, const Digest *right) {
        return memcmp(left, right, sizeof(Digest)) == 0;
}
