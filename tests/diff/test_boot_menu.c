/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/boot_menu.h"
#include "tests/support/cmocka.h"

#include <string.h>

#define MENU                                                                                       \
        "menuentry 'Firmware' --id f {\n\tfwsetup\n}\n"                                            \
        "menuentry 'Debian GNU/Linux' --class debian $menuentry_id_option 'simple' {\n"            \
        "\tload_video\n\tif [ x$grub_platform = xxen ]; then insmod xzio; fi\n"                    \
        "\tsearch --no-floppy --fs-uuid --set=root 1-2\n\techo\t'Loading Linux ...'\n"             \
        "\tlinux\t/boot/vmlinuz-6.1 root=UUID=1-2 ro  quiet\n"                                     \
        "\techo\t'Loading initial ramdisk ...'\n\tinitrd\t/boot/initrd.img-6.1\n}\n"               \
        "submenu 'Advanced' {\n\tmenuentry 'old' {\n\t\tlinux /boot/vmlinuz-5\n\t}\n}\n"
#define CUSTOM "source ${config_directory}/custom.cfg\n"

static const char *const words[] = { "quiet", "a=\"b c\"", "it's" };
static const BootChoice choices[] = {
        { 7, "Generation 7: \"Edge\" router's", NULL, words, 3 },
        { 3, "Generation 3", NULL, NULL, 0 },
};
static const BootChoice pinned[] = {
        { 7, "Generation 7", "5", NULL, 0 },
        { 5, "Generation 5", "4", NULL, 0 },
        { 3, "Generation 3", "6.1", NULL, 0 },
};

/* linux takes, initrd takes, and what stands behind */
#define HEAD                                                                                       \
        "\tload_video\n\tif [ x$grub_platform = xxen ]; then insmod xzio; fi\n"                    \
        "\tsearch --no-floppy --fs-uuid --set=root 1-2\n\tlinux "
#define ROOT "set sysswitch_root=\"$root\"\n"
#define SEARCH "search --no-floppy --fs-uuid --set=root 1-2\n"
#define DEFAULT                                                                                    \
        " -a \"${boot_once}\" != true ]; then\n\tset default=sysswitch\nfi\n"                      \
        "set root=\"$sysswitch_root\"\n"
#define ARGUMENTS " root=UUID=1-2 ro  quiet "
#define OTHERS "submenu 'Generations of sysswitch' --id sysswitch-others {\n"
#define THREE "menuentry 'Generation 3' --class gnu-linux --class os --id sysswitch"

static const char both[] = BOOT_MENU_MARK
                "menuentry 'Generation 7: \"Edge\" router'\\''s' --class gnu-linux --class os --id "
                "sysswitch {\n" HEAD "/boot/vmlinuz-6.1" ARGUMENTS
                "'quiet' 'a=b c' 'it'\\''s' sysswitch.generation=7\n"
                "\tinitrd /boot/initrd.img-6.1\n}\n" OTHERS THREE "-3 {\n" HEAD
                "/boot/vmlinuz-6.1" ARGUMENTS "sysswitch.generation=3\n"
                "\tinitrd /boot/initrd.img-6.1\n}\n}\n" ROOT SEARCH
                "if [ -f /boot/vmlinuz-6.1" DEFAULT;
static const char by_links[] =
                BOOT_MENU_MARK THREE " {\n" HEAD "/vmlinuz" ARGUMENTS
                                     "sysswitch.generation=3\n\tinitrd /initrd.img\n}\n" ROOT SEARCH
                                     "if [ -f /vmlinuz" DEFAULT;
static const char no_default[] =
                BOOT_MENU_MARK OTHERS THREE "-3 {\n" HEAD "/boot/vmlinuz-6.1" ARGUMENTS
                                            "sysswitch.generation=3\n\tinitrd /initrd.img\n}\n}\n";

static const char of_versions[] = BOOT_MENU_MARK
                "menuentry 'Generation 7' --class gnu-linux --class os --id sysswitch {\n"
                "\tlinux /boot/vmlinuz-5 sysswitch.generation=7\n}\n" OTHERS THREE "-3 {\n" HEAD
                "/boot/vmlinuz-6.1" ARGUMENTS
                "sysswitch.generation=3\n\tinitrd /boot/initrd.img-6.1\n}\n}\n" ROOT
                "if [ -f /boot/vmlinuz-5" DEFAULT;
static const char no_kernel[] = BOOT_MENU_MARK OTHERS "}\n";

static void check(const BootMenu *menu, const char *want) {
        cleanup(text_donep) Text text = { 0 };
        cleanup_free char *got = NULL;
        boot_menu_to_grub(menu, &text);
        assert_int_equal(text_take(&text, &got), 0);
        assert_string_equal(got, want);
}

static void test_boot_menu__the_hosts_own_entry_for_each_generation(void **state) {
        (void) state;
        const BootMenu menu = {
                .grub_cfg = MENU CUSTOM, .choices = choices, .n_choices = 2, .has_default = true
        };
        check(&menu, both);
}

static void test_boot_menu__the_links_that_follow_the_next_kernel(void **state) {
        (void) state;
        BootMenu menu = { .grub_cfg = MENU CUSTOM,
                .kernel_link = "/boot/vmlinuz-6.1",
                .initrd_link = "/boot/initrd.img-6.1",
                .choices = choices + 1,
                .n_choices = 1,
                .has_default = true };
        check(&menu, by_links);
        menu.kernel_link = "/boot/vmlinuz-6.10"; /* another one */
        menu.has_default = false;
        check(&menu, no_default);
}

static void test_boot_menu__the_kernel_that_a_generation_names(void **state) {
        (void) state;
        BootMenu menu = { .grub_cfg = MENU CUSTOM,
                .kernel_link = "/boot/vmlinuz-6.1",
                .initrd_link = "/boot/initrd.img-6.1",
                .choices = pinned,
                .n_choices = 3,
                .has_default = true };
        check(&menu, of_versions);
        menu.has_default = false;
        menu.choices = pinned + 1;
        menu.n_choices = 1;
        check(&menu, no_kernel);
}

static void test_boot_menu__what_fits(void **state) {
        (void) state;
        assert_true(boot_menu_fits(MENU CUSTOM));
        assert_false(boot_menu_fits(MENU));
        assert_false(boot_menu_fits(CUSTOM));
        assert_false(boot_menu_fits("menuentry a {\n\tchainloader +1\n}\n" CUSTOM));
        assert_false(boot_menu_fits("menuentry a {\n\tlinux /vmlinuz\n" CUSTOM)); /* cut off */
        assert_false(boot_menu_fits(""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_boot_menu__the_hosts_own_entry_for_each_generation),
                cmocka_unit_test(test_boot_menu__the_links_that_follow_the_next_kernel),
                cmocka_unit_test(test_boot_menu__the_kernel_that_a_generation_names),
                cmocka_unit_test(test_boot_menu__what_fits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
