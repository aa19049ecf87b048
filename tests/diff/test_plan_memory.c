/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Planning with the n-th allocation failing, for every n until none is left: -ENOMEM each time, no
 * leak, and in the end the plan. Not only what malloc() gives may fail, but every piece of an
 * arena. */
#include "base/arena.h"
#include "base/map.h"
#include "diff/plan.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_arena_alloc(Arena *arena, size_t size_bytes);
void *__wrap_arena_alloc(Arena *arena, size_t size_bytes);
char *__real_arena_strdup(Arena *arena, const char *text);
char *__wrap_arena_strdup(Arena *arena, const char *text);
char *__real_arena_strndup(Arena *arena, const char *text, size_t length);
char *__wrap_arena_strndup(Arena *arena, const char *text, size_t length);
void *__real_arena_memdup(Arena *arena, const void *data, size_t size_bytes);
void *__wrap_arena_memdup(Arena *arena, const void *data, size_t size_bytes);
char *__wrap_arena_printf(Arena *arena, const char *format, ...) printf_like(2, 3);
void *__real_arena_grow(
                Arena *arena, const void *array, size_t n, size_t n_wanted, size_t element_bytes);
void *__wrap_arena_grow(
                Arena *arena, const void *array, size_t n, size_t n_wanted, size_t element_bytes);
int __real_map_put(Map *map, const char *key, void *value);
int __wrap_map_put(Map *map, const char *key, void *value);

static bool is_counting;
static unsigned n_left; /* until one fails */

