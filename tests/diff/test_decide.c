/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/decide.h"
#include "tests/support/cmocka.h"

#include <string.h>

/* A unit to which nothing special applies; each case says what differs from it. */
#define BASE                                                                                       \
        .type = UNIT_SERVICE, .is_on = true, .is_wanted = true, .is_startable = true,              \
        .change = CHANGE_TEXT, .stop_if_changed = -1
/* The same unit, which is off. */
#define OFF BASE, .is_on = false

/* A row is told by its number and text, which the documentation has too: a row that is moved or
 * reworded is seen here. */
typedef struct Case {
        const char *number, *text;
        UnitFacts facts;
        Verdict verdict;
} Case;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init" /* a delta overrides its base */
static const Case change_cases[] = {
        { "6", "nothing fired, and nothing changed but what a daemon-reload takes over",
                        { BASE, .change = CHANGE_LIVE }, VERDICT_NONE },
        { "6", "nothing fired, and nothing changed but what a daemon-reload takes over",
                        { BASE, .change = CHANGE_NONE, .method = METHOD_RESTART }, VERDICT_NONE },
        { "7", "a slice: all in it would stop", { BASE, .type = UNIT_SLICE }, VERDICT_NONE },
        { "7", "a slice: all in it would stop", { BASE, .type = UNIT_SCOPE }, VERDICT_NONE },
        { "7", "a slice: all in it would stop",
                        { BASE, .type = UNIT_DEVICE, .restart_trigger = true }, VERDICT_NONE },
        { "7", "the text of a target", { BASE, .type = UNIT_TARGET }, VERDICT_NONE },
        { "7", "a distribution unit that only a type-wide drop-in reaches",
                        { BASE, .is_type_wide_only = true }, VERDICT_NONE },
        { "7", "an elapsed timer of OnBootSec= and the like alone: a restart would fire it again",
                        { BASE, .type = UNIT_TIMER, .is_elapsed_timer = true,
                                        .is_once_only = true },
                        VERDICT_NONE },
        { "9", "only a reload trigger fired, and X-SwitchMethod=keep-old",
                        { BASE, .change = CHANGE_LIVE, .reload_trigger = true, .can_reload = true,
                                        .method = METHOD_KEEP_OLD },
                        VERDICT_SKIP },
        { "9", "only a reload trigger fired, and it can reload",
                        { BASE, .change = CHANGE_NONE, .reload_trigger = true, .can_reload = true },
                        VERDICT_RELOAD },
        { "9", "only a reload trigger fired, and it can reload",
                        { BASE, .type = UNIT_TARGET, .reload_trigger = true, .can_reload = true },
                        VERDICT_RELOAD },
        { "7", "an instance of a socket with Accept=yes",
                        { BASE, .is_connection = true, .method = METHOD_RESTART }, VERDICT_SKIP },
        { "7", "a oneshot at work",
                        { BASE, .is_oneshot = true, .is_activating = true,
                                        .method = METHOD_RESTART },
                        VERDICT_SKIP },
        { "7", "-.mount or usr.mount, Options= changed",
                        { BASE, .type = UNIT_MOUNT, .is_root_mount = true,
                                        .change_has_options = true },
                        VERDICT_RELOAD },
        { "7", "-.mount or usr.mount, anything else",
                        { BASE, .type = UNIT_MOUNT, .is_root_mount = true,
                                        .method = METHOD_RESTART },
                        VERDICT_SKIP },
        { "flags", "the daemon-reload leaves the socket deaf: Listen…= changed",
                        { BASE, .type = UNIT_SOCKET, .is_ended_by_reload = true,
                                        .method = METHOD_KEEP_OLD },
                        VERDICT_RESTART },
        { "flags",
                        "the daemon-reload would end it: BindsTo= a unit that is off, BusName=, "
                        "Type=dbus",
                        { BASE, .is_ended_by_reload = true, .is_protected = true },
                        VERDICT_STOP_START },
        { "flags",
                        "the daemon-reload would end it: BindsTo= a unit that is off, BusName=, "
                        "Type=dbus",
                        { BASE, .change = CHANGE_LIVE, .is_newly_bound = true,
                                        .method = METHOD_KEEP_OLD },
                        VERDICT_STOP_START },
        { "flags", "it waits for its auto-restart, which comes with the daemon-reload",
                        { BASE, .is_hurried = true, .no_restart = "X-RestartIfChanged=no" },
                        VERDICT_STOP_START },
        { "7", "an automount that is mounted",
                        { BASE, .type = UNIT_AUTOMOUNT, .is_automount_in_use = true,
                                        .method = METHOD_RESTART },
                        VERDICT_SKIP },
        { "flags", "X-SwitchMethod=keep-old",
                        { BASE, .method = METHOD_KEEP_OLD, .restart_trigger = true },
                        VERDICT_SKIP },
        { "7", "X-SwitchMethod=restart, of a socket's service",
                        { BASE, .method = METHOD_RESTART, .is_socket_service = true },
                        VERDICT_STOP_LATE },
        { "flags", "X-SwitchMethod=restart",
                        { BASE, .method = METHOD_RESTART, .is_protected = true,
                                        .change = CHANGE_STOPPING },
                        VERDICT_RESTART },
        { "flags", "X-SwitchMethod=stop-start",
                        { BASE, .method = METHOD_STOP_START, .no_restart = "RefuseManualStop=yes" },
                        VERDICT_STOP_START },
        { "flags", "X-SwitchMethod=reload, and it can reload",
                        { BASE, .method = METHOD_RELOAD, .can_reload = true }, VERDICT_RELOAD },
        { "7", "only Options= of a mount changed",
                        { BASE, .type = UNIT_MOUNT, .change = CHANGE_OPTIONS,
                                        .change_has_options = true },
                        VERDICT_RELOAD },
        { "flags", "X-ReloadIfChanged=yes, and it can reload",
                        { BASE, .reload_if_changed = true, .can_reload = true,
                                        .no_restart = "X-RestartIfChanged=no" },
                        VERDICT_RELOAD },
        { "flags", "it must not be restarted, but a reload trigger fired",
                        { BASE, .no_restart = "X-RestartIfChanged=no", .reload_trigger = true,
                                        .can_reload = true },
                        VERDICT_RELOAD },
        { "flags",
                        "X-RestartIfChanged=no, RefuseManualStop=yes, RefuseManualStart=yes, "
                        "X-OnlyManualStart=yes, or a container whose unit only sysswitch writes "
                        "otherwise",
                        { BASE, .no_restart = "RefuseManualStart=yes", .stop_if_changed = 1 },
                        VERDICT_SKIP },
        { "7", "a protected unit", { BASE, .is_protected = true, .stop_if_changed = 1 },
                        VERDICT_SKIP },
        { "flags", "X-StopIfChanged=yes", { BASE, .stop_if_changed = 1, .is_socket_service = true },
                        VERDICT_STOP_START },
        { "8", "a key that governs stopping changed",
                        { BASE, .change = CHANGE_STOPPING, .is_socket_service = true },
                        VERDICT_STOP_START },
        { "7", "the service of a socket that is on", { BASE, .is_socket_service = true },
                        VERDICT_STOP_LATE },
        { "7", "the service of a socket that is on",
                        { BASE, .change = CHANGE_STOPPING, .stop_if_changed = 0,
                                        .is_socket_service = true },
                        VERDICT_STOP_LATE },
        { "8", "changed, or a trigger fired", { BASE }, VERDICT_RESTART },
        { "8", "changed, or a trigger fired",
                        { BASE, .change = CHANGE_NONE, .restart_trigger = true }, VERDICT_RESTART },
        { "8", "changed, or a trigger fired",
                        { BASE, .change = CHANGE_STOPPING, .stop_if_changed = 0 },
                        VERDICT_RESTART },
        { "8", "changed, or a trigger fired",
                        { BASE, .method = METHOD_RELOAD, .reload_if_changed = true },
                        VERDICT_RESTART },
        { "8", "changed, or a trigger fired",
                        { BASE, .reload_if_changed = true, .can_reload = true,
                                        .is_activating = true },
                        VERDICT_RESTART },
};

