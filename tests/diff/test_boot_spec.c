/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/boot_spec.h"
#include "tests/support/cmocka.h"

#include <string.h>

#define ID "0123456789abcdef0123456789abcdef"
#define OTHER_ID "fedcba9876543210fedcba9876543210"
#define DEBIAN(version, words)                                                                     \
        "# by kernel-install\ntitle  Debian\nversion " version "\nmachine-id " ID                  \
        "\nsort-key debian\n" words "\nlinux  /deb/" version "/linux\n"                            \
        "initrd /deb/" version "/initrd\n"
#define OPTIONS "options    root=UUID=1-2 ro quiet  "
#define OURS(title, number, key, version, words)                                                   \
        BOOT_MENU_MARK "title " title "\nversion " number "\nmachine-id " ID "\nsort-key " key     \
                       "\nlinux /deb/" version "/linux\ninitrd /deb/" version "/initrd\n"          \
                       "options " words "sysswitch.generation=" number "\n"
#define SEVEN OURS("Edge's", "7", "0-sysswitch", "6.10", "root=UUID=1-2 ro quiet it's a=\"b c\" ")
#define THREE OURS("three", "3", "sysswitch", "6.9", "")

static const char *const words[] = { "it's", "a=\"b c\"" };
static const BootChoice choices[] = {
        { 7, "Edge's", NULL, words, 2 }, { 3, "three", "6.9", NULL, 0 },
        { 2, "two", "5.1", NULL, 0 }, /* a kernel that has no entry */
};
static const BootFile hosts[] = {
        { "other.conf", "title Windows\nefi /windows.efi\n" },
        { "deb-6.9.conf", DEBIAN("6.9", "") },
        { "deb-6.10.conf", DEBIAN("6.10", OPTIONS) },
        { "deb-6.11+0-3.conf", DEBIAN("6.11", "options bad") },
        { OTHER_ID "-9.conf", "version 9\nsort-key a\nlinux /other/9/linux\n" },
        { "another.conf", "machine-id " OTHER_ID "\nsort-key a\nlinux /other/8/linux\n" },
};

/* changes: NAME, text or NULL, in their order; what ends it is a NULL for a name. */
static void check(const BootSpec *spec, const char *const *changes, BootSpecPlan *ret_plan) {
        cleanup(arena_donep) Arena arena = { 0 };
        BootSpecPlan plan;
        assert_int_equal(boot_spec_plan(spec, &arena, &plan), 0);
        size_t n = 0;
        for (; changes[2 * n]; n++) {
                assert_true(n < plan.n_changes);
                assert_string_equal(plan.changes[n].name, changes[2 * n]);
                if (changes[2 * n + 1])
                        assert_string_equal(plan.changes[n].text, changes[2 * n + 1]);
                else
                        assert_null(plan.changes[n].text);
        }
        assert_int_equal(plan.n_changes, n);
        *ret_plan = plan; /* its strings are the test's, or gone */
}

static BootSpec spec_of(const BootFile *files, size_t n_files) {
        return (BootSpec){ .files = files,
                .n_files = n_files,
                .machine_id = ID,
                .choices = choices,
                .n_choices = N_ELEMENTS(choices),
                .has_default = true };
}

static void test_boot_spec__the_hosts_own_entry_for_each_generation(void **state) {
        (void) state;
        static const char *const made[] = { "sysswitch-3.conf", THREE, "sysswitch.conf", SEVEN,
                NULL };
        const BootSpec spec = spec_of(hosts, N_ELEMENTS(hosts));
        BootSpecPlan plan;
        check(&spec, made, &plan);
        assert_true(plan.has_default && plan.has_any);
        assert_int_equal(plan.n_written, 2);
        assert_string_equal(plan.own, "deb-6.10.conf");
        assert_null(plan.in_the_way);
}

