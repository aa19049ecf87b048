/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "diff/check.h"
#include "tests/support/cmocka.h"
#include "tests/support/tree_words.h"

#include <string.h>

static int read_unit(void *userdata,
                const char *unit,
                const char **ret_path,
                Content **ret_content,
                Error *reterr) {
        (void) userdata, (void) ret_content, (void) reterr; /* only the answer is asked for */
        *ret_path = "/lib/systemd/system/";
        return strcmp(unit, "ssh.service") == 0 || strcmp(unit, "dist@.service") == 0
                               ? DISTRIBUTION_UNIT
                               : DISTRIBUTION_NO_UNIT;
}

static void add_words(Text *text, const char *const *words) {
        for (; *words; words++)
                text_addf(text, " %s", *words);
}

/* A line a check: "WHERE: FIRST-FILE +N: ARGUMENTS / ARGUMENTS for the present one". */
static char *describe(const Check *checks, size_t n_checks) {
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < n_checks; i++) {
                const Check *check = &checks[i];
                if (check->where)
                        text_addf(&text, "%s: ", check->where);
                if (check->first_file)
                        text_addf(&text, "%s +%zu:", check->first_file, check->n_files - 1);
                add_words(&text, check->arguments);
                if (check->present_arguments) {
                        text_add(&text, " /");
                        add_words(&text, check->present_arguments);
                }
                text_add(&text, "\n");
        }
        char *all = NULL;
        assert_int_equal(text_take(&text, &all), 0);
        return all;
}

typedef struct Row {
        const char *what, *before, *after, *conf, *want;
} Row;

static void run_row(const Row *row, const char *command) {
        Error error = { 0 };
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *before = tree_from_words(contents, row->before);
        cleanup(tree_freep) Tree *after = tree_from_words(contents, row->after);
        const Distribution distribution = { .read_unit = read_unit };
        const ProfileConf *conf = NULL;
        Content *content = NULL;
        const char *text = row->conf ? row->conf : "";
        assert_int_equal(contents_add(contents, text, strlen(text), &content, &error), 0);
        if (profile_conf_parse(&arena, "profile.conf", contents, content, &conf, &error) < 0)
                fail_msg("%s: %s", row->what, error.message);
        const PlanInput plan_input = { .before = before, .after = after, .contents = contents };
        cleanup(plan_freep) Plan *plan = NULL;
        if (plan_new(&plan_input, &plan, &error) < 0)
                fail_msg("%s: %s", row->what, error.message);
        const CheckInput input = {
                .plan = plan,
                .before = before,
                .after = after,
                .conf = conf,
                .distribution = &distribution,
        };
        Check *checks = NULL;
        size_t n_checks = 0;
        if (check_list(&input, &arena, &checks, &n_checks, &error) < 0)
                fail_msg("%s: %s", row->what, error.message);
        if (command) {
                assert_int_equal(n_checks, 1);
                assert_string_equal(checks[0].command, command);
                return;
        }
        cleanup_free char *got = describe(checks, n_checks);
        if (strcmp(got, row->want) != 0)
                fail_msg("%s:\n%swant:\n%s", row->what, got, row->want);
}

#define VERIFY "systemd-analyze verify --man=no --recursive-errors=no"
#define UNITS "systemd/system/"

