/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/connection.h"
#include "activate/transient.h"
#include "tests/support/cmocka.h"
#include "tests/support/fake_manager.h"

#include <errno.h>
#include <string.h>

static const int good_exits[] = { 1, 3 };
static const TransientService service = {
        .name = "one.service",
        .description = "One % of \"it\"",
        .arguments = { "/usr/bin/one", "--two", "/run/three $HOME" },
        .on_failure = "mend.service",
        .good_exits = good_exits,
        .n_good_exits = N_ELEMENTS(good_exits),
        .stop_timeout_usec = 90000000,
};

static int start(const FakeOptions *options, char **ret_calls, Error *reterr) {
        FakeManager *fake = fake_manager_new(options);
        cleanup(systemd_closep) Systemd *systemd = NULL;
        assert_int_equal(connection_open(fake_manager_address(fake), getuid(), false, &systemd,
                                         reterr),
                        0);
        int r = transient_start(systemd, &service, reterr);
        *ret_calls = strdup(fake_manager_calls(fake));
        assert_non_null(*ret_calls);
        fake_manager_free(fake);
        return r;
}

static void test_transient__its_settings(void **state) {
        (void) state;
        Error error;
        cleanup_free char *calls = NULL;
        assert_int_equal(start(&(FakeOptions){ 0 }, &calls, &error), 0);
        assert_string_equal(calls, "StartTransientUnit one.service fail\n"
                                   "  Description One % of \"it\"\n"
                                   "  DefaultDependencies 0\n"
                                   "  Conflicts shutdown.target\n"
                                   "  Before shutdown.target\n"
                                   "  IgnoreOnIsolate 1\n"
                                   "  CollectMode inactive-or-failed\n"
                                   "  OnFailure mend.service\n"
                                   "  Type exec\n"
                                   "  KillMode mixed\n"
                                   "  TimeoutStopUSec 90000000\n"
                                   "  SuccessExitStatus 1 3\n"
                                   "  ExecStart /usr/bin/one /usr/bin/one --two "
                                   "/run/three $HOME 0\n");
}

static void test_transient__one_that_is_there_is_eexist(void **state) {
        (void) state;
        Error error;
        cleanup_free char *calls = NULL;
        const FakeOptions options = { .transient_error = "org.freedesktop.systemd1.UnitExists" };
        assert_int_equal(start(&options, &calls, &error), -EEXIST);
        assert_int_equal(error.code, -EEXIST);
        assert_string_equal(error.message, "one.service: one.service is refused "
                                           "(org.freedesktop.systemd1.UnitExists)");
}

static void test_transient__a_refusal_is_told(void **state) {
        (void) state;
        Error error;
        cleanup_free char *calls = NULL;
        const FakeOptions options = { .transient_error =
                                                      "org.freedesktop.DBus.Error.AccessDenied" };
        assert_int_equal(start(&options, &calls, &error), -EACCES);
        assert_non_null(strstr(error.message, "one.service is refused"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_transient__its_settings),
                cmocka_unit_test(test_transient__one_that_is_there_is_eexist),
                cmocka_unit_test(test_transient__a_refusal_is_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
