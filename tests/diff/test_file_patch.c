/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/file_patch.h"

#include "tests/support/cmocka.h"

#include <string.h>

typedef struct Case {
        const char *name;
        Entry before, after; /* path NULL: not there */
        const char *old, *new;
        size_t old_bytes; /* 0: of the string */
        const char *patch;
} Case;

#define FILE_OF_MODE(bits)                                                                         \
        { .kind = ENTRY_FILE, .path = "app.conf", .mode = (bits), .owner = "root", .group = "root" }
#define OF_KIND(what)                                                                              \
        { .kind = (what), .path = "app.conf", .mode = 0755, .owner = "root", .group = "root" }
#define LINK_TO(where)                                                                             \
        {                                                                                          \
                .kind = ENTRY_LINK, .path = "app.conf", .owner = "root", .group = "root",          \
                .target = (where)                                                                  \
        }
#define SECRET(bits)                                                                               \
        {                                                                                          \
                .kind = ENTRY_FILE, .path = "app.conf", .mode = (bits), .owner = "root",           \
                .group = "ssl-cert", .secret = true                                                \
        }

static const Case cases[] = {
        {
                        .name = "text",
                        .before = FILE_OF_MODE(0644),
                        .after = FILE_OF_MODE(0644),
                        .old = "one\ntwo\nthree\n",
                        .new = "one\n2\nthree\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "index 4cb29ea..f04eb26 100644\n"
                                 "--- a/etc/app.conf\n"
                                 "+++ b/etc/app.conf\n"
                                 "@@ -1,3 +1,3 @@\n"
                                 " one\n"
                                 "-two\n"
                                 "+2\n"
                                 " three\n",
        },
        {
                        .name = "no newline at the end",
                        .before = FILE_OF_MODE(0644),
                        .after = FILE_OF_MODE(0644),
                        .old = "one\n",
                        .new = "one",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "index 5626abf..43dd47e 100644\n"
                                 "--- a/etc/app.conf\n"
                                 "+++ b/etc/app.conf\n"
                                 "@@ -1 +1 @@\n"
                                 "-one\n"
                                 "+one\n"
                                 "\\ No newline at end of file\n",
        },
        {
                        .name = "added",
                        .after = FILE_OF_MODE(0755),
                        .new = "one\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "new file mode 100755\n"
                                 "index 0000000..5626abf\n"
                                 "--- /dev/null\n"
                                 "+++ b/etc/app.conf\n"
                                 "@@ -0,0 +1 @@\n"
                                 "+one\n",
        },
        {
                        .name = "removed",
                        .before = FILE_OF_MODE(0644),
                        .old = "one\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "deleted file mode 100644\n"
                                 "index 5626abf..0000000\n"
                                 "--- a/etc/app.conf\n"
                                 "+++ /dev/null\n"
                                 "@@ -1 +0,0 @@\n"
                                 "-one\n",
        },
        {
                        .name = "absent is removed",
                        .before = FILE_OF_MODE(0644),
                        .after = OF_KIND(ENTRY_ABSENT),
                        .old = "",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "deleted file mode 100644\n"
                                 "index e69de29..0000000\n",
        },
        {
                        .name = "empty added",
                        .after = FILE_OF_MODE(0644),
                        .new = "",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "new file mode 100644\n"
                                 "index 0000000..e69de29\n",
        },
        {
                        .name = "mode only",
                        .before = FILE_OF_MODE(0644),
                        .after = FILE_OF_MODE(0600),
                        .old = "one\n",
                        .new = "one\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "old mode 100644\n"
                                 "new mode 100600\n",
        },
        {
                        .name = "binary",
                        .before = FILE_OF_MODE(0644),
                        .after = FILE_OF_MODE(0644),
                        .old = "a\0b",
                        .old_bytes = 3,
                        .new = "one\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "index 20b5be9..5626abf 100644\n"
                                 "Binary files a/etc/app.conf and b/etc/app.conf differ\n",
        },
        {
                        .name = "link turned",
                        .before = LINK_TO("/usr/a"),
                        .after = LINK_TO("/usr/b"),
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "index 9ff95ce..c6476fc 120000\n"
                                 "--- a/etc/app.conf\n"
                                 "+++ b/etc/app.conf\n"
                                 "@@ -1 +1 @@\n"
                                 "-/usr/a\n"
                                 "\\ No newline at end of file\n"
                                 "+/usr/b\n"
                                 "\\ No newline at end of file\n",
        },
        {
                        .name = "file becomes link",
                        .before = FILE_OF_MODE(0644),
                        .after = LINK_TO("/usr/a"),
                        .old = "one\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "deleted file mode 100644\n"
                                 "index 5626abf..0000000\n"
                                 "--- a/etc/app.conf\n"
                                 "+++ /dev/null\n"
                                 "@@ -1 +0,0 @@\n"
                                 "-one\n"
                                 "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "new file mode 120000\n"
                                 "index 0000000..9ff95ce\n"
                                 "--- /dev/null\n"
                                 "+++ b/etc/app.conf\n"
                                 "@@ -0,0 +1 @@\n"
                                 "+/usr/a\n"
                                 "\\ No newline at end of file\n",
        },
        {
                        .name = "directory",
                        .after = OF_KIND(ENTRY_DIRECTORY),
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "new directory mode 040755\n",
        },
        {
                        .name = "secret changed",
                        .before = SECRET(0640),
                        .after = SECRET(0640),
                        .old = "hunter1\n",
                        .new = "hunter2\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "Secret files a/etc/app.conf and b/etc/app.conf differ\n",
        },
        {
                        .name = "file becomes secret",
                        .before = FILE_OF_MODE(0644),
                        .after = SECRET(0640),
                        .old = "hunter1\n",
                        .new = "hunter2\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "old mode 100644\n"
                                 "new mode 100640\n"
                                 "old owner root:root\n"
                                 "new owner root:ssl-cert\n"
                                 "Secret files a/etc/app.conf and b/etc/app.conf differ\n",
        },
        {
                        .name = "secret removed",
                        .before = SECRET(0640),
                        .old = "hunter1\n",
                        .patch = "diff --git a/etc/app.conf b/etc/app.conf\n"
                                 "deleted file mode 100640\n"
                                 "deleted owner root:ssl-cert\n"
                                 "Secret files a/etc/app.conf and /dev/null differ\n",
        },
};

