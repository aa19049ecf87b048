/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/hash.h"
#include "tests/support/cmocka.h"

/* FIPS 180-2, appendix B */
static void test_hash__known_answers(void **state) {
        (void) state;
        Digest digest;
        char hex[DIGEST_HEX_SIZE];
        assert_int_equal(digest_of("abc", 3, &digest), 0);
        assert_string_equal(digest_to_hex(&digest, hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_int_equal(digest_of("", 0, &digest), 0);
        assert_string_equal(digest_to_hex(&digest, hex),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 1321, appendix A.5 */
static void test_md5__known_answers(void **state) {
        (void) state;
        char hex[MD5_HEX_SIZE];
        assert_int_equal(md5_to_hex("", 0, hex), 0);
        assert_string_equal(hex, "d41d8cd98f00b204e9800998ecf8427e");
        assert_int_equal(md5_to_hex("message digest", 14, hex), 0);
        assert_string_equal(hex, "f96b697d7cb7938d525a2f31aaf161d0");
}

static void test_hash__equal(void **state) {
        (void) state;
        Digest left, right;
        assert_int_equal(digest_of("a", 1, &left), 0);
        assert_int_equal(digest_of("a", 1, &right), 0);
        assert_true(digest_equal(&left, &right));
        assert_int_equal(digest_of("b", 1, &right), 0);
        assert_false(digest_equal(&left, &right));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hash__known_answers),
                cmocka_unit_test(test_md5__known_answers),
                cmocka_unit_test(test_hash__equal),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
