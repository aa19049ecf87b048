/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/initrds.h"
#include "tests/support/cmocka.h"

static void test_initrds__space(void **state) {
        (void) state;
        enum { MARGIN_BYTES = 1 << 20 };
        InitrdImage one[] = { { .path = "/boot/initrd.img-1", .size_bytes = 800 } };
        InitrdImage two[] = { { .path = "/boot/initrd.img-2", .size_bytes = 1600 } };
        InitrdImage other[] = { { .path = "/efi/a/3/initrd", .size_bytes = 3200 } };
        InitrdNeed needs[] = { { .initrd = { .images = one, .n_images = 1 } },
                { .initrd = { .images = two, .n_images = 1 } },
                { .initrd = { .images = other, .n_images = 1 } } };
        const Initrds initrds = { .needs = needs, .n_needs = 3 };
        SpaceNeed need;
        uint64_t n_bytes_going;
        initrds_space(&initrds, &needs[0], true, &need, &n_bytes_going);
        assert_int_equal(need.n_bytes, MARGIN_BYTES + 900 + 1800);
        assert_int_equal(need.n_inodes, 2);
        assert_int_equal(n_bytes_going, 2400);
        other[0].left_bytes = 100;
        initrds_space(&initrds, &needs[2], false, &need, &n_bytes_going);
        assert_int_equal(need.n_bytes, MARGIN_BYTES + 3600 + 3200 - 100); /* FAT: and a copy */
        assert_int_equal(n_bytes_going, 6400);
}

int main(void) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_initrds__space) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