static const Case unit_cases[] = {
        { "1", "gone, but X-StopOnRemoval=no, a slice, -.mount or usr.mount",
                        { BASE, .is_gone = true, .keeps_running = true, .old_refuses_stop = true },
                        VERDICT_NONE },
        { "1", "gone, but X-StopOnRemoval=no, a slice, -.mount or usr.mount",
                        { BASE, .is_gone = true, .is_essential = true }, VERDICT_NONE },
        { "1", "gone, and RefuseManualStop=yes until the daemon-reload",
                        { BASE, .is_gone = true, .old_refuses_stop = true }, VERDICT_STOP_LATE },
        { "1", "gone", { BASE, .is_gone = true, .is_unwanted = true }, VERDICT_STOP },
        { "1", "gone, and off",
                        { OFF, .is_gone = true, .may_return = true, .trigger_starts = true },
                        VERDICT_NONE },
        { "2", "newly masked, disabled or unwanted, but a slice, -.mount or usr.mount",
                        { BASE, .is_masked = true, .is_essential = true }, VERDICT_NONE },
        { "2", "newly masked, disabled or unwanted, but RefuseManualStop=yes",
                        { BASE, .is_disabled = true, .old_refuses_stop = true,
                                        .new_refuses_stop = true },
                        VERDICT_SKIP },
        { "2",
                        "newly masked, disabled or unwanted, and RefuseManualStop=yes until the "
                        "daemon-reload",
                        { BASE, .is_unwanted = true, .old_refuses_stop = true },
                        VERDICT_STOP_LATE },
        { "2", "newly masked, disabled or unwanted", { BASE, .is_masked = true }, VERDICT_STOP },
        { "2", "newly masked, disabled or unwanted", { BASE, .is_disabled = true }, VERDICT_STOP },
        { "2", "newly masked, disabled or unwanted",
                        { BASE, .is_unwanted = true, .new_refuses_stop = true }, VERDICT_STOP },
        { "2", "masked; or off, and disabled or unwanted",
                        { BASE, .is_masked = true, .was_masked = true }, VERDICT_NONE },
        { "2", "masked; or off, and disabled or unwanted",
                        { OFF, .is_disabled = true, .was_disabled = true, .may_return = true },
                        VERDICT_NONE },
        { "2", "masked; or off, and disabled or unwanted",
                        { OFF, .is_unwanted = true, .trigger_starts = true }, VERDICT_NONE },
        { "3",
                        "newly wanted, but a device, slice or scope, X-OnlyManualStart=yes or "
                        "RefuseManualStart=yes",
                        { OFF, .is_newly_wanted = true, .is_startable = false, .is_pulled = true },
                        VERDICT_NONE },
        { "3", "newly wanted as a dependency, but the host has no such unit",
                        { OFF, .is_newly_wanted = true, .is_absent = true, .is_pulled = true },
                        VERDICT_NONE },
        { "3", "newly wanted, by Enable= or what is reached",
                        { OFF, .is_newly_wanted = true, .is_pulled = true }, VERDICT_START },
        { "4", "off, taken down by a switch before, and what it hangs on is up",
                        { OFF, .may_return = true }, VERDICT_START },
        { "4", "off, and a file that it reads at boot changed", { OFF, .trigger_starts = true },
                        VERDICT_START },
        { "5", "off, and a switch before owes its start",
                        { OFF, .has_debt = true, .owed = VERB_START }, VERDICT_START },
        { "5", "off, and a switch before owes its start",
                        { OFF, .has_debt = true, .owed = VERB_RESTART }, VERDICT_START },
        { "3", "newly wanted, but by nothing that is reached", { OFF, .is_newly_wanted = true },
                        VERDICT_NONE },
        { "4", "a wanted oneshot that ran and ended, where a change would restart it",
                        { OFF, .is_oneshot = true }, VERDICT_START },
        { "5", "failed and wanted, where a change would restart or reload it",
                        { OFF, .is_failed = true }, VERDICT_START },
        { "5", "failed and wanted, where a change would restart or reload it",
                        { OFF, .is_failed = true, .reload_if_changed = true, .can_reload = true },
                        VERDICT_START },
        { "4", "a container that is off, where a change would reboot it or be activated",
                        { OFF, .is_container = true, .change = CHANGE_TEXT }, VERDICT_SKIP },
        { "4", "a container that is off, where a change would reboot it or be activated",
                        { OFF, .is_container = true, .reload_trigger = true, .can_reload = true },
                        VERDICT_SKIP },
        { "4", "off: an administrator's stop stands",
                        { OFF, .is_container = true, .change = CHANGE_NONE }, VERDICT_NONE },
        { "4", "off: an administrator's stop stands", { OFF }, VERDICT_NONE },
        { "4", "off: an administrator's stop stands", { OFF, .is_oneshot = true, .remains = true },
                        VERDICT_NONE },
        { "4", "off: an administrator's stop stands",
                        { OFF, .is_oneshot = true, .is_started_by_others = true }, VERDICT_NONE },
        { "4", "off: an administrator's stop stands",
                        { OFF, .may_return = true, .refuses_start = true }, VERDICT_NONE },
        { "4", "off: an administrator's stop stands",
                        { OFF, .is_failed = true, .is_wanted = false }, VERDICT_NONE },
        { "4", "off: an administrator's stop stands",
                        { OFF, .has_debt = true, .owed = VERB_RELOAD }, VERDICT_NONE },
        { "5", "a switch before owes its stop",
                        { BASE, .change = CHANGE_NONE, .is_wanted = false, .has_debt = true,
                                        .owed = VERB_STOP },
                        VERDICT_STOP },
        { "5", "a switch before owes its restart",
                        { BASE, .change = CHANGE_NONE, .has_debt = true, .owed = VERB_RESTART },
                        VERDICT_RESTART },
        { "5", "a switch before owes its restart",
                        { BASE, .change = CHANGE_NONE, .reload_trigger = true, .can_reload = true,
                                        .has_debt = true, .owed = VERB_RESTART },
                        VERDICT_RESTART },
        { "5", "a switch before owes its reload",
                        { BASE, .change = CHANGE_NONE, .can_reload = true, .has_debt = true,
                                        .owed = VERB_RELOAD },
                        VERDICT_RELOAD },
        { "6-9", "on: as its change asks", { BASE }, VERDICT_RESTART },
        { "6-9", "on: as its change asks", { BASE, .is_newly_wanted = true, .is_protected = true },
                        VERDICT_SKIP },
        { "6-9", "on: as its change asks",
                        { BASE, .change = CHANGE_STOPPING, .has_debt = true, .owed = VERB_RESTART },
                        VERDICT_STOP_START },
        { "6-9", "on: as its change asks",
                        { BASE, .change = CHANGE_NONE, .has_debt = true, .owed = VERB_RELOAD },
                        VERDICT_NONE },
        { "6-9", "on: as its change asks",
                        { BASE, .change = CHANGE_NONE, .has_debt = true, .owed = VERB_STOP },
                        VERDICT_NONE },
};
#pragma GCC diagnostic pop

