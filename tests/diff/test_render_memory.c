/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rendering with the n-th allocation failing, for every n until none is left: -ENOMEM each time,
 * and no leak. */
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool is_counting;
static unsigned n_left; /* until one fails */

static bool fails(void) {
        return is_counting && n_left-- == 0;
}

void *__wrap_malloc(size_t size) {
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size) {
        return fails() ? NULL : __real_realloc(old, size);
}

/* Many units, for arenas that need several blocks. */
enum { N_UNITS = 600, N_OTHERS = 5 };

static SampleFile files[N_UNITS + N_OTHERS + 1] = {
        { "profile.conf",
                        "[Units]\nEnable=ssh.service "
                        "pool@x.service\nDisable=cups.service\nMask=x.service\n"
                        "[File]\nPath=ssl/"
                        "*\nMode=0600\nOwner=web:web\n[Trigger]\nUnit=a.service\nFiles=/etc/a\n" },
        { "etc/ssl/key", "k" },
        { "etc/systemd/user/u.service", "[Install]\nWantedBy=default.target\n" },
        { "units/pool@.service", "[Install]\nWantedBy=%p-%i.target\nAlias=p@.service\n" },
        { "units/pool@.service.d/x.conf", "[Install]\nRequiredBy=y.target\n" },
};

static const SampleUnit distribution[] = {
        { "ssh.service", "/lib/systemd/system/ssh.service",
                        "[Install]\nWantedBy=a.target\nAlias=sshd.service\n" },
        { "cups.service", "/lib/systemd/system/cups.service",
                        "[Install]\nWantedBy=a.target\nAlso=cups.path\n" },
        { "cups.path", "/lib/systemd/system/cups.path", "[Install]\nWantedBy=b.target\n" },
        { NULL, NULL, NULL },
};

static void test_render__every_allocation_may_fail(void **state) {
        (void) state;
        static char paths[N_UNITS][40], texts[N_UNITS][160];
        for (size_t i = 0; i < N_UNITS; i++) {
                (void) snprintf(paths[i], sizeof(paths[i]), "units/app-%zu.service", i);
                (void) snprintf(texts[i], sizeof(texts[i]),
                                "[Unit]\nDescription=Number "
                                "%zu\n[Install]\nWantedBy=multi-user.target\n",
                                i);
                files[N_OTHERS + i] = (SampleFile){ paths[i], texts[i] };
        }
        unsigned n = 0;
        for (int r = -ENOMEM; r < 0; n++) {
                Sample sample;
                sample_prepare(&sample, files, distribution);
                n_left = n;
                is_counting = true;
                r = sample_render_prepared(&sample);
                is_counting = false;
                if (r < 0) {
                        assert_int_equal(r, -ENOMEM);
                        assert_int_equal(sample.error.code, -ENOMEM);
                        assert_null(sample.tree);
                }
                sample_done(&sample);
        }
        assert_true(n > 20);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_render__every_allocation_may_fail),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
