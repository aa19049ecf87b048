/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/carrier.h"

#include "tests/support/cmocka.h"

#include <string.h>

static void expect(const UnitPlan *plan, const char *path, const char *wanted, Verb wanted_verb) {
        cleanup(arena_donep) Arena arena = { 0 };
        const char *unit = NULL;
        Verb verb = N_VERBS;
        assert_int_equal(carrier_find(plan, path, &arena, &unit, &verb), 0);
        if (!wanted) {
                assert_null(unit);
                return;
        }
        assert_non_null(unit);
        assert_string_equal(unit, wanted);
        assert_int_equal(verb, wanted_verb);
}

static UnitPlan plan_of(UnitAction *action) {
        return (UnitPlan){ .actions = action, .n_actions = 1 };
}

static void test_carrier__is_the_path_or_a_parent(void **state) {
        (void) state;
        UnitAction action = { .unit = "var.mount", .verb = VERB_RESTART };
        const UnitPlan plan = plan_of(&action);
        expect(&plan, "/var/lib/sysswitch", "var.mount", VERB_RESTART);
        expect(&plan, "/var", "var.mount", VERB_RESTART);
        expect(&plan, "/variable", NULL, 0);
        expect(&plan, "/etc", NULL, 0);
        action.unit = "var-lib-sysswitch.mount";
        expect(&plan, "/var/lib/sysswitch", "var-lib-sysswitch.mount", VERB_RESTART);
        expect(&plan, "/var/lib", NULL, 0);
        action.unit = "var-lib-sysswitch-deeper.mount";
        expect(&plan, "/var/lib/sysswitch", NULL, 0);
        action.unit = "srv-my\\x20data.mount";
        expect(&plan, "/srv/my data/x", "srv-my\\x20data.mount", VERB_RESTART);
        action.unit = "var.automount";
        expect(&plan, "/var/lib/sysswitch", "var.automount", VERB_RESTART);
        action.unit = "var.service";
        expect(&plan, "/var/lib/sysswitch", NULL, 0);
}

static void test_carrier__may_be_mounted_anew_or_skipped(void **state) {
        (void) state;
        UnitAction action = { .unit = "var.mount", .verb = VERB_RELOAD };
        const UnitPlan plan = plan_of(&action);
        expect(&plan, "/var/lib/sysswitch", NULL, 0);
        action.verb = VERB_SKIP;
        expect(&plan, "/var/lib/sysswitch", NULL, 0);
        action.verb = VERB_START;
        expect(&plan, "/var/lib/sysswitch", "var.mount", VERB_START);
        action = (UnitAction){ .unit = "-.mount", .verb = VERB_STOP };
        expect(&plan, "/var/lib/sysswitch", NULL, 0);
}

static void test_carrier__goes_along_too(void **state) {
        (void) state;
        UnitDrag drag = { .unit = "var.mount", .by = "x.device", .verb = VERB_STOP };
        const UnitPlan dragged = { .dragged = &drag, .n_dragged = 1 };
        const UnitPlan triggered = { .triggered = &drag, .n_triggered = 1 };
        expect(&dragged, "/var/lib/sysswitch", "var.mount", VERB_STOP);
        expect(&triggered, "/var/lib/sysswitch", "var.mount", VERB_STOP);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_carrier__is_the_path_or_a_parent),
                cmocka_unit_test(test_carrier__may_be_mounted_anew_or_skipped),
                cmocka_unit_test(test_carrier__goes_along_too),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
