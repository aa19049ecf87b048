/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "activate/owner.h"
#include "tests/activate/fit_world.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void expect(Owners *owners,
                const char *owner,
                const char *group,
                int result,
                uint32_t uid,
                uint32_t gid) {
        uint32_t got_uid = 77, got_gid = 77;
        assert_int_equal(owners_resolve(owners, owner, group, &got_uid, &got_gid), result);
        assert_int_equal(got_uid, result < 0 ? 77 : uid);
        assert_int_equal(got_gid, result < 0 ? 77 : gid);
}

static void test_owner__of_an_image(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        cleanup(owners_freep) Owners *owners = NULL;
        assert_int_equal(owners_new(world.root.fd, &owners), 0);
        expect(owners, "root", "root", 0, 0, 0);
        expect(owners, "web", "root", -ESRCH, 0, 0);

        world_make(&world, "d etc");
        world_write(&world, "etc/passwd",
                        "root:x:0:0::/root:/bin/sh\nweb:x:33:34:web:/:/bin/"
                        "false\nbroken:x\nodd:x:1x:2\nlast:x:35:1");
        world_write(&world, "etc/group", "web:x:44:\nno-newline:x:45:a,b");
        expect(owners, "web", "web", 0, 33, 44);
        expect(owners, "last", "no-newline", 0, 35, 45);
        expect(owners, "we", "web", -ESRCH, 0, 0);
        expect(owners, "broken", "web", -ESRCH, 0, 0);
        expect(owners, "odd", "web", -ESRCH, 0, 0);
        expect(owners, "web", "nobody", -ESRCH, 0, 0);
        expect(owners, "1000", "4294967294", 0, 1000, UINT32_MAX - 1);
        expect(owners, "4294967295", "0", -ESRCH, 0, 0);
        expect(owners, "-1", "0", -ESRCH, 0, 0);
        expect(owners, "", "0", -ESRCH, 0, 0);

        world_write(&world, "etc/passwd", "new:x:50:50::/:/bin/false\n");
        expect(owners, "new", "root", 0, 50, 0); /* made meanwhile */
        expect(owners, "web", "web", 0, 33, 44); /* remembered */
}

/* A link in the image leads to its own files, not to the host's. */
static void test_owner__does_not_leave_the_image(void **state) {
        (void) state;
        cleanup(world_donep) World world;
        world_init(&world, NULL);
        world_make(&world, "d etc; d data; l etc/passwd /data/passwd; l etc/group "
                           "../../../../../../../etc/group");
        world_write(&world, "data/passwd", "web:x:33:34::/:/bin/false\n");
        cleanup(owners_freep) Owners *owners = NULL;
        assert_int_equal(owners_new(world.root.fd, &owners), 0);
        expect(owners, "web", "0", 0, 33, 0);
        uint32_t uid, gid;
        assert_true(owners_resolve(owners, "0", "daemon", &uid, &gid) < 0);
}

static void test_owner__of_this_host(void **state) {
        (void) state;
        cleanup(owners_freep) Owners *owners = NULL;
        assert_int_equal(owners_new(-1, &owners), 0);
        expect(owners, "root", "root", 0, 0, 0);
        expect(owners, "daemon", "daemon", 0, 1, 1);
        expect(owners, "daemon", "daemon", 0, 1, 1);
        expect(owners, "no-such-user-here", "root", -ESRCH, 0, 0);
        expect(owners, "root", "no-such-group-here", -ESRCH, 0, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_owner__of_an_image),
                cmocka_unit_test(test_owner__does_not_leave_the_image),
                cmocka_unit_test(test_owner__of_this_host),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
