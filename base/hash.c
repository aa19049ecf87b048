/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not deprecated for what they do but for how they are asked for: what took their place (EVP) first
 * reads openssl.cnf and sets up all that libcrypto can do, which takes longer than it takes to hash
 * what changes in a switch. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/hash.h"

#include <errno.h>
#include <openssl/md5.h>
#include <openssl/sha.h>

int digest_of(const void *data, size_t size_bytes, Digest *ret_digest) {
        SHA256_CTX context;
        if (SHA256_Init(&context) != 1 || SHA256_Update(&context, data, size_bytes) != 1 ||
                        SHA256_Final(ret_digest->bytes, &context) != 1)
                return -EIO;
        return 0;
}

static char *to_hex(const uint8_t *bytes, size_t n_bytes, char *text) {
        static const char digits[] = "0123456789abcdef";
        for (size_t i = 0; i < n_bytes; i++) {
                text[2 * i] = digits[bytes[i] >> 4];
                text[2 * i + 1] = digits[bytes[i] & 15];
        }
        text[2 * n_bytes] = 0;
        return text;
}

char *digest_to_hex(const Digest *digest, char *text) {
        return to_hex(digest->bytes, sizeof(digest->bytes), text);
}

int md5_to_hex(const void *data, size_t size_bytes, char *text) {
        uint8_t bytes[MD5_DIGEST_LENGTH];
        MD5_CTX context;
        if (MD5_Init(&context) != 1 || MD5_Update(&context, data, size_bytes) != 1 ||
                        MD5_Final(bytes, &context) != 1)
                return -EIO;
        (void) to_hex(bytes, sizeof(bytes), text);
        return 0;
}

static int nibble(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int digest_from_hex(const char *text, Digest *ret_digest) {
        if (strlen(text) != DIGEST_HEX_SIZE - 1)
                return -EINVAL;
        Digest digest;
        for (size_t i = 0; i < sizeof(digest.bytes); i++) {
                int high = nibble(text[2 * i]), low = nibble(text[2 * i + 1]);
                if (high < 0 || low < 0)
                        return -EINVAL;
                digest.bytes[i] = (uint8_t) (high << 4 | low);
        }
        *ret_digest = digest;
        return 0;
}
