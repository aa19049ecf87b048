/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/kernel.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <string.h>

static const KernelWord quiet_and_more[] = { { "quiet", 1 }, { "a=\"b c\"", 1 }, { "quiet", 2 } };
static const KernelRule nothing = { 0 };
static const KernelRule full = { .line = 1,
        .parameters = quiet_and_more,
        .n_parameters = 3,
        .console_log_level = 4,
        .console_log_level_line = 3,
        .vesa = true };

static void is_list(Strv *strv, const char *want) {
        char got[1024] = "";
        for (size_t i = 0; i < strv->n_items; i++) {
                strcat(got, strv->items[i]);
                strcat(got, ";");
        }
        assert_string_equal(got, want);
        strv_done(strv);
        *strv = (Strv){ 0 };
}

static void test_kernel__words_and_those_that_are_missing(void **state) {
        (void) state;
        Strv words = { 0 };
        assert_int_equal(kernel_words(&full, &words), 0);
        is_list(&words, "quiet;a=\"b c\";loglevel=4;vga=0x317;nomodeset;");
        assert_int_equal(kernel_words(&nothing, &words), 0);
        is_list(&words, "");
        assert_int_equal(
                        kernel_missing_words(&full,
                                        "x=quiet quieter loglevel=4 a=\"b c\" nomodeset\n", &words),
                        0);
        is_list(&words, "quiet;vga=0x317;");
        assert_int_equal(
                        kernel_missing_words(&full,
                                        "x=\"a quiet b\" \"a=b c\" loglevel=4 loglevel=44", &words),
                        0);
        is_list(&words, "quiet;vga=0x317;nomodeset;");
        assert_int_equal(kernel_missing_words(&full,
                                         "quiet a=\"b c loglevel=4\" nomodeset vga=0x317", &words),
                        0);
        is_list(&words, "a=\"b c\";loglevel=4;");
}

static void test_kernel__a_reboot_is_needed_for_what_the_running_one_has_not(void **state) {
        (void) state;
        Strv reasons = { 0 };
        const KernelRule level = { .line = 1, .console_log_level = 4, .console_log_level_line = 2 };
        assert_int_equal(kernel_reboot_reasons(&nothing, &level, &(RunningKernel){ 0 }, &reasons),
                        0);
        is_list(&reasons, "loglevel=4 comes to the kernel's command line;");
        assert_int_equal(kernel_reboot_reasons(&nothing, &level,
                                         &(RunningKernel){ "6.1", "x loglevel=4" }, &reasons),
                        0);
        is_list(&reasons, "");
        assert_int_equal(kernel_reboot_reasons(&level, &nothing,
                                         &(RunningKernel){ "6.1", "x loglevel=4" }, &reasons),
                        0);
        is_list(&reasons, "loglevel=4 leaves the kernel's command line;"
                          "kernel.printk stays as ConsoleLogLevel= set it;");
        assert_int_equal(kernel_reboot_reasons(&level, &nothing, &(RunningKernel){ "6.1", "x" },
                                         &reasons),
                        0);
        is_list(&reasons, "kernel.printk stays as ConsoleLogLevel= set it;");
        assert_int_equal(kernel_reboot_reasons(
                                         &full, &full, &(RunningKernel){ "6.1", "x" }, &reasons),
                        0);
        is_list(&reasons, ""); /* no change of it */
}

/* The console is the last one. */
static void test_kernel__another_order_of_the_same_words_takes_a_reboot(void **state) {
        (void) state;
        Strv reasons = { 0 };
        const KernelWord there[] = { { "console=ttyS0", 2 }, { "a=\"b c\"", 2 },
                { "console=tty0", 2 } },
                         back[] = { { "console=tty0", 2 }, { "a=\"b c\"", 2 },
                                 { "console=ttyS0", 2 } };
        const KernelRule to = { .line = 1, .parameters = there, .n_parameters = 3 },
                         fro = { .line = 1, .parameters = back, .n_parameters = 3 };
        assert_int_equal(kernel_reboot_reasons(&to, &fro, &(RunningKernel){ 0 }, &reasons), 0);
        is_list(&reasons, "the kernel's command line has another order;");
        assert_int_equal(kernel_reboot_reasons(&to, &fro,
                                         &(RunningKernel){ "6.1",
                                                         "console=tty0 x console=ttyS0 \"a=b c\" "
                                                         "console=tty0" },
                                         &reasons),
                        0);
        is_list(&reasons, "the kernel's command line has another order;");
        assert_int_equal(kernel_reboot_reasons(&to, &fro,
                                         &(RunningKernel){ "6.1",
                                                         "console=ttyS0 console=tty0 a=\"b c\" y "
                                                         "console=ttyS0\n" },
                                         &reasons),
                        0);
        is_list(&reasons, "");
        assert_int_equal(kernel_reboot_reasons(&to, &to, &(RunningKernel){ 0 }, &reasons), 0);
        is_list(&reasons, "");
}

