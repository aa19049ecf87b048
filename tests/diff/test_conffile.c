/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/conffile.h"

#include "base/text.h"
#include "tests/support/cmocka.h"

#include <string.h>

#define A "0123456789abcdef0123456789abcdef"
#define B "fedcba9876543210fedcba9876543210"

static void expect(const char *status, const char *wanted) {
        cleanup(arena_donep) Arena arena = { 0 };
        Conffile *conffiles = NULL;
        size_t n = 0;
        cleanup(text_donep) Text text = { 0 };
        assert_int_equal(conffiles_parse(&arena, status, strlen(status), &conffiles, &n), 0);
        for (size_t i = 0; i < n; i++)
                text_addf(&text, "%s|%s\n", conffiles[i].path, conffiles[i].md5);
        assert_string_equal(text.data ? text.data : "", wanted);
}

static void test_conffiles__are_those_of_all_packages(void **state) {
        (void) state;
        expect("Package: a\nStatus: install ok installed\nConffiles:\n /etc/a.conf " A
               "\n /etc/d/b.conf " B "\nDescription: a\n /etc/no " A "\n\n"
               "Package: b\nStatus: deinstall ok config-files\nConffiles:\n /etc/b.conf " B "\n",
                        "a.conf|" A "\nd/b.conf|" B "\nb.conf|" B "\n");
        expect("Conffiles:\n /etc/last " A, "last|" A "\n");
}

static void test_conffiles__may_be_flagged_or_unknown(void **state) {
        (void) state;
        expect("Conffiles:\n /etc/old " A " obsolete\n /etc/gone " B " remove-on-upgrade\n"
               " /etc/new newconffile\n /etc/with space " A " obsolete\n",
                        "old|" A "\ngone|" B "\nnew|\nwith space|" A "\n");
}

static void test_conffiles__that_are_none_are_passed_over(void **state) {
        (void) state;
        expect("", "");
        expect("\n\n", "");
        expect("Conffiles:\n", "");
        expect("Conffiles:\n \n /etc/\n /etc/x\n /etc/ " A "\n /usr/lib/x " A "\n /opt/x " A "\n",
                        "");
        expect(" /etc/a.conf " A "\n", "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_conffiles__are_those_of_all_packages),
                cmocka_unit_test(test_conffiles__may_be_flagged_or_unknown),
                cmocka_unit_test(test_conffiles__that_are_none_are_passed_over),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
