/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/fit_space.h"

#include "tests/support/cmocka.h"

static Content small = { .size_bytes = 10 }, large = { .size_bytes = 10000 },
               other = { .size_bytes = 300 };
static const Entry small_file = { .kind = ENTRY_FILE, .path = "a", .content = &small };
static const Entry large_file = { .kind = ENTRY_FILE, .path = "b", .content = &large };
static const Found nothing = { .kind = FOUND_NOTHING };
static const Found found = { .kind = FOUND_FILE, .size_bytes = 300, .content = &other };

static SpaceNeed need_of(const FitOperation *operation, bool copies_up) {
        const SpaceOptions options = { .block_bytes = 4096, .copies_up = copies_up };
        const FitPlan none = { .n_operations = 0 };
        FitOperation copy = *operation;
        const FitPlan plan = { .operations = &copy, .n_operations = 1 };
        SpaceNeed idle = fit_space(&none, &options), need = fit_space(&plan, &options);
        assert_true(idle.n_bytes > 0 && idle.n_inodes > 0); /* the manifest */
        return (SpaceNeed){ need.n_bytes - idle.n_bytes, need.n_inodes - idle.n_inodes };
}

static void test_fit_space__is_that_of_what_comes(void **state) {
        (void) state;
        const FitOperation place = {
                .verb = FIT_PLACE, .path = "b", .entry = &large_file, .found = &nothing
        };
        SpaceNeed need = need_of(&place, false);
        assert_int_equal(need.n_inodes, 1);
        assert_in_range(need.n_bytes, 3 * 4096, 4 * 4096); /* whole blocks, and a line */
        const FitOperation remove = { .verb = FIT_REMOVE, .path = "a", .found = &found };
        need = need_of(&remove, false);
        assert_int_equal(need.n_inodes, 0);
        assert_in_range(need.n_bytes, 0, 4096);
        const FitOperation record = {
                .verb = FIT_RECORD, .path = "a", .entry = &large_file, .found = &found
        };
        need = need_of(&record, false);
        assert_int_equal(need.n_bytes + need.n_inodes, 0);
        const FitOperation give_back = {
                .verb = FIT_PLACE,
                .path = "a",
                .give_back = &found,
                .found = &nothing,
        };
        need = need_of(&give_back, false);
        assert_int_equal(need.n_inodes, 1);
        assert_in_range(need.n_bytes, 4096, 2 * 4096);
}

static void test_fit_space__of_an_overlay_has_what_goes_too(void **state) {
        (void) state;
        const FitOperation exchange = {
                .verb = FIT_EXCHANGE, .path = "a", .entry = &small_file, .found = &found
        };
        SpaceNeed plain = need_of(&exchange, false), overlay = need_of(&exchange, true);
        assert_int_equal(overlay.n_bytes - plain.n_bytes, 4096);
        assert_int_equal(overlay.n_inodes - plain.n_inodes, 1);
}

static void test_fit_space__stores_each_content_once(void **state) {
        (void) state;
        Entry twice[] = { small_file, large_file, large_file };
        Entry known[] = { small_file };
        const Tree new = { .entries = twice, .n_entries = 3 },
                   old = { .entries = known, .n_entries = 1 };
        FitOperation kept = {
                .verb = FIT_EXCHANGE, .path = "a", .entry = &small_file, .found = &found
        };
        const FitPlan fit = { .operations = &kept, .n_operations = 1 };
        uint64_t n_bytes = 0;
        assert_int_equal(fit_stored_bytes(&fit, NULL, &new, &n_bytes), 0);
        assert_int_equal(n_bytes, 10010);
        assert_int_equal(fit_stored_bytes(&fit, &old, &new, &n_bytes), 0);
        assert_int_equal(n_bytes, 10000);
        kept.keep_displaced = true;
        assert_int_equal(fit_stored_bytes(&fit, &old, &new, &n_bytes), 0);
        assert_int_equal(n_bytes, 10300);
        assert_int_equal(fit_stored_bytes(&fit, &old, NULL, &n_bytes), 0);
        assert_int_equal(n_bytes, 300);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit_space__is_that_of_what_comes),
                cmocka_unit_test(test_fit_space__of_an_overlay_has_what_goes_too),
                cmocka_unit_test(test_fit_space__stores_each_content_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
