/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run with no memory for its nth allocation, for every n: it says so, and nothing is lost or
 * freed twice (the sanitizers look). The program is linked with --wrap for the allocators. */

#include "tests/activate/plan_words.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

/* Only of this thread: the fake manager's goes on. */
static _Thread_local long n_left = -1; /* -1: no limit */

void *__real_malloc(size_t size);              /* NOLINT: the linker's name */
void *__real_calloc(size_t n, size_t size);    /* NOLINT: the same */
void *__real_realloc(void *data, size_t size); /* NOLINT: the same */
void *__wrap_malloc(size_t size);              /* NOLINT: the same */
void *__wrap_calloc(size_t n, size_t size);    /* NOLINT: the same */
void *__wrap_realloc(void *data, size_t size); /* NOLINT: the same */

static bool is_over(void) {
        if (n_left < 0)
                return false;
        if (n_left > 0) {
                n_left--;
                return false;
        }
        return true;
}

void *__wrap_malloc(size_t size) { /* NOLINT: the linker's name */
        return is_over() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) { /* NOLINT: the linker's name */
        return is_over() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *data, size_t size) { /* NOLINT: the linker's name */
        return is_over() ? NULL : __real_realloc(data, size);
}

static int run(PlanWorld *world, Error *reterr) {
        int r = plan_run_new(
                        world->systemd, &world->words.plan, &world->options, &world->run, reterr);
        if (r >= 0)
                r = plan_run_stop(world->run, reterr);
        if (r >= 0)
                r = plan_run_activate(world->run, reterr);
        if (r >= 0)
                r = plan_run_report(world->run, &world->report, reterr);
        return r;
}

static void test_run_memory__every_allocation_may_fail(void **state) {
        (void) state;
        for (long n = 0;; n++) {
                FakeUnit units[] = {
                        { .name = "a.service", .active_state = "active" },
                        { .name = "b.service", .active_state = "active", .job_result = "failed" },
                        { .name = "c.service", .active_state = "failed" },
                };
                PlanWorld world;
                Error error = { 0 };
                plan_world_init(&world,
                                &(FakeOptions){ .units = units, .n_units = N_ELEMENTS(units) },
                                "stop a.service 1\nstart a.service 1\nrestart b.service 2\n"
                                "reload gone.service 3\ndaemon-reload");
                world.options.progress = NULL;
                n_left = n;
                int r = run(&world, &error);
                bool was_over = n_left == 0;
                n_left = -1;
                if (r < 0) {
                        assert_int_equal(r, -ENOMEM);
                        assert_non_null(strstr(error.message, "Out of memory"));
                        assert_null(world.report);
                }
                plan_world_done(&world);
                if (!was_over) {
                        assert_int_equal(r, 0);
                        assert_true(n > 50); /* it did fail before */
                        return;
                }
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_run_memory__every_allocation_may_fail),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
