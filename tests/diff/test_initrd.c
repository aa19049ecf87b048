/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/initrd.h"

#include "diff/kernel.h"
#include "diff/live_initrd.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static const char profile[] = "[Kernel]\nInitrdModules=dm-mod\nInitrdAvailableModules=ahci a-b-c\n"
                              "InitrdModules=loop\n";

/* path: of the entry that the host's maker reads. */
static void renders(InitrdMaker maker, const char *path, uint16_t mode, const char *text) {
        const SampleFile files[] = { { "profile.conf", profile }, { NULL, NULL } };
        const Distribution distribution = { .initrd_maker = maker };
        Sample sample;
        sample_prepare(&sample, files, NULL);
        assert_int_equal(render(sample.source, sample.contents, &distribution, &sample.tree,
                                         &sample.error),
                        0);
        const Entry *entry = tree_find(sample.tree, ROOT_ETC, path);
        assert_non_null(entry);
        assert_int_equal(entry->mode, mode);
        assert_string_equal(entry->content->data, text);
        sample_done(&sample);
}

static void test_initrd__what_each_maker_is_told(void **state) {
        (void) state;
        static const char head[] = "# InitrdModules= and InitrdAvailableModules= of sysswitch's "
                                   "profile.conf\n";
        char text[1024];
        (void) snprintf(text, sizeof(text),
                        "#!/bin/sh\n%s[ \"$1\" != prereqs ] || exit 0\n"
                        ". /usr/share/initramfs-tools/hook-functions\n"
                        "force_load dm_mod\nforce_load loop\n"
                        "manual_add_modules ahci\nmanual_add_modules a_b_c\nexit 0\n",
                        head);
        renders(INITRD_INITRAMFS_TOOLS, "initramfs-tools/hooks/sysswitch", 0755, text);
        (void) snprintf(text, sizeof(text),
                        "%sforce_drivers+=\" dm_mod \"\nforce_drivers+=\" loop \"\n"
                        "add_drivers+=\" ahci \"\nadd_drivers+=\" a_b_c \"\n",
                        head);
        renders(INITRD_DRACUT, "dracut.conf.d/sysswitch.conf", 0644, text);
        (void) snprintf(text, sizeof(text),
                        "%sMODULES+=('dm_mod?')\nMODULES+=('loop?')\nHOOKS+=('sysswitch')\n", head);
        renders(INITRD_MKINITCPIO, "mkinitcpio.conf.d/sysswitch.conf", 0644, text);
        (void) snprintf(text, sizeof(text),
                        "#!/bin/bash\n%sbuild() {\n        add_module 'ahci?'\n"
                        "        add_module 'a_b_c?'\n        return 0\n}\n",
                        head);
        renders(INITRD_MKINITCPIO, "initcpio/install/sysswitch", 0644, text);
        const SampleFile files[] = { { "profile.conf", profile }, { NULL, NULL } };
        sample_check("no maker", files, NULL, "profile.conf file 0644 root:root\n");
}

static void join(const Strv *items, char *joined) {
        *joined = 0;
        for (size_t i = 0; i < items->n_items; i++)
                strcat(strcat(joined, items->items[i]), ";");
}

static void changes(const char *before, const char *after, const char *want) {
        cleanup_strv Strv reasons = { 0 };
        cleanup(initrd_contained_donep) InitrdContained contained = { 0 };
        char got[512];
        assert_int_equal(initrd_note_read(after, &contained), 0);
        assert_int_equal(initrd_changes(before, &contained, &reasons), 0);
        join(&reasons, got);
        assert_string_equal(got, want);
}

