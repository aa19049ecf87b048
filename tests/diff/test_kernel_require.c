/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/kernel_require.h"
#include "tests/support/cmocka.h"

#include <string.h>

#define CONFIG                                                                                     \
        "# Automatically generated\n"                                                              \
        "CONFIG_MODULES=y\nCONFIG_BINFMT_ELF=y\nCONFIG_VETH=m\n# CONFIG_FOO is not set\n"          \
        "CONFIG_FOO_BAR=y\nCONFIG_HZ=250\nCONFIG_START=0x1000\nCONFIG_NAME=\"a b\"\n"              \
        "CONFIG_EMPTY=\"\"\nCONFIG_PANIC_TIMEOUT=-1\nCONFIG_LAST=m"

/* What a word makes of this configuration: "" met, "fault: …", else the message behind the word. */
static const struct {
        const char *word, *want;
} rows[] = {
        { "MODULES", "" },
        { "VETH", "" },
        { "CONFIG_VETH", "" },
        { "VETH=m", "" },
        { "VETH=y|m", "" },
        { "LAST", "" },
        { "!FOO", "" },
        { "FOO=n", "" },
        { "!UNKNOWN", "" },
        { "UNKNOWN=n|y", "" },
        { "HZ=250", "" },
        { "HZ=0xfa", "" },
        { "START=4096", "" },
        { "HZ=100|250", "" },
        { "NAME=a b", "" },
        { "EMPTY=", "" },
        { "FOO", "the kernel has # CONFIG_FOO is not set (/c): it takes one with CONFIG_FOO=y or "
                 "CONFIG_FOO=m" },
        { "UNKNOWN", "the kernel has # CONFIG_UNKNOWN is not set (/c): it takes one with "
                     "CONFIG_UNKNOWN=y or CONFIG_UNKNOWN=m" },
        { "VETH=y", "the kernel has CONFIG_VETH=m (/c): it takes one with CONFIG_VETH=y" },
        { "!VETH", "the kernel has CONFIG_VETH=m (/c): it takes one with # CONFIG_VETH is not "
                   "set" },
        { "FOO_BAR=n", "the kernel has CONFIG_FOO_BAR=y (/c): it takes one with # CONFIG_FOO_BAR "
                       "is not set" },
        { "PANIC_TIMEOUT=-1", "" },
        { "PANIC_TIMEOUT=-2", "the kernel has CONFIG_PANIC_TIMEOUT=-1 (/c): it takes one with "
                              "CONFIG_PANIC_TIMEOUT=-2" },
        { "HZ=1000", "the kernel has CONFIG_HZ=250 (/c): it takes one with CONFIG_HZ=1000" },
        { "HZ", "the kernel has CONFIG_HZ=250 (/c): it takes one with CONFIG_HZ=y or CONFIG_HZ=m" },
        { "NAME=b", "the kernel has CONFIG_NAME=\"a b\" (/c): it takes one with "
                    "CONFIG_NAME=\"b\"" },
        { "=y", "fault: is no requirement; write an option of the kernel's configuration, as VETH, "
                "VETH=y|m or !VETH" },
        { "VETH,FOO", "fault: is no requirement; write an option of the kernel's configuration, as "
                      "VETH, VETH=y|m or !VETH" },
        { "!VETH=y", "fault: says no and a value; write one of them, as !X or X=y" },
        { "veth", "fault: is no option of a kernel's configuration, whose names are in capitals" },
};

static void judge(Arena *arena, const char *word, const char *want) {
        const KernelConfig config = { "the kernel", "/c", CONFIG };
        const KernelWord words[] = { { word, 7 } };
        const ProfileConf conf = {
                .kernel = { .line = 1, .requirements = words, .n_requirements = 1 }
        };
        KernelRequirement requirement;
        const char *fault = NULL;
        KernelUnmet *unmet = NULL;
        size_t n_unmet = 0;
        assert_int_equal(kernel_requirement_parse(arena, word, &requirement, &fault), 0);
        if (fault) {
                assert_string_equal(arena_printf(arena, "fault: %s", fault), want);
                return;
        }
        assert_int_equal(kernel_require_check(&conf, &config, arena, &unmet, &n_unmet), 0);
        assert_int_equal(n_unmet, *want ? 1 : 0);
        if (*want)
                assert_string_equal(unmet[0].message,
                                arena_printf(arena, "profile.conf:7: Require=%s: %s", word, want));
}

static void test_kernel_require__each_form(void **state) {
        (void) state;
        Arena arena = { 0 };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                judge(&arena, rows[i].word, rows[i].want);
        arena_done(&arena);
}

static void test_kernel_require__all_unmet_are_told_and_some_unasked(void **state) {
        (void) state;
        Arena arena = { 0 };
        const KernelConfig config = { "the kernel", "/c", "CONFIG_BINFMT_ELF=y\n" };
        const KernelWord words[] = { { "A", 2 }, { "BINFMT_ELF", 2 }, { "B", 3 } };
        ProfileConf conf = { .kernel = { .line = 1, .requirements = words, .n_requirements = 3 } };
        KernelUnmet *unmet = NULL;
        size_t n_unmet = 0;
        assert_int_equal(kernel_require_check(&conf, &config, &arena, &unmet, &n_unmet), 0);
        assert_int_equal(n_unmet, 3);
        assert_string_equal(unmet[0].option, "CONFIG_MODULES");
        assert_string_equal(unmet[1].option, "CONFIG_A");
        assert_string_equal(unmet[2].option, "CONFIG_B");
        conf.kernel.only_own_requirements = true;
        assert_int_equal(kernel_require_check(&conf, &config, &arena, &unmet, &n_unmet), 0);
        assert_int_equal(n_unmet, 2);
        const ProfileConf none = { 0 };
        assert_int_equal(kernel_require_check(&none, &config, &arena, &unmet, &n_unmet), 0);
        assert_int_equal(n_unmet, 0);
        arena_done(&arena);
}

static void test_kernel_require__no_configuration(void **state) {
        (void) state;
        Arena arena = { 0 };
        const KernelConfig config = { "the kernel", "/a, /b", NULL };
        const KernelWord words[] = { { "A", 2 }, { "B", 3 } };
        ProfileConf conf = { .kernel = { .line = 1, .requirements = words, .n_requirements = 2 } };
        KernelUnmet *unmet = NULL;
        size_t n_unmet = 0;
        assert_int_equal(kernel_require_check(&conf, &config, &arena, &unmet, &n_unmet), 0);
        assert_int_equal(n_unmet, 1);
        assert_string_equal(unmet[0].message,
                        "profile.conf:2: Require=: No configuration of the kernel can be found "
                        "(/a, /b): provide it, or write RequireMissing=warn to go on without");
        conf = (ProfileConf){ .kernel = { .line = 1, .only_own_requirements = true } };
        assert_int_equal(kernel_require_check(&conf, &config, &arena, &unmet, &n_unmet), 0);
        assert_int_equal(n_unmet, 0);
        arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kernel_require__each_form),
                cmocka_unit_test(test_kernel_require__all_unmet_are_told_and_some_unasked),
                cmocka_unit_test(test_kernel_require__no_configuration),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
