/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/rehearsal.h"

#include "tests/support/cmocka.h"

#include <string.h>

static void test_rehearsal__skips_what_is_the_hosts_alone(void **state) {
        (void) state;
        static const struct {
                const char *unit;
                bool runs;
        } rows[] = {
                { "nginx.service", true },
                { "often.timer", true },
                { "srv-data.mount", true },
                { "dev-sda2.swap", false },
                { "home.automount", false },
                { "docker.service", false },
                { "docker.socket", false },
                { "docker-proxy.service", true },
                { "container-web.service", false },
                { "container.service", true },
                { "container-web.socket", true },
                { "getty@tty1.service", false },
                { "getty@.service", false },
                { "gettyx.service", true },
                { "sysswitch-boot.service", false },
                { "systemd-nspawn@web.service", false },
                { "no-type", true },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                if (rehearsal_runs(rows[i].unit) != rows[i].runs)
                        fail_msg("%s", rows[i].unit);
}

static const char *parent_of(Arena *arena, const char *path) {
        const char *slash = strrchr(path, '/');
        return slash ? arena_strndup(arena, path, (size_t) (slash - path)) : NULL;
}

static void test_rehearsal__files_come_after_their_directories(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        const RehearsalFile *files;
        size_t n_files;
        assert_int_equal(rehearsal_files(&arena, &files, &n_files, NULL), 0);
        assert_true(n_files > 20);
        for (size_t i = 0; i < n_files; i++) {
                const char *parent = parent_of(&arena, files[i].path);
                bool found = !parent;
                for (size_t j = 0; j < i; j++) {
                        assert_string_not_equal(files[i].path, files[j].path);
                        found |= parent && !files[j].text && strcmp(files[j].path, parent) == 0;
                }
                if (!found)
                        fail_msg("%s", files[i].path);
        }
}

static void test_rehearsal__what_fails_anyway_decides_nothing(void **state) {
        (void) state;
        RehearsalTrouble troubles[] = { { .unit = "a.service" }, { .unit = "b.service" },
                { .unit = "c.service" } };
        const RehearsalTrouble present[] = { { .unit = "x.service" }, { .unit = "a.service" } };
        const RehearsalTrouble *first = NULL;
        assert_int_equal(rehearsal_n_new(troubles, 3, NULL), 3);
        rehearsal_compare(troubles, 3, present, 2);
        assert_int_equal(rehearsal_n_new(troubles, 3, &first), 2);
        assert_ptr_equal(first, &troubles[1]);
        assert_true(troubles[0].fails_anyway);
        first = NULL;
        assert_int_equal(rehearsal_n_new(troubles, 1, &first), 0);
        assert_null(first);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rehearsal__skips_what_is_the_hosts_alone),
                cmocka_unit_test(test_rehearsal__files_come_after_their_directories),
                cmocka_unit_test(test_rehearsal__what_fails_anyway_decides_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
