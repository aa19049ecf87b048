/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a source is warned of, and what not. */

#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <string.h>

static bool has_own_unit(void *userdata, const char *unit) {
        (void) userdata;
        return strcmp(unit, "mine.service") == 0;
}

static int read_unit(void *userdata,
                const char *unit,
                const char **ret_path,
                Content **ret_content,
                Error *reterr) {
        if (strcmp(unit, "known.service") != 0 && strcmp(unit, "known@.service") != 0)
                return DISTRIBUTION_NO_UNIT;
        *ret_path = "/usr/lib/systemd/system/known.service";
        int r = contents_add(userdata, "[Service]\n", strlen("[Service]\n"), ret_content, reterr);
        return r < 0 ? r : DISTRIBUTION_UNIT;
}

static void
expect(const SampleFile *files, bool has_host, const char *const *expected, size_t n_expected) {
        Sample sample;
        sample_prepare(&sample, files, NULL);
        const Distribution distribution = {
                .read_unit = read_unit, .has_own_unit = has_own_unit, .userdata = sample.contents
        };
        if (render(sample.source, sample.contents, has_host ? &distribution : NULL, &sample.tree,
                            &sample.error) < 0)
                fail_msg("%s", sample.error.message);
        const Strv *warnings = &sample.tree->warnings;
        assert_int_equal(warnings->n_items, n_expected);
        for (size_t i = 0; i < n_expected; i++)
                assert_string_equal(warnings->items[i], expected[i]);
        sample_done(&sample);
}

static void test_warning__sections_that_systemd_does_not_know(void **state) {
        (void) state;
        static const SampleFile files[] = {
                { "etc/systemd/user/u.timer", "[Timer]\nOnCalendar=daily\n[Service]\n" },
                { "etc/elsewhere.service", "[Servcie]\n" },
                { "units/a.service", "[Unit]\n[Servcie]\nExecStart=/a\n[Install]\n" },
                { "units/a.service.d/x.conf", "# one\n\n[service]\n" },
                { "units/b.service", "[X-Ours]\n[Service]\n[Unit]\n[Install]\n[Service]\n" },
                { "units/c.target", "[Unit]\n[Target]\n[X-Ours]\n" },
                { "units/service.d/x.conf", "[Service]\n[Socket]\n" },
                { NULL, NULL },
        };
        static const char *const expected[] = {
                "host/etc/systemd/user/u.timer:3: [Service] is no section of a timer: systemd "
                "passes over what is in it",
                "host/units/a.service:2: [Servcie] is no section of a service: systemd passes over "
                "what is in it",
                "host/units/a.service.d/x.conf:3: [service] is no section of a service: systemd "
                "passes over what is in it",
                "host/units/service.d/x.conf:2: [Socket] is no section of a service: systemd "
                "passes over what is in it",
        };
        expect(files, false, expected, N_ELEMENTS(expected));
}

static void test_warning__units_that_nobody_has(void **state) {
        (void) state;
        static const SampleFile files[] = {
                { "etc/a", "" },
                { "profile.conf", "[Units]\n"
                                  "Disable=known.service mine.service known@x.service\n"
                                  "Disable=dayly.timer ours.service dev-none.swap\n"
                                  "Mask=masked.service tmp.mount\n"
                                  "[Trigger]\n"
                                  "Unit=wbe.service ours@x.service\n"
                                  "Files=/etc/a\n" },
                { "units/ours.service", "[Service]\n" },
                { "units/ours@.service", "[Service]\n" },
                { NULL, NULL },
        };
        static const char *const expected[] = {
                "host/profile.conf:3: Disable=dayly.timer: neither the source nor the host has "
                "this unit",
                "host/profile.conf:4: Mask=masked.service: neither the source nor the host has "
                "this unit",
                "host/profile.conf:5: Unit=wbe.service: neither the source nor the host has this "
                "unit",
        };
        expect(files, true, expected, N_ELEMENTS(expected));
        expect(files, false, NULL, 0); /* what a host has is not known */
}

static void test_warning__drop_ins_of_units_that_nobody_has(void **state) {
        (void) state;
        static const SampleFile files[] = {
                { "etc/systemd/system/known.service.d/a.conf", "" },
                { "etc/systemd/user/gone.service.d/a.conf", "" },
                { "units/dev-none.swap.d/a.conf", "" },
                { "units/knwon.service.d/a.conf", "" },
                { "units/knwon.service.d/b.conf", "" },
                { "units/known@x.service.d/a.conf", "" },
                { "units/mine.service.d/a.conf", "" },
                { "units/other@x.service.d/a.conf", "" },
                { "units/ours-.service.d/a.conf", "" },
                { "units/ours.service", "[Service]\n" },
                { "units/ours.service.d/a.conf", "" },
                { "units/service.d/a.conf", "" },
                { "profile.conf", "[Kernel]\nModules=loop\n" },
                { NULL, NULL },
        };
        static const char *const expected[] = {
                "host/units/knwon.service.d/a.conf:1: neither the source nor the host has "
                "knwon.service, which this is for",
                "host/units/other@x.service.d/a.conf:1: neither the source nor the host has "
                "other@x.service, which this is for",
                "host/profile.conf:2: neither the source nor the host has "
                "systemd-modules-load.service, which this is for",
        };
        expect(files, true, expected, N_ELEMENTS(expected));
        expect(files, false, NULL, 0);
}

static void test_warning__files_that_the_source_has_not(void **state) {
        (void) state;
        static const SampleFile files[] = {
                { "etc/nginx/nginx.conf", "" },
                { "etc/nginx/sites/a", "" },
                { "profile.conf", "[Trigger]\n"
                                  "Unit=known.service mine.service\n"
                                  "Files=/etc/nginx /etc/nginx/*.conf /etc/nginx/**\n"
                                  "Files=/etc/ngnix/** /etc/nginx/sites/b /etc/nginx/site\n"
                                  "[Check]\n"
                                  "Command=true\n"
                                  "Files=/etc/other/** /etc/nginx/sites/?\n" },
                { NULL, NULL },
        };
        static const char *const expected[] = {
                "host/profile.conf:4: Files=/etc/ngnix/**: nothing in this source is of that name, "
                "so it triggers nothing",
                "host/profile.conf:4: Files=/etc/nginx/sites/b: nothing in this source is of that "
                "name, so it triggers nothing",
                "host/profile.conf:4: Files=/etc/nginx/site: nothing in this source is of that "
                "name, so it triggers nothing",
                "host/profile.conf:7: Files=/etc/other/**: nothing in this source is of that name, "
                "so it has nothing checked",
        };
        expect(files, false, expected, N_ELEMENTS(expected));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_warning__sections_that_systemd_does_not_know),
                cmocka_unit_test(test_warning__units_that_nobody_has),
                cmocka_unit_test(test_warning__drop_ins_of_units_that_nobody_has),
                cmocka_unit_test(test_warning__files_that_the_source_has_not),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