static bool fails(void) {
        return is_counting && n_left-- == 0;
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_arena_alloc(Arena *arena, size_t size_bytes) {
        return fails() ? NULL : __real_arena_alloc(arena, size_bytes);
}

char *__wrap_arena_strdup(Arena *arena, const char *text) {
        return fails() ? NULL : __real_arena_strdup(arena, text);
}

char *__wrap_arena_strndup(Arena *arena, const char *text, size_t length) {
        return fails() ? NULL : __real_arena_strndup(arena, text, length);
}

void *__wrap_arena_memdup(Arena *arena, const void *data, size_t size_bytes) {
        return fails() ? NULL : __real_arena_memdup(arena, data, size_bytes);
}

char *__wrap_arena_printf(Arena *arena, const char *format, ...) {
        if (fails())
                return NULL;
        va_list arguments;
        va_start(arguments, format);
        char *text = NULL;
        int length = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (length < 0)
                return NULL;
        char *copy = __real_arena_strdup(arena, text);
        free(text);
        return copy;
}

void *__wrap_arena_grow(
                Arena *arena, const void *array, size_t n, size_t n_wanted, size_t element_bytes) {
        return fails() ? NULL : __real_arena_grow(arena, array, n, n_wanted, element_bytes);
}

int __wrap_map_put(Map *map, const char *key, void *value) {
        return fails() ? -ENOMEM : __real_map_put(map, key, value);
}

static const SampleFile before[] = {
        { "profile.conf", "[Units]\nEnable=i@a.service\n[Trigger]\nUnit=alias.service\nFiles=/etc/"
                          "t/*\nAction=reload\n" },
        { "units/db.service", "[Service]\nExecStart=/"
                              "db\n[Install]\nWantedBy=x.target\nAlso=more.service\n" },
        { "units/app.service", "[Unit]\nRequires=db.service\nAfter=db.service\nRequiresMountsFor=/"
                               "srv/a\n[Service]\nExecStart=/a\n" },
        { "units/x.target", "[Unit]\nX-StopOnReconfiguration=yes\n[Install]\nWantedBy=multi-user."
                            "target\n" },
        { "units/s.socket", "[Socket]\nListenStream=/run/s\n[Install]\nWantedBy=sockets.target\n" },
        { "units/s.service", "[Service]\nExecStart=/s /etc/t/one\n" },
        { "units/i@.service", "[Service]\nExecStart=/i\nEnvironmentFile=/etc/t/%i\n" },
        { "units/alias.service", "-> s.service" },
        { "units/p.path", "[Path]\nPathChanged=/etc/t/"
                          "one\nUnit=o.service\n[Install]\nWantedBy=paths.target\n" },
        { "units/o.service", "[Unit]\nWants=w.service\nConflicts=c.service\n[Service]\nType="
                             "oneshot\nExecStart=/o\n" },
        { "units/gone.service", "[Unit]\nX-Restart-Triggers=one\n[Service]\nExecStart=/g\n" },
        { "etc/systemd/user/u.service", "[Service]\nExecStart=/u\n" },
        { "etc/fstab", "/dev/sdb1 /srv ext4 defaults 0 2\n" },
        { "etc/t/one", "1" },
        { NULL, NULL },
};

static const SampleFile after[] = {
        { "profile.conf", "[Units]\nEnable=i@a.service\nDisable=d.service\n[Trigger]\nUnit=alias."
                          "service\nFiles=/etc/t/*\n"
                          "Action=reload\n" },
        { "units/db.service",
                        "[Service]\nExecStart=/"
                        "db\nKillMode=mixed\n[Install]\nWantedBy=x.target\nAlso=more.service\n" },
        { "units/app.service", "[Unit]\nRequires=db.service\nAfter=db.service\nRequiresMountsFor=/"
                               "srv/a\n[Service]\nExecStart=/a\n" },
        { "units/x.target", "[Unit]\nX-StopOnReconfiguration=yes\n[Install]\nWantedBy=multi-user."
                            "target\n" },
        { "units/s.socket",
                        "[Socket]\nListenStream=/run/s2\n[Install]\nWantedBy=sockets.target\n" },
        { "units/s.service", "[Service]\nExecStart=/s /etc/t/one\n" },
        { "units/i@.service",
                        "[Service]\nExecStart=/i2\nEnvironmentFile=/etc/t/%i\nSlice=b-c.slice\n" },
        { "units/i@.service.d/x.conf", "[Service]\nNice=1\n" },
        { "units/alias.service", "-> s.service" },
        { "units/p.path", "[Path]\nPathChanged=/etc/t/"
                          "one\nUnit=o.service\n[Install]\nWantedBy=paths.target\n" },
        { "units/o.service", "[Unit]\nWants=w.service\nConflicts=c.service\n[Service]\nType="
                             "oneshot\nExecStart=/o\n" },
        { "units/new.service", "[Unit]\nX-Restart-Triggers=two\n[Service]\nExecStart=/"
                               "n\n[Install]\nUpheldBy=x.target\n" },
        { "units/up-.service.d/y.conf", "[Service]\nNice=1\n" },
        { "etc/systemd/user/u.service", "[Service]\nExecStart=/u2\n" },
        { "etc/fstab", "/dev/sdb1 /srv ext4 noatime 0 2\n/dev/sdc1 /mnt ext4 defaults 0 2\n" },
        { "etc/sysctl.d/a.conf", "a" },
        { "etc/t/one", "2" },
        { NULL, NULL },
};

static UnitStates *all_on(void) {
        static const char *const units[] = { "db.service", "app.service", "x.target", "s.socket",
                "s.service", "i@a.service", "i@b.service", "p.path", "gone.service", "c.service",
                "d.service", "up-a.service", "srv.mount", "u.service" };
        static const char *const required_by[] = { "live.service", NULL };
        UnitStates *states = unit_states_new();
        for (size_t i = 0; i < N_ELEMENTS(units); i++) {
                const UnitState state = { .name = units[i],
                        .load_state = "loaded",
                        .active_state = "active",
                        .sub_state = "waiting",
                        .can_reload = 1,
                        .has_relations = i % 2,
                        .required_by = required_by };
                assert_int_equal(unit_states_set(states, &state), 0);
        }
        return states;
}

/* One run of each function, with the n-th allocation failing. Returns what the first that failed
 * did. */
static int run(const PlanInput *input, unsigned n) {
        Error error = { 0 };
        cleanup(plan_freep) Plan *plan = NULL;
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        n_left = n;
        is_counting = true;
        int r = plan_concern(input, &names, &patterns, &error);
        if (r == 0)
                r = plan_new(input, &plan, &error);
        is_counting = false;
        if (r < 0) {
                assert_int_equal(error.code, -ENOMEM);
                assert_null(plan);
        } else
                assert_true(plan->units.n_actions > 8 && plan->units.n_dragged > 2 &&
                                plan->units.n_triggered == 1);
        return r;
}

static void test_plan__every_allocation_may_fail(void **state) {
        (void) state;
        Sample old = { 0 }, new = { 0 };
        assert_int_equal(sample_render(&old, before, NULL), 0);
        assert_int_equal(sample_render(&new, after, NULL), 0);
        cleanup(unit_states_freep) UnitStates *states = all_on();
        const UserStates user = { .uid = 1000, .states = states };
        const Debt debt = { .unit = "held.service",
                .uid = UINT32_MAX,
                .verb = VERB_START,
                .cause = DEBT_HELD_DOWN };
        const PlanInput input = { .before = old.tree,
                .after = new.tree,
                .contents = new.contents,
                .states = states,
                .users = &user,
                .n_users = 1,
                .debts = &debt,
                .n_debts = 1 };
        assert_int_equal(run(&input, UINT_MAX), 0);
        unsigned n_allocations = UINT_MAX - n_left;
        assert_true(n_allocations > 500);
        for (unsigned n = 0; n < n_allocations; n++)
                if (run(&input, n) != -ENOMEM)
                        fail_msg("without allocation %u of %u there is a plan", n, n_allocations);
        sample_done(&old);
        sample_done(&new);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan__every_allocation_may_fail),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