typedef struct Table {
        const Rule *rules;
        size_t n_rules;
        const Case *cases;
        size_t n_cases;
        bool is_of_changes;
} Table;

/* Every case is decided by the row that it names, every row decides a case, and, since cases stand
 * in the order of their rows, the rows are read in that order. */
static void check_table(const Table *table) {
        size_t n_exercised = 0;
        const Rule *last = NULL;
        for (size_t i = 0; i < table->n_cases; i++) {
                const Case *wanted = &table->cases[i];
                Decision decision = decide(&wanted->facts);
                const Rule *rule = table->is_of_changes ? decision.change : decision.rule;
                if (strcmp(rule->number, wanted->number) != 0 ||
                                strcmp(rule->text, wanted->text) != 0)
                        fail_msg("case %zu, \"%s %s\", is decided by \"%s %s\"", i, wanted->number,
                                        wanted->text, rule->number, rule->text);
                if (decision.verdict != wanted->verdict)
                        fail_msg("case %zu, \"%s %s\": %s, not %s", i, wanted->number, wanted->text,
                                        verdict_to_string(decision.verdict),
                                        verdict_to_string(wanted->verdict));
                if (last && rule < last)
                        fail_msg("\"%s %s\" stands before \"%s %s\"", rule->number, rule->text,
                                        last->number, last->text);
                if (rule != last)
                        n_exercised++;
                last = rule;
        }
        for (size_t i = 0; i < table->n_rules && n_exercised < table->n_rules; i++) {
                bool is_named = false;
                for (size_t k = 0; k < table->n_cases; k++)
                        is_named |= strcmp(table->cases[k].text, table->rules[i].text) == 0;
                if (!is_named)
                        print_message("no case: \"%s %s\"\n", table->rules[i].number,
                                        table->rules[i].text);
        }
        assert_int_equal(n_exercised, table->n_rules);
}