static void test_boot_spec__what_is_so_is_left_and_what_is_too_many_goes_last(void **state) {
        (void) state;
        static const BootFile files[] = { hosts[1], hosts[2], { "sysswitch-9.conf", THREE },
                { "sysswitch.conf", SEVEN }, { "sysswitch-mine.conf", THREE },
                { "sysswitch-8.conf", "title mine\nlinux /x\n" },
                { "sysswitch-4.conf", BOOT_MENU_MARK "machine-id " OTHER_ID "\nlinux /x\n" } };
        static const char *const made[] = { "sysswitch-3.conf", THREE, "sysswitch-9.conf", NULL,
                NULL };
        const BootSpec spec = spec_of(files, N_ELEMENTS(files));
        BootSpecPlan plan;
        check(&spec, made, &plan);
        assert_int_equal(plan.n_written, 1);
        assert_true(plan.has_default);
        assert_null(plan.in_the_way);
}

static void test_boot_spec__what_is_of_the_name_and_not_ours_is_in_the_way(void **state) {
        (void) state;
        static const BootFile files[] = { hosts[1], hosts[2], { "sysswitch.conf", "linux /x\n" } };
        static const char *const made[] = { "sysswitch-3.conf", THREE, NULL };
        const BootSpec spec = spec_of(files, N_ELEMENTS(files));
        BootSpecPlan plan;
        check(&spec, made, &plan);
        assert_string_equal(plan.in_the_way, "sysswitch.conf");
        assert_false(plan.has_default);
        assert_true(plan.has_any);
}

static void test_boot_spec__without_choices_ours_go(void **state) {
        (void) state;
        static const BootFile files[] = { hosts[2], { "sysswitch.conf", SEVEN },
                { "sysswitch-3.conf", THREE } };
        static const char *const made[] = { "sysswitch.conf", NULL, "sysswitch-3.conf", NULL,
                NULL };
        const BootSpec spec = { .files = files, .n_files = 3, .machine_id = ID };
        BootSpecPlan plan;
        check(&spec, made, &plan);
        assert_false(plan.has_default || plan.has_any);
}

#define FEDORA(version)                                                                            \
        "title Fedora Linux (" version ")\nversion " version "\nlinux /vmlinuz-" version "\n"      \
        "initrd /initramfs-" version ".img $tuned_initrd\noptions root=UUID=3 $tuned_params\n"     \
        "grub_users $grub_users\ngrub_arg --unrestricted\ngrub_class fedora\n"

static void test_boot_spec__blscfg_reads_options_as_its_own_language(void **state) {
        (void) state;
        static const BootFile files[] = { { ID "-0-rescue.conf", FEDORA("0-rescue") },
                { ID "-6.5.9.conf", FEDORA("6.5.9") }, { ID "-6.5.10.conf", FEDORA("6.5.10") } };
        static const char *const money[] = { "memmap=4M$1" };
        static const BootChoice two[] = { { 7, "seven", NULL, words, 2 },
                { 6, "six", NULL, money, 1 } };
        static const char *const made[] = { "sysswitch.conf",
                BOOT_MENU_MARK "title seven\nversion 7\nmachine-id " ID "\nsort-key 0-sysswitch\n"
                               "linux /vmlinuz-6.5.10\n"
                               "initrd /initramfs-6.5.10.img $tuned_initrd\n"
                               "grub_users $grub_users\ngrub_arg --unrestricted\n"
                               "grub_class fedora\noptions root=UUID=3 $tuned_params 'it'\\''s' "
                               "'a=b c' sysswitch.generation=7\n",
                NULL };
        const BootSpec spec = { .files = files,
                .n_files = 3,
                .machine_id = ID,
                .is_grub = true,
                .choices = two,
                .n_choices = 2,
                .has_default = true };
        BootSpecPlan plan;
        check(&spec, made, &plan);
        assert_int_equal(plan.not_spelled, 6);
        assert_string_equal(plan.own, ID "-6.5.10.conf");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_boot_spec__the_hosts_own_entry_for_each_generation),
                cmocka_unit_test(test_boot_spec__what_is_so_is_left_and_what_is_too_many_goes_last),
                cmocka_unit_test(test_boot_spec__what_is_of_the_name_and_not_ours_is_in_the_way),
                cmocka_unit_test(test_boot_spec__without_choices_ours_go),
                cmocka_unit_test(test_boot_spec__blscfg_reads_options_as_its_own_language),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
