/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/machine_file.h"

#include "base/text.h"
#include "tests/support/cmocka.h"

#include <string.h>

static void test_machine_file__is_no_configuration(void **state) {
        (void) state;
        assert_string_equal(machine_file_what("shadow-"), "users and groups");
        assert_string_equal(
                        machine_file_what("ssh/ssh_host_rsa_key.pub"), "this machine's identity");
        assert_string_equal(machine_file_what("rc2.d/S01ssh"), "made from other files");
        assert_string_equal(machine_file_what("ssl/certs/a/b.pem"), "made from other files");
        assert_non_null(machine_file_what("motd~"));
        assert_non_null(machine_file_what("nginx/a.conf.dpkg-old"));
        assert_non_null(machine_file_what("sysswitch/etc/motd"));
}

static void test_machine_file__leaves_configuration_alone(void **state) {
        (void) state;
        static const char *const paths[] = { "fstab", "hosts", "ssh/sshd_config", "nginx/passwd",
                "ssl/openssl.cnf", "rc.local", "pam.d/sshd", "resolv.conf.d/head" };
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
                assert_null(machine_file_what(paths[i]));
}

static void test_machine_file__stands_in_the_docs(void **state) {
        (void) state;
        cleanup(text_donep) Text path = { 0 }, doc = { 0 };
        text_addf(&path, "%s/docs/source.md", getenv("SOURCE_DIR"));
        cleanup_file FILE *file = fopen(path.data, "re");
        assert_non_null(file);
        char part[4096];
        for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0;)
                text_add_n(&doc, part, n);
        size_t n_rows;
        const MachineFileRow *rows = machine_file_rows(&n_rows);
        for (size_t i = 0; i < n_rows; i++) {
                cleanup(text_donep) Text row = { 0 };
                text_addf(&row, "\n| %s |", rows[i].what);
                for (size_t j = 0; rows[i].patterns[j]; j++)
                        text_addf(&row, "%s `%s`", j > 0 ? "," : "", rows[i].patterns[j]);
                text_add(&row, " |\n");
                if (!strstr(doc.data, row.data))
                        fail_msg("docs/source.md lacks: %s", row.data);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_machine_file__is_no_configuration),
                cmocka_unit_test(test_machine_file__leaves_configuration_alone),
                cmocka_unit_test(test_machine_file__stands_in_the_docs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
