/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_text.h"

#include "sample_plan.h"
#include "tests/support/cmocka.h"

#include <string.h>

static char *text_of(const Plan *plan, const PlanTextOptions *options) {
        cleanup(text_donep) Text text = { 0 };
        plan_to_text(plan, options, &text);
        char *string;
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

static void test_plan_text__has_everything_in_order(void **state) {
        (void) state;
        cleanup_free char *text = text_of(&sample_plan, &(PlanTextOptions){ .fit = &sample_fit });
        assert_string_equal(text,
                        "Files:  2 changed, 1 added, 2 removed\n"
                        "  D /etc/localtime\n"
                        "  M /etc/nginx/nginx.conf\n"
                        "  A \"/etc/odd\\nname\"\n"
                        "  M /etc/ssl/key.pem\n"
                        "  D hooks/10-old\n"
                        "Put away, to come back when no longer managed:\n"
                        "  /etc/localtime\n"
                        "Edited by hand, saved and replaced:\n"
                        "  /etc/nginx/nginx.conf\n"
                        "In the way:\n"
                        "  /etc/ssl/key.pem was edited by hand\n"
                        "  /etc/dir is a directory that is not empty\n"
                        "Applied:  sysusers.d, tmpfiles.d\n"
                        "Hooks:  10-first, 20-second\n"
                        "Units:\n"
                        "  stop     old.service    ← its text changed\n"
                        "  reload   nginx.service  ← /etc/nginx/nginx.conf changed ← [Trigger] "
                        "profile.conf:9\n"
                        "  start    old.service    ← its text changed\n"
                        "  skip     dbus.service   ← its text changed ← dbus.service is protected\n"
                        "Dragged along by systemd:\n"
                        "  stop     worker.service ← old.service (Requires)\n"
                        "Triggered by changed files:\n"
                        "  start    watch.service  ← watch.path (PathChanged)\n"
                        "systemd:  daemon-reload ← old.service changed and 1 more\n"
                        "Note: The daemon-reload itself stops x.service\n"
                        "Units of user 1000:\n"
                        "  restart  agent.service ← its text changed\n"
                        "Initrds:\n"
                        "  made anew for 6.1.0-50-amd64: dm_mod comes, it loads dm_mod\n"
                        "Reboot needed: the kernel's command line changed\n");
}

static void test_plan_text__says_nothing_about_an_empty_plan(void **state) {
        (void) state;
        const Plan empty = { 0 };
        const FitPlan fit = { 0 };
        cleanup_free char *text =
                        text_of(&empty, &(PlanTextOptions){ .verbose = true, .fit = &fit });
        assert_string_equal(text, "");
}

static void test_plan_text__is_ascii_when_asked(void **state) {
        (void) state;
        cleanup_free char *text = text_of(
                        &sample_plan, &(PlanTextOptions){ .ascii = true, .fit = &sample_fit });
        for (const char *byte = text; *byte; byte++)
                assert_true((unsigned char) *byte < 0x80);
        assert_non_null(strstr(
                        text, "nginx.service  <- /etc/nginx/nginx.conf changed <- [Trigger]"));
}

static void test_plan_text__colours_only_when_asked(void **state) {
        (void) state;
        cleanup_free char *plain = text_of(&sample_plan, &(PlanTextOptions){ .fit = &sample_fit });
        cleanup_free char *colored = text_of(
                        &sample_plan, &(PlanTextOptions){ .color = true, .fit = &sample_fit });
        assert_null(strchr(plain, '\033'));
        assert_non_null(strstr(colored, "\033[31mstop\033[m     old.service"));
        /* taken out again, the colours leave the same text */
        char *to = colored;
        for (const char *from = colored; *from; from++) {
                if (*from == '\033')
                        from = strchr(from, 'm');
                else
                        *to++ = *from;
        }
        *to = 0;
        assert_string_equal(colored, plain);
}

static void test_plan_text__sums_up_long_lists(void **state) {
        (void) state;
        Entry entries[30];
        TreeChange changes[30];
        char names[30][8];
        for (size_t i = 0; i < 30; i++) {
                (void) snprintf(names[i], sizeof(names[i]), "f%02zu", i); /* fits */
                entries[i] = sample_entries[1];
                entries[i].path = names[i];
                changes[i] = (TreeChange){ NULL, &entries[i] };
        }
        const Plan plan = {
                .files = changes,
                .n_files = 30,
                .units = { .daemon = DAEMON_RELOAD,
                                .n_daemon_reasons = 2,
                                .daemon_reasons = sample_daemon_reasons },
        };
        cleanup_free char *text = text_of(&plan, &(PlanTextOptions){ 0 });
        assert_non_null(strstr(text, "Files:  30 added\n"));
        assert_non_null(strstr(text, "  A /etc/f19\n  … and 10 more (-v lists them)\n"));
        assert_null(strstr(text, "/etc/f20"));
        cleanup_free char *all = text_of(&plan, &(PlanTextOptions){ .verbose = true });
        assert_non_null(strstr(all, "  A /etc/f29\nsystemd:"));
        assert_non_null(strstr(all, "systemd:  daemon-reload ← old.service changed\n"
                                    "                        ← dbus.service changed\n"));
}

static void test_plan_text__a_long_name_moves_only_itself(void **state) {
        (void) state;
        UnitAction actions[] = { sample_actions[0], sample_actions[1] };
        actions[0].unit = "a-very-long-name-of-a-unit-that-nobody-should-have.service";
        const Plan plan = { .units = { .actions = actions, .n_actions = 2 } };
        cleanup_free char *text = text_of(&plan, &(PlanTextOptions){ 0 });
        assert_non_null(strstr(text, "should-have.service ← its"));
        assert_non_null(strstr(text, "  reload   nginx.service ← /etc"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_text__has_everything_in_order),
                cmocka_unit_test(test_plan_text__says_nothing_about_an_empty_plan),
                cmocka_unit_test(test_plan_text__is_ascii_when_asked),
                cmocka_unit_test(test_plan_text__colours_only_when_asked),
                cmocka_unit_test(test_plan_text__sums_up_long_lists),
                cmocka_unit_test(test_plan_text__a_long_name_moves_only_itself),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