static Entry entry_of(Contents *contents, const Entry *entry, const char *data, size_t size_bytes) {
        Entry copy = *entry;
        Error error = { 0 };
        if (copy.kind == ENTRY_FILE)
                assert_int_equal(
                                contents_add(contents, data, size_bytes ? size_bytes : strlen(data),
                                                &copy.content, &error),
                                0);
        return copy;
}

static char *patch_of(const Case *row, bool color) {
        cleanup(contents_freep) Contents *contents = contents_new();
        assert_non_null(contents);
        cleanup(text_donep) Text text = { 0 };
        Error error = { 0 };
        TreeChange change = { 0 };
        Entry before, after;
        if (row->before.path) {
                before = entry_of(contents, &row->before, row->old, row->old_bytes);
                change.before = &before;
        }
        if (row->after.path) {
                after = entry_of(contents, &row->after, row->new, 0);
                change.after = &after;
        }
        assert_int_equal(file_patch(contents, &change, color, &text, &error), 0);
        char *patch;
        assert_int_equal(text_take(&text, &patch), 0);
        return patch;
}

static void test_file_patch__is_as_git_has_it(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                cleanup_free char *patch = patch_of(&cases[i], false);
                if (strcmp(patch, cases[i].patch) != 0)
                        fail_msg("%s:\n%s", cases[i].name, patch);
        }
}

static void test_file_patch__colours_are_gits(void **state) {
        (void) state;
        cleanup_free char *patch = patch_of(&cases[0], true);
        assert_string_equal(patch, "\033[1mdiff --git a/etc/app.conf b/etc/app.conf\033[m\n"
                                   "\033[1mindex 4cb29ea..f04eb26 100644\033[m\n"
                                   "\033[1m--- a/etc/app.conf\033[m\n"
                                   "\033[1m+++ b/etc/app.conf\033[m\n"
                                   "\033[36m@@ -1,3 +1,3 @@\033[m\n"
                                   " one\n"
                                   "\033[31m-two\033[m\n"
                                   "\033[32m+2\033[m\n"
                                   " three\n");
}

static void test_file_patch__odd_names_are_quoted(void **state) {
        (void) state;
        Case row = cases[2];
        row.after.path = "a\tb\"";
        cleanup_free char *patch = patch_of(&row, false);
        assert_non_null(strstr(patch, "diff --git \"a/etc/a\\tb\\\"\" \"b/etc/a\\tb\\\"\"\n"));
        assert_non_null(strstr(patch, "+++ \"b/etc/a\\tb\\\"\"\n"));
}

static void test_file_patch__other_roots_are_named(void **state) {
        (void) state;
        Case row = cases[2];
        row.after.root = ROOT_HOOKS;
        cleanup_free char *hook = patch_of(&row, false);
        assert_non_null(strstr(hook, "diff --git a/hooks/app.conf b/hooks/app.conf\n"));
        row.after.root = ROOT_PROFILE;
        cleanup_free char *profile = patch_of(&row, false);
        assert_non_null(strstr(profile, "+++ b/app.conf\n"));
}

static void test_file_patch__implied_directories_are_no_change(void **state) {
        (void) state;
        const Case row = { .after = { .kind = ENTRY_DIRECTORY, .path = "d", .implied = true } };
        cleanup_free char *patch = patch_of(&row, false);
        assert_string_equal(patch, "");
        assert_int_equal(file_change_of(&(TreeChange){ NULL, &row.after }), FILE_SAME);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file_patch__is_as_git_has_it),
                cmocka_unit_test(test_file_patch__colours_are_gits),
                cmocka_unit_test(test_file_patch__odd_names_are_quoted),
                cmocka_unit_test(test_file_patch__other_roots_are_named),
                cmocka_unit_test(test_file_patch__implied_directories_are_no_change),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