static void test_initrd__why_another_one(void **state) {
        (void) state;
        static const char one[] = "maker dracut\nload a\nload b\nhave a\nhave b\nhave c\n";
        changes("", "", "");
        changes(one, one, "");
        changes("", one, "a b c come;it loads a b;");
        changes(one, "", "a b c leave;it no more loads a b;");
        changes(one, "maker dracut\nload a\nload b\nhave a\nhave b\nhave d\n", "d comes;c leaves;");
        changes(one, "maker dracut\nload a\nhave a\nhave b\nhave c\n", "it no more loads b;");
        changes(one, "maker dracut\nload b\nload a\nhave a\nhave b\nhave c\n",
                        "it loads them in another order;");
        static const char own[] = "maker dracut\nhave a\nhave b\nfile a 12\nfile b 34\n";
        changes(own, "maker dracut\nhave a\nhave b\nfile a 13\nfile b 34\n", "a is another one;");
        changes(own, "maker dracut\nhave a\nhave b\n", "a b are others;");
        changes(own, "maker dracut\nhave a\nfile a 12\n", "b leaves;");
        static const char hiding[] = "maker dracut\nhide x 12\nhide y 34\n";
        changes(hiding, hiding, "");
        changes("", hiding, "x y take the places of the kernel's own;");
        changes(hiding, "maker dracut\nhide x 13\nhide y 34\n", "x is another one;");
        changes(hiding, "maker dracut\nhide y 34\n", "x is the kernel's own again;");
        changes(hiding, "maker mkinitcpio\nhide x 12\nhide y 34\n", "");
        changes(hiding, "maker dracut\nhave x\nfile x 12\nhide y 34\n", "x comes;");
        changes("maker dracut\nhave x\nfile x 12\nhide y 34\n", hiding, "x leaves;");
        changes(one, "maker mkinitcpio\nload a\nload b\nhave a\nhave b\nhave c\n",
                        "mkinitcpio makes it now;");
}

/* It is told how each came in; one that is needed now and was named before is the same. */
static void test_initrd__what_comes_along(void **state) {
        (void) state;
        static const char note[] = "maker dracut\nhave a\nhave b\nhave c\nhave d\nhave e\n";
        cleanup(initrd_contained_donep) InitrdContained contained = { 0 };
        cleanup_strv Strv reasons = { 0 }, none = { 0 };
        char got[512];
        assert_int_equal(initrd_note_read(note, &contained), 0);
        assert_int_equal(strv_add(&contained.needed, "b"), 0);
        assert_int_equal(strv_add(&contained.needed, "c"), 0);
        assert_int_equal(strv_add(&contained.soft, "d"), 0);
        assert_int_equal(initrd_changes("", &contained, &reasons), 0);
        join(&reasons, got);
        assert_string_equal(got, "a e come;b c are needed;d is a soft dependency;");
        assert_int_equal(initrd_changes(note, &contained, &none), 0);
        assert_int_equal(none.n_items, 0);
}

static void test_initrd__what_is_noted(void **state) {
        (void) state;
        Text text = { 0 };
        cleanup(initrd_contained_donep) InitrdContained contained = { .maker = INITRD_DRACUT };
        initrd_note(&contained, &text);
        assert_null(text.data); /* as one of which nothing is known */
        cleanup(initrd_contained_donep) InitrdContained hiding = { .maker = INITRD_DRACUT };
        assert_int_equal(strv_add(&hiding.hiding, "x 12"), 0);
        assert_false(initrd_has_told(&hiding));
        initrd_note(&hiding, &text);
        assert_string_equal(text.data, "maker dracut\nhide x 12\n");
        text_done(&text);
        assert_int_equal(strv_add(&contained.loaded, "a"), 0);
        assert_int_equal(strv_add(&contained.modules, "a"), 0);
        assert_int_equal(strv_add(&contained.modules, "b"), 0);
        assert_int_equal(strv_add(&contained.files, "b 12ab"), 0);
        initrd_note(&contained, &text);
        assert_true(initrd_has_told(&contained));
        assert_string_equal(text.data, "maker dracut\nload a\nhave a\nhave b\nfile b 12ab\n");
        text_done(&text);
        for (InitrdMaker maker = INITRD_NO_MAKER; maker < N_INITRD_MAKERS; maker++)
                assert_int_equal(initrd_maker_from_string(initrd_maker_to_string(maker)), maker);
        assert_int_equal(initrd_maker_from_string("lilo"), INITRD_NO_MAKER);
}

static void needs_reboot(const KernelRule *before, const KernelRule *after, const char *want) {
        cleanup_strv Strv reasons = { 0 };
        char got[512] = "";
        assert_int_equal(kernel_initrd_reasons(before, after, &reasons), 0);
        for (size_t i = 0; i < reasons.n_items; i++) {
                strcat(got, reasons.items[i]);
                strcat(got, ";");
        }
        assert_string_equal(got, want);
        assert_int_equal(initrd_asks_same(before, after), !*want);
}