static const Row rows[] = {
        { "nothing changes", "f nginx/nginx.conf a", "f nginx/nginx.conf a",
                        "[Check]\nFiles=/etc/nginx/**\nCommand=x\n", "" },
        { "a file that nobody of the table reads", NULL, "f motd a", NULL, "" },
        { "one that somebody reads", "f nginx/nginx.conf a", "f nginx/nginx.conf b", NULL,
                        "/etc/nginx/nginx.conf +0: nginx -t / nginx -t\n" },
        { "its mode alone", "f sudoers.d/a x 0644", "f sudoers.d/a x 0440", NULL,
                        "/etc/sudoers.d/a +0: visudo -c / visudo -c\n" },
        { "one that goes, what it begins with being the distribution's", "f sudoers.d/a x", NULL,
                        NULL, "/etc/sudoers.d/a +0: visudo -c / visudo -c\n" },
        { "what it begins with goes", "f nftables.conf x; f nftables.d/a x", "f nftables.d/a y",
                        NULL, "" },
        { "what it begins with is taken away", "f nftables.conf x", "- nftables.conf", NULL, "" },
        { "several, each once, in the order of the table", NULL,
                        "f nginx/nginx.conf a; f ssl/a.pem a; f ssh/sshd_config.d/a.conf a; f "
                        "bind/named.conf a",
                        NULL,
                        "/etc/ssh/sshd_config.d/a.conf +0: sshd -t / sshd -t\n"
                        "/etc/nginx/nginx.conf +1: nginx -t / nginx -t\n"
                        "/etc/ssl/a.pem +0: apache2ctl configtest / apache2ctl configtest\n"
                        "/etc/bind/named.conf +0: named-checkconf / named-checkconf\n"
                        "/etc/ssl/a.pem +0: haproxy -c -f /etc/haproxy/haproxy.cfg / haproxy -c -f "
                        "/etc/haproxy/haproxy.cfg\n" },
        /* units */
        { "a new unit is not in the present configuration", NULL, "f " UNITS "a.service x", NULL,
                        "/etc/" UNITS "a.service +0: " VERIFY " a.service\n" },
        { "a changed one is, and others are let be",
                        "f " UNITS "a.service x; f " UNITS "b.service x",
                        "f " UNITS "a.service y; f " UNITS "b.service x; f " UNITS "c.timer x",
                        NULL,
                        "/etc/" UNITS "a.service +1: " VERIFY " a.service c.timer / " VERIFY
                        " a.service\n" },
        { "one that goes", "f " UNITS "a.service x", NULL, NULL, "" },
        { "masks, aliases and links of enablement", NULL,
                        "l " UNITS "a.service /dev/null; l " UNITS "b.service c.service; l " UNITS
                        "multi-user.target.wants/ssh.service x",
                        NULL, "" },
        { "a drop-in of a unit of the distribution", NULL, "f " UNITS "ssh.service.d/a.conf x",
                        NULL,
                        "/etc/" UNITS "ssh.service.d/a.conf +0: " VERIFY " ssh.service / " VERIFY
                        " ssh.service\n" },
        { "what is no drop-in, beside them", NULL, "f " UNITS "ssh.service.d/notes.txt x", NULL,
                        "" },
        { "a drop-in of a unit that nobody has", NULL, "f " UNITS "none.service.d/a.conf x", NULL,
                        "" },
        { "an instance of a template that somebody has", NULL,
                        "f " UNITS "dist@1.service.d/a.conf x; f " UNITS
                        "none@1.service.d/a.conf x",
                        NULL,
                        "/etc/" UNITS "dist@1.service.d/a.conf +1: " VERIFY
                        " dist@1.service / " VERIFY " dist@1.service\n" },
        { "a drop-in of all with a prefix", "f " UNITS "a-b.service x; f " UNITS "c.service x",
                        "f " UNITS "a-b.service x; f " UNITS "c.service x; f " UNITS
                        "a-.service.d/x.conf x",
                        NULL,
                        "/etc/" UNITS "a-.service.d/x.conf +0: " VERIFY " a-b.service / " VERIFY
                        " a-b.service\n" },
        { "a drop-in of all of a type", "f " UNITS "b.service x; f " UNITS "c.timer x",
                        "f " UNITS "b.service x; f " UNITS "c.timer x; f " UNITS
                        "service.d/x.conf x",
                        NULL,
                        "/etc/" UNITS "service.d/x.conf +0: " VERIFY " b.service / " VERIFY
                        " b.service\n" },
        { "units of users", NULL, "f systemd/user/a.service x", NULL, "" },
        /* [Check] */
        { "a section by its globs", NULL, "f app/a x; f motd x",
                        "[Check]\nFiles=/etc/app/**\nCommand=app check 'a b' \"c\\x20d\"\n"
                        "[Check]\nFiles=/etc/other\nCommand=no\n",
                        "profile.conf:3: /etc/app/a +0: app check a b c d\n" },
        { "without a glob, always", NULL, "f motd x",
                        "[Check]\nCommand=/usr/bin/first\n[Check]\nCommand=second\n",
                        "profile.conf:2:  /usr/bin/first\nprofile.conf:4:  second\n" },
        { "behind the table's", NULL, "f sudoers x", "[Check]\nFiles=/etc/sudoers\nCommand=x\n",
                        "/etc/sudoers +0: visudo -c / visudo -c\n"
                        "profile.conf:3: /etc/sudoers +0: x\n" },
};

static void test_check__list(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                run_row(&rows[i], NULL);
}

