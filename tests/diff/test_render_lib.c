/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ExtraModules= and Firmware=: what lies in these directories, and nothing else, comes below /lib;
 * and the way back. */

#include "diff/unrender.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

static const SampleFile both[] = {
        { "profile.conf", "[Kernel]\nExtraModules=kernel/modules/\nExtraModules=more\n"
                          "Firmware=kernel/modules/fw\nFirmware=blobs\n" },
        { "kernel/", NULL },
        { "kernel/modules/", NULL },
        { "kernel/modules/6.1.0-43-amd64/", NULL },
        { "kernel/modules/6.1.0-43-amd64/build", "-> /usr/src/linux" },
        { "kernel/modules/6.1.0-43-amd64/modules.dep", "derived" },
        { "kernel/modules/6.1.0-43-amd64/extra/net/a.ko", "a" },
        { "kernel/modules/6.12.1/b.ko.xz", "b" },
        { "kernel/modules/fw/chip.bin", "chip" },
        { "more/6.12.1/c.ko", "c" },
        { "blobs/vendor/x.bin", "x" },
        { "blobs/x.bin", "-> vendor/x.bin" },
        { "etc/motd", "hello" },
        { NULL, NULL },
};

static void test_render_lib__places_modules_and_firmware(void **state) {
        (void) state;
        sample_check("both", both, NULL,
                        "/etc/motd file 0644 root:root\n"
                        "profile.conf file 0644 root:root\n"
                        "/lib/firmware/updates/chip.bin file 0644 root:root\n"
                        "/lib/firmware/updates/vendor/x.bin file 0644 root:root\n"
                        "/lib/firmware/updates/x.bin link vendor/x.bin\n"
                        "/lib/modules/6.1.0-43-amd64/updates/sysswitch/extra/net/a.ko file 0644 "
                        "root:root\n"
                        "/lib/modules/6.12.1/updates/sysswitch/b.ko.xz file 0644 root:root\n"
                        "/lib/modules/6.12.1/updates/sysswitch/c.ko file 0644 root:root\n");
}

#define KERNEL(lines)                                                                              \
        { "profile.conf", "[Kernel]\n" lines "\n" }

static void test_render_lib__refuses(void **state) {
        (void) state;
        static const struct {
                SampleFile files[5];
                const char *want;
        } rows[] = {
                { { KERNEL("ExtraModules=a") },
                                "host/profile.conf:2: ExtraModules=a: There is no such directory "
                                "in the source; add it, or take the line out" },
                { { KERNEL("Firmware=a"), { "a", "a file" } },
                                "host/a: Must be a directory; rename what is there" },
                { { KERNEL("Firmware=a\nExtraModules=a"), { "a/", NULL } },
                                "host/profile.conf:2: Firmware=a has modules already "
                                "(ExtraModules=); keep them apart" },
                { { KERNEL("ExtraModules=a"), { "a/x.ko", "x" } },
                                "host/a/x.ko: Is in no kernel's folder; move it into one that is "
                                "called as uname -r of its kernel has it" },
                { { KERNEL("ExtraModules=a"), { "a/-6/x.ko", "x" } },
                                "host/a/-6/x.ko: -6 is no kernel's version; name the folder as "
                                "uname -r has it" },
                { { KERNEL("ExtraModules=a"), { "a/6.1/x.so", "x" } },
                                "host/a/6.1/x.so: Is no module (NAME.ko, .ko.xz, .ko.zst, "
                                ".ko.gz); take it out" },
                { { KERNEL("ExtraModules=a"), { "a/6.1/x.ko", "-> y.ko" } },
                                "host/a/6.1/x.ko: Is no module (NAME.ko, .ko.xz, .ko.zst, "
                                ".ko.gz); take it out" },
                { { KERNEL("ExtraModules=a\nExtraModules=b"), { "a/6.1/x.ko", "x" },
                                  { "b/6.1/x.ko", "y" } },
                                "host/b/6.1/x.ko: /lib/modules/6.1/updates/sysswitch/x.ko is given "
                                "by a/6.1/x.ko as well; take one of them out" },
                { { KERNEL("ExtraModules=a/b"), { "a/b/6.1/x.ko", "x" }, { "a/other", "x" } },
                                "host/a/other: A source holds profile.conf, etc/, units/, "
                                "containers/, hooks/ and what [Kernel] names; move or remove it "
                                "(README*, LICENSE* and .git* are passed over)" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                char want[512];
                (void) snprintf(want, sizeof(want), "!%s", rows[i].want);
                sample_check(rows[i].want, rows[i].files, NULL, want);
        }
}

static void test_render_lib__is_unrendered(void **state) {
        (void) state;
        Sample sample;
        Error error;
        cleanup(unrendered_donep) Unrendered unrendered = { 0 };
        assert_int_equal(sample_render(&sample, both, NULL), 0);
        assert_int_equal(unrender(sample.tree, "out", sample.contents, NULL, &unrendered, &error),
                        0);
        assert_non_null(unrendered.rendered);
        assert_int_equal(unrendered.n_changes, 0);
        static const char *const paths[] = { "kernel/modules/6.1.0-43-amd64/extra/net/a.ko",
                "kernel/modules/6.12.1/c.ko", "kernel/modules/fw/x.bin", "blobs", "more" };
        for (size_t i = 0; i < N_ELEMENTS(paths); i++)
                assert_non_null(source_find(unrendered.source, paths[i]));
        sample_done(&sample);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_render_lib__places_modules_and_firmware),
                cmocka_unit_test(test_render_lib__refuses),
                cmocka_unit_test(test_render_lib__is_unrendered),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