static void check_rows(const Rule *rules, size_t n_rules) {
        assert_true(n_rules > 0);
        for (size_t i = 0; i < n_rules; i++) {
                if (!rules[i].number || !rules[i].text || !rules[i].fits)
                        fail_msg("row %zu has no number, text or condition", i);
                for (size_t k = 0; k < i; k++)
                        if (strcmp(rules[i].text, rules[k].text) == 0)
                                fail_msg("two rows say \"%s\"", rules[i].text);
        }
}

static void test_decide__rows_are_complete(void **state) {
        (void) state;
        size_t n_rules = 0;
        const Rule *rules = decide_unit_rules(&n_rules);
        check_rows(rules, n_rules);
        rules = decide_change_rules(&n_rules);
        check_rows(rules, n_rules);
        /* what the unit table hands down, the change table answers */
        for (size_t i = 0; i < n_rules; i++)
                assert_int_not_equal(rules[i].verdict, VERDICT_AS_CHANGED);
}

static void test_decide__each_row_of_units(void **state) {
        (void) state;
        Table table = { .cases = unit_cases, .n_cases = N_ELEMENTS(unit_cases) };
        table.rules = decide_unit_rules(&table.n_rules);
        check_table(&table);
}

/* These cases are on and owe nothing, so that the verdict is the row's. */
static void test_decide__each_row_of_changes(void **state) {
        (void) state;
        Table table = {
                .cases = change_cases, .n_cases = N_ELEMENTS(change_cases), .is_of_changes = true
        };
        table.rules = decide_change_rules(&table.n_rules);
        check_table(&table);
}

static void test_decide__a_skip_says_why(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(change_cases); i++) {
                Decision decision = decide(&change_cases[i].facts);
                if (decision.verdict == VERDICT_SKIP && !change_cases[i].facts.no_restart &&
                                !decision.change->reason)
                        fail_msg("\"%s\" skips without a reason", decision.change->text);
        }
}

static void test_decide__verdicts_have_names(void **state) {
        (void) state;
        for (Verdict verdict = 0; verdict < N_VERDICTS; verdict++)
                for (Verdict other = 0; other < verdict; other++)
                        assert_string_not_equal(
                                        verdict_to_string(verdict), verdict_to_string(other));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decide__rows_are_complete),
                cmocka_unit_test(test_decide__each_row_of_units),
                cmocka_unit_test(test_decide__each_row_of_changes),
                cmocka_unit_test(test_decide__a_skip_says_why),
                cmocka_unit_test(test_decide__verdicts_have_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
