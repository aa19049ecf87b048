/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "diff/decide.h"
#include "tests/support/cmocka.h"

#include <string.h>

static char *read_doc(void) {
        cleanup(text_donep) Text path = { 0 }, text = { 0 };
        const char *source = getenv("SOURCE_DIR");
        text_addf(&path, "%s/docs/plan.md", source ? source : ".");
        cleanup_file FILE *file = fopen(path.data, "re");
        assert_non_null(file);
        char part[4096];
        for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0;)
                text_add_n(&text, part, n);
        char *all = NULL;
        assert_int_equal(text_take(&text, &all), 0);
        return all;
}

/* Each row of the table stands in the docs, in the same order. */
static void find_rows(const char *doc, const Rule *rules, size_t n_rules) {
        const char *at = doc;
        for (size_t i = 0; i < n_rules; i++) {
                cleanup(text_donep) Text row = { 0 };
                text_addf(&row, "\n| %s | %s | %s |\n", rules[i].number, rules[i].text,
                                verdict_to_string(rules[i].verdict));
                const char *found = strstr(at, row.data);
                if (!found)
                        fail_msg("docs/plan.md lacks, at its place: %s", row.data);
                at = found + row.length - 1;
        }
}

static void test_plan_doc__has_the_rows_of_the_tables(void **state) {
        (void) state;
        cleanup_free char *doc = read_doc();
        size_t n;
        const Rule *rules = decide_unit_rules(&n);
        find_rows(doc, rules, n);
        rules = decide_change_rules(&n);
        find_rows(doc, rules, n);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_doc__has_the_rows_of_the_tables),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