static void test_initrd__a_change_takes_a_reboot(void **state) {
        (void) state;
        static const KernelWord one[] = { { "dm-mod", 1 }, { "loop", 1 } };
        static const KernelWord same[] = { { "dm_mod", 1 }, { "loop", 1 } };
        const KernelRule nothing = { 0 };
        const KernelRule loads = { .initrd_modules = one, .n_initrd_modules = 2 };
        const KernelRule loads_same = { .initrd_modules = same, .n_initrd_modules = 2 };
        const KernelRule has = { .initrd_available = one, .n_initrd_available = 1 };
        needs_reboot(&loads, &loads_same, "");
        needs_reboot(&nothing, &loads,
                        "dm-mod is loaded in the initrd;loop is loaded in the initrd;");
        needs_reboot(&nothing, &has, "dm-mod comes to the initrd;");
        needs_reboot(&has, &nothing, "dm-mod leaves the initrd;");
        needs_reboot(&has, &loads_same,
                        "dm_mod is loaded in the initrd;loop is loaded in the initrd;");
        needs_reboot(&loads, &has,
                        "dm-mod is no more loaded in the initrd;"
                        "loop is no more loaded in the initrd;");
}

static void plans_elsewhere(const KernelRule *before, const KernelRule *after, const char *want) {
        static const char states[] = "{\"maker\":\"dracut\",\"kernels\":{\"6.1\":[\"maker "
                                     "dracut\",\"load dm_mod\","
                                     "\"have dax\",\"have dm_mod\",\"have loop\"],\"6.2\":[]}}";
        cleanup(arena_donep) Arena arena = { 0 };
        LiveInitrds initrds;
        PlanInitrd *planned = NULL;
        size_t n_planned = 0;
        json_t *object = json_loads(states, 0, NULL);
        assert_int_equal(live_initrds_from_json(object, &arena, &initrds), 0);
        json_t *again = live_initrds_to_json(&initrds);
        assert_true(json_equal(object, again));
        json_decref(again);
        json_decref(object);
        assert_int_equal(live_initrds_plan(&initrds, before, after, &arena, &planned, &n_planned),
                        0);
        char got[512] = "";
        for (size_t i = 0; i < n_planned; i++) {
                strcat(got, planned[i].kernel);
                for (size_t j = 0; j < planned[i].n_reasons; j++)
                        strcat(strcat(got, ":"), planned[i].reasons[j]);
                strcat(got, ";");
        }
        assert_string_equal(got, want);
}

static void test_initrd__what_is_known_elsewhere(void **state) {
        (void) state;
        static const KernelWord dm[] = { { "dm-mod", 1 }, { "ext4", 1 } }; /* that is built in */
        static const KernelWord more[] = { { "loop", 1 }, { "ahci", 1 } };
        const KernelRule nothing = { 0 };
        const KernelRule one = { .initrd_modules = dm, .n_initrd_modules = 2 };
        const KernelRule two = { .initrd_modules = dm,
                .n_initrd_modules = 2,
                .initrd_available = more,
                .n_initrd_available = 1 };
        const KernelRule three = { .initrd_modules = dm,
                .n_initrd_modules = 2,
                .initrd_available = more,
                .n_initrd_available = 2 };
        plans_elsewhere(&one, &one, "");
        plans_elsewhere(&one, &two, "6.2:loop comes;"); /* it is in that of 6.1 */
        plans_elsewhere(&two, &three, "6.1:ahci comes;6.2:ahci comes;");
        plans_elsewhere(&one, &nothing, "6.1:dax dm_mod loop leave:it no more loads dm_mod;");
        static const char *const bad[] = { "[]", "{\"maker\":\"x\"}",
                "{\"maker\":\"x\",\"kernels\":{\"6.1\":1}}",
                "{\"maker\":\"x\",\"kernels\":{\"6.1\":[1]}}" };
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                cleanup(arena_donep) Arena arena = { 0 };
                LiveInitrds initrds;
                json_t *object = json_loads(bad[i], 0, NULL);
                assert_int_equal(live_initrds_from_json(object, &arena, &initrds), -EBADMSG);
                json_decref(object);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_initrd__what_each_maker_is_told),
                cmocka_unit_test(test_initrd__why_another_one),
                cmocka_unit_test(test_initrd__what_comes_along),
                cmocka_unit_test(test_initrd__what_is_noted),
                cmocka_unit_test(test_initrd__a_change_takes_a_reboot),
                cmocka_unit_test(test_initrd__what_is_known_elsewhere),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
