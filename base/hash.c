/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/hash.h"

#include <errno.h>
#include <openssl/evp.h>

int digest_of(const void *data, size_t size_bytes, Digest *ret_digest) {
        unsigned length = 0;
        /* fetched once: an implicit fetch costs more than hashing a small file */
        static const EVP_MD *sha256;
        if (!sha256)
                sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        if (!sha256 || EVP_Digest(data, size_bytes, ret_digest->bytes, &length, sha256, NULL) != 1)
                return -EIO;
        return length == sizeof(ret_digest->bytes) ? 0 : -EIO;
}

char *digest_to_hex(const Digest *digest, char *text) {
        static const char digits[] = "0123456789abcdef";
        for (size_t i = 0; i < sizeof(digest->bytes); i++) {
                text[2 * i] = digits[digest->bytes[i] >> 4];
                text[2 * i + 1] = digits[digest->bytes[i] & 15];
        }
        text[2 * sizeof(digest->bytes)] = 0;
        return text;
}