static void test_kernel__another_kernel_takes_a_reboot(void **state) {
        (void) state;
        Strv reasons = { 0 };
        const KernelRule six = { .line = 1, .version = "6.1" },
                         seven = { .line = 1, .version = "7.0" };
        assert_int_equal(kernel_reboot_reasons(
                                         &nothing, &six, &(RunningKernel){ "6.1", "" }, &reasons),
                        0);
        is_list(&reasons, "");
        assert_int_equal(kernel_reboot_reasons(
                                         &six, &seven, &(RunningKernel){ "6.1", "" }, &reasons),
                        0);
        is_list(&reasons, "7.0 is the kernel to boot;");
        assert_int_equal(kernel_reboot_reasons(
                                         &seven, &seven, &(RunningKernel){ "6.1", "" }, &reasons),
                        0);
        is_list(&reasons, "");
}

static void test_kernel__modules(void **state) {
        (void) state;
        Strv names = { 0 };
        assert_true(kernel_same_module("br-netfilter", "br_netfilter"));
        assert_false(kernel_same_module("br-netfilter", "br_netfilters"));
        assert_false(kernel_same_module("loops", "loop"));
        assert_int_equal(kernel_modules_in("# a\nloop\n\n;x\nbr_netfilter", &names), 0);
        is_list(&names, "loop;br_netfilter;");
}

static void test_kernel__what_is_rendered(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "profile.conf",
                                "[Kernel]\nModules=loop\nModules=br_netfilter\nConsoleLogLevel=0\n"
                                "Parameters=quiet\n" },
                { NULL, NULL },
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        const Entry *modules = tree_find(sample.tree, ROOT_ETC, KERNEL_MODULES_PATH);
        const Entry *level = tree_find(sample.tree, ROOT_ETC, KERNEL_LOG_LEVEL_PATH);
        const Entry *drop_in = tree_find(sample.tree, ROOT_ETC, KERNEL_MODULES_DROP_IN_PATH);
        assert_string_equal(modules->content->data, "# Modules= of sysswitch's profile.conf\n"
                                                    "loop\nbr_netfilter\n");
        assert_string_equal(modules->origin, "profile.conf:2");
        assert_string_equal(level->content->data,
                        "# ConsoleLogLevel= of sysswitch's profile.conf\nkernel.printk = 0\n");
        assert_string_equal(drop_in->content->data, "[Service]\nSuccessExitStatus=0 1\n");
        sample_done(&sample);
        const SampleFile empty[] = { { "profile.conf", "[Kernel]\nParameters=quiet\nModules=\n" },
                { NULL, NULL } };
        sample_check("no files", empty, NULL, "profile.conf file 0644 root:root\n");
        const SampleFile none[] = { { NULL, NULL } };
        sample_check("no profile.conf", none, NULL, "");
        const SampleFile twice[] = { { "etc/modules-load.d/sysswitch.conf", "loop\n" },
                { "profile.conf", "[Kernel]\nModules=loop\n" }, { NULL, NULL } };
        sample_check("given twice", twice, NULL,
                        "!host/profile.conf:2: /etc/modules-load.d/sysswitch.conf is given by "
                        "etc/modules-load.d/sysswitch.conf as well; take one of them out");
}

static void test_kernel__modules_of_a_profile(void **state) {
        (void) state;
        assert_true(kernel_is_version("6.1.0-43-amd64/x", 14));
        assert_true(kernel_is_version("6.12.0~rc1+debian_1", 19));
        assert_false(kernel_is_version("", 0));
        assert_false(kernel_is_version("..", 2));
        assert_false(kernel_is_version("6 1", 3));
        static const char loaded[] = "nf_tables 1 0 - Live 0x0\nveth 1 0 - Live 0x0\n";
        assert_true(kernel_module_is_loaded(loaded, "nf-tables"));
        assert_true(kernel_module_is_loaded(loaded, "veth"));
        assert_false(kernel_module_is_loaded(loaded, "vet"));
        assert_false(kernel_module_is_loaded("", "veth"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kernel__words_and_those_that_are_missing),
                cmocka_unit_test(test_kernel__a_reboot_is_needed_for_what_the_running_one_has_not),
                cmocka_unit_test(test_kernel__another_kernel_takes_a_reboot),
                cmocka_unit_test(test_kernel__another_order_of_the_same_words_takes_a_reboot),
                cmocka_unit_test(test_kernel__modules),
                cmocka_unit_test(test_kernel__what_is_rendered),
                cmocka_unit_test(test_kernel__modules_of_a_profile),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
