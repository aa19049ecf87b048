/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who has not come to its first steps yet, as the kernel tells of it. */
#include "activate/process_turn.h"
#include "base/cleanup.h"
#include "tests/support/cmocka.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_process__awaits_its_turn(void **state) {
        static const struct {
                const char *name_and_state;
                unsigned ticks; /* 10 ms each */
                bool awaits;
        } rows[] = {
                { "(program) S", 0, false },
                { "((program)) S", 9, true },
                { "(program) R", 0, true },
                { "(program) R", 4, true },
                { "(program) R", 5, false },
                { "(program) D", 0, true },
                { "(program) Z", 9, true },
                { "(a ) R (b) S", 0, false },
        };
        char root[] = "/tmp/test-process-turn-XXXXXX", path[PATH_MAX];
        (void) state;
        assert_int_equal(sysconf(_SC_CLK_TCK), 100);
        assert_non_null(mkdtemp(root));
        (void) snprintf(path, sizeof(path), "%s/proc", root);
        assert_int_equal(mkdir(path, 0700), 0);
        (void) snprintf(path, sizeof(path), "%s/proc/7", root);
        assert_int_equal(mkdir(path, 0700), 0);
        assert_false(process_awaits_turn(root, 7));
        (void) snprintf(path, sizeof(path), "%s/proc/7/stat", root);
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                FILE *file = fopen(path, "we");
                assert_non_null(file);
                fprintf(file, "7 %s 1 7 7 0 -1 4194560 85 0 0 0 %u 0 0 0 20 0 1 0 5 2 1\n",
                                rows[i].name_and_state, rows[i].ticks);
                assert_int_equal(fclose(file), 0);
                assert_int_equal(process_awaits_turn(root, 7), rows[i].awaits);
        }
        assert_false(process_awaits_turn(root, 0));
        assert_int_equal(unlink(path), 0);
        for (size_t i = 0; i < 3; i++) {
                static const char *const below[] = { "/proc/7", "/proc", "" };
                (void) snprintf(path, sizeof(path), "%s%s", root, below[i]);
                assert_int_equal(rmdir(path), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_process__awaits_its_turn),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