static void test_check__units_are_named(void **state) {
        (void) state;
        const Row few = { "few", NULL, "f " UNITS "a.service x; f " UNITS "b.service x", NULL,
                NULL };
        const Row many = { "many", NULL,
                "f " UNITS "a.service x; f " UNITS "b.service x; f " UNITS "c.service x; f " UNITS
                "d.service x; f " UNITS "e.service x",
                NULL, NULL };
        run_row(&few, "systemd-analyze verify a.service b.service");
        run_row(&many, "systemd-analyze verify a.service b.service c.service and 2 more");
}

static void add_lines(Strv *lines, const char *text) {
        for (; *text; text += strcspn(text, "\n") + 1)
                assert_int_equal(strv_add_n(lines, text, strcspn(text, "\n")), 0);
}

static void test_check__what_is_new_is_told_from_what_was_there(void **state) {
        (void) state;
        static const struct {
                const char *future, *present;
                bool nothing_new;
        } cases[] = {
                { "a:1: bad\n", "a:1: bad\n", true }, { "a:12: bad\n", "a:7: bad\n", true },
                { "a:12: bad\n", "a:7: worse\n", false }, { "a: bad\nb: bad\n", "a: bad\n", false },
                { "a: bad\n", "b: bad\na: bad\n", true }, { "a: x1\n", "a: x\n", false },
                { "", "a: bad\n", false }, /* it says nothing, so nobody knows */
        };
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                cleanup_strv Strv future = { 0 }, present = { 0 };
                add_lines(&future, cases[i].future);
                add_lines(&present, cases[i].present);
                if (check_shows_nothing_new(&future, &present) != cases[i].nothing_new)
                        fail_msg("case %zu", i);
        }
}

static void test_check__a_line_that_quotes_a_secret(void **state) {
        (void) state;
        static const struct {
                const char *line, *secret;
                bool quotes;
        } cases[] = {
                { "line 1: unknown word hunter22", "user: hunter22\n", true },
                { "line 1: unknown word 'hunter22'", "password=\"hunter22\"\n", true },
                { "line 1: unknown word hunter", "password=hunter22\n", false },
                { "line 1: bad key", "key\n\nbad 1:\n", false }, /* too short to be one */
                { "fine", "", false },
        };
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                const Content content = { .data = cases[i].secret,
                        .size_bytes = strlen(cases[i].secret) };
                if (check_line_quotes(cases[i].line, &content) != cases[i].quotes)
                        fail_msg("case %zu", i);
        }
}

static void test_check__reads_what_its_row_says(void **state) {
        (void) state;
        size_t n_rows;
        const BuiltinCheck *builtins = check_builtins(&n_rows);
        const Check sshd = { .builtin = &builtins[1] }, of_the_profile = { 0 };
        assert_true(check_may_read(&sshd, "/etc/ssh/ssh_host_rsa_key"));
        assert_false(check_may_read(&sshd, "/etc/ssl/private/a.pem"));
        assert_true(check_may_read(&of_the_profile, "/etc/ssl/private/a.pem"));
}

/* The rows of the table stand in the docs, in the same order. */
static void test_check__docs_have_the_table(void **state) {
        (void) state;
        cleanup(text_donep) Text path = { 0 }, doc = { 0 };
        const char *source = getenv("SOURCE_DIR");
        text_addf(&path, "%s/docs/source.md", source ? source : ".");
        cleanup_file FILE *file = fopen(path.data, "re");
        assert_non_null(file);
        char part[4096];
        for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0;)
                text_add_n(&doc, part, n);
        size_t n_rows;
        const BuiltinCheck *builtins = check_builtins(&n_rows);
        const char *at = doc.data;
        for (size_t i = 0; i < n_rows; i++) {
                cleanup(text_donep) Text row = { 0 };
                text_addf(&row, "\n| `%s` |", builtins[i].command);
                for (size_t j = 0; j < N_ELEMENTS(builtins[i].files) && builtins[i].files[j]; j++)
                        text_addf(&row, "%s `%s`", j > 0 ? "," : "", builtins[i].files[j]);
                text_add(&row, " |\n");
                const char *found = strstr(at, row.data);
                if (!found)
                        fail_msg("docs/source.md lacks, at its place: %s", row.data);
                at = found + row.length - 1;
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check__list),
                cmocka_unit_test(test_check__units_are_named),
                cmocka_unit_test(test_check__what_is_new_is_told_from_what_was_there),
                cmocka_unit_test(test_check__a_line_that_quotes_a_secret),
                cmocka_unit_test(test_check__reads_what_its_row_says),
                cmocka_unit_test(test_check__docs_have_the_table),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
