/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "diff/source.h"
#include "diff/unit_file.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

/* "LINE.NTH[Section]Key=value" a line. */
static char *describe(const UnitFile *file) {
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < file->n_lines; i++) {
                const UnitLine *line = &file->lines[i];
                text_addf(&text, "%u.%u[%s]%s=%s\n", line->line, line->nth_section, line->section,
                                line->key, line->value);
        }
        char *string = NULL;
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

static const struct {
        const char *name, *text, *want;
} read_rows[] = {
        { "nothing", "", "" },
        { "sections", "[Unit]\nDescription=x\n[Service]\nExecStart=/bin/true\n[Unit]\nAfter=a\n",
                        "2.0[Unit]Description=x\n4.1[Service]ExecStart=/bin/"
                        "true\n6.2[Unit]After=a\n" },
        { "white space", "  [Unit]\t\n \tDescription \t=  a b\t \n\n",
                        "2.0[Unit]Description=a b\n" },
        { "white space within", "[U]\nA B=c  d\n", "2.0[U]A B=c  d\n" },
        { "comments", "# a\n;b\n  # c\n[U]\n#A=b\n;A=c\nA=#d\n", "7.0[U]A=#d\n" },
        { "an empty value", "[U]\nA=\nB= \n", "2.0[U]A=\n3.0[U]B=\n" },
        { "'=' in a value", "[U]\nA=b=c\n", "2.0[U]A=b=c\n" },
        { "no newline at the end", "[U]\nA=b", "2.0[U]A=b\n" },
        { "a continued line", "[U]\nA=b\\\nc\nB=d\n", "2.0[U]A=b c\n4.0[U]B=d\n" },
        { "white space at a continuation stays", "[U]\nA=b \\\n  c\n", "2.0[U]A=b    c\n" },
        { "comments between continued lines", "[U]\nA=b\\\n# x\\\n;y\nc\\\nd\nB=e\n",
                        "2.0[U]A=b c d\n7.0[U]B=e\n" },
        { "a blank line ends a continued one", "[U]\nA=b\\\n\nB=c\n", "2.0[U]A=b\n4.0[U]B=c\n" },
        { "a continuation at the end", "[U]\nA=b\\", "2.0[U]A=b\n" },
        { "two backslashes are no continuation", "[U]\nA=b\\\\\nB=c\n",
                        "2.0[U]A=b\\\\\n3.0[U]B=c\n" },
        { "three are", "[U]\nA=b\\\\\\\nc\n", "2.0[U]A=b\\\\ c\n" },
        { "a continued key", "[U]\nA\\\nB=c\n", "2.0[U]A B=c\n" },
        { "a continued section", "[U\\\nV]\nA=b\n", "3.0[U V]A=b\n" },
        { "a byte order mark", "\xef\xbb\xbf[U]\nA=b\n", "2.0[U]A=b\n" },
        { "a byte order mark and a comment", "\xef\xbb\xbf# x\n[U]\nA=b\n", "3.0[U]A=b\n" },
        { "CRLF", "[U]\r\nA=b\r\n\r\nB=c\\\r\nd\r\n", "2.0[U]A=b\n4.0[U]B=c d\n" },
        { "CR", "[U]\rA=b\r\rB=c\r", "2.0[U]A=b\n4.0[U]B=c\n" },
        { "UTF-8", "[U]\nA=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n",
                        "2.0[U]A=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\n" },
        { "any byte in a comment", "# \xff\n[U]\nA=b\n", "3.0[U]A=b\n" },
        { "systemd passes over garbage in X- sections", "[X-Notes]\nfree text\n=\nA=b\n[U]\nC=d\n",
                        "4.0[X-Notes]A=b\n6.1[U]C=d\n" },
};

static void test_unit_file__reads(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(read_rows); i++) {
                cleanup(arena_donep) Arena arena = { 0 };
                const UnitFile *file = NULL;
                Error error = { 0 };
                const char *text = read_rows[i].text;
                if (unit_file_parse(&arena, "x", text, strlen(text), &file, &error) < 0)
                        fail_msg("%s: %s", read_rows[i].name, error.message);
                cleanup_free char *got = describe(file);
                if (strcmp(got, read_rows[i].want) != 0)
                        fail_msg("%s: read\n%snot\n%s", read_rows[i].name, got, read_rows[i].want);
        }
}

#define NOT_A_LINE                                                                                 \
        "Neither a section, an assignment nor a comment; write Key=value, or '#' before it"
#define NO_HEADER "No section header; write [Name] and nothing else on the line"
#define NO_SECTION "An assignment before any section; put its [Section] above it"
#define NO_UTF8 "Text that is not UTF-8; convert the file"

static const struct {
        const char *text, *want;
} refused_rows[] = {
        { "[U]\nA=b\ngarbage\n", "x:3: " NOT_A_LINE },
        { "garbage\n", "x:1: " NOT_A_LINE },
        { "[U]\n=b\n", "x:2: " NOT_A_LINE },
        { "[U]\n  =b\n", "x:2: " NOT_A_LINE },
        { "# c\n\nA=b\n[U]\n", "x:3: " NO_SECTION },
        { "[U]\nA=b\\\nc\ngarbage\\\n# x\nmore\n", "x:4: " NOT_A_LINE },
        { "[U\n", "x:1: " NO_HEADER },
        { "[U] # no comment\n", "x:1: " NO_HEADER },
        { "[]\n", "x:1: " NO_HEADER },
        { "[\n", "x:1: " NO_HEADER },
        { "[a\"b]\n", "x:1: " NO_HEADER },
        { "[a\x01]\n", "x:1: " NO_HEADER },
        { "[U]\nA=\xff\n", "x:2: " NO_UTF8 },
        { "[U]\nA=\xc3\n", "x:2: " NO_UTF8 },
        { "[U]\nA=\xc0\x80\n", "x:2: " NO_UTF8 },
        { "[U]\nA=\xe0\x80\x80\n", "x:2: " NO_UTF8 },
        { "[U]\nA=\xed\xa0\x80\n", "x:2: " NO_UTF8 },
        { "[U]\nA=\xf4\x90\x80\x80\n", "x:2: " NO_UTF8 },
        { "[X-a]\nA=\xff\n", "x:2: " NO_UTF8 },
};

static void test_unit_file__refuses(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(refused_rows); i++) {
                cleanup(arena_donep) Arena arena = { 0 };
                const UnitFile *file = NULL;
                Error error = { 0 };
                const char *text = refused_rows[i].text;
                assert_int_equal(unit_file_parse(&arena, "x", text, strlen(text), &file, &error),
                                -EBADMSG);
                assert_string_equal(error.message, refused_rows[i].want);
                assert_null(file);
        }
}

static void test_unit_file__refuses_nul(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        const UnitFile *file = NULL;
        Error error = { 0 };
        assert_int_equal(
                        unit_file_parse(&arena, "x", "[U]\nA=b\0c\n", 10, &file, &error), -EBADMSG);
        assert_string_equal(error.message, "x:2: A NUL byte; this must be text");
}

static int parse_padded(const char *before, size_t n_padding, const char *after, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, before);
        for (size_t i = 0; i < n_padding; i++)
                text_add_n(&text, "x", 1);
        text_add(&text, after);
        assert_int_equal(text.error, 0);
        const UnitFile *file = NULL;
        return unit_file_parse(&arena, "x", text.data, text.length, &file, reterr);
}

static void test_unit_file__limits(void **state) {
        (void) state;
        Error error = { 0 };
        assert_int_equal(parse_padded("[U]\nA=", UNIT_MAX_LINE_BYTES - 2, "\n", &error), 0);
        assert_int_equal(parse_padded("[U]\nA=", UNIT_MAX_LINE_BYTES - 1, "\n", &error), -EBADMSG);
        assert_string_equal(error.message, "x:2: A line of more than 65536 bytes; split it up");
        assert_int_equal(
                        parse_padded("[U]\nA=\\\n", UNIT_MAX_LINE_BYTES, "\\\n", &error), -EBADMSG);
        assert_string_equal(error.message, "x:2: A line of more than 65536 bytes; split it up");
        assert_int_equal(parse_padded("#", UNIT_MAX_FILE_BYTES - 1, "", &error), 0);
        assert_int_equal(parse_padded("#", UNIT_MAX_FILE_BYTES, "", &error), -EBADMSG);
        assert_string_equal(error.message, "x:1: A file of more than 1048576 bytes; split it up");
}

static void test_unit_file__lists_sections(void **state) {
        (void) state;
        cleanup(arena_donep) Arena arena = { 0 };
        const UnitFile *file = NULL;
        const char text[] = "[A]\n\n[B]\n[A]\nx=y\n";
        assert_int_equal(unit_file_parse(&arena, "x", text, strlen(text), &file, NULL), 0);
        assert_int_equal(file->n_sections, 3);
        assert_string_equal(file->sections[0].name, "A");
        assert_int_equal(file->sections[1].line, 3);
        assert_int_equal(file->lines[0].nth_section, 2);
}

/* The data stay as they are: what is placed on the host is not what was cut up. */
static void test_unit_file__is_parsed_once_for_each_content(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        Content *content = NULL;
        const char text[] = "[U]\nA=b\\\nc\n";
        assert_int_equal(contents_add(contents, text, strlen(text), &content, NULL), 0);
        const UnitFile *first = NULL, *second = NULL;
        assert_int_equal(unit_file_of(contents, content, "x", &first, NULL), 0);
        assert_int_equal(unit_file_of(contents, content, "y", &second, NULL), 0);
        assert_ptr_equal(first, second);
        assert_string_equal(first->lines[0].value, "b c");
        assert_string_equal(content->data, text);
}

static void test_unit_file__a_refused_content_is_refused_again(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        Content *content = NULL;
        assert_int_equal(contents_add(contents, "x", 1, &content, NULL), 0);
        const UnitFile *file = NULL;
        Error error = { 0 };
        assert_int_equal(unit_file_of(contents, content, "a", &file, &error), -EBADMSG);
        assert_int_equal(unit_file_of(contents, content, "b", &file, &error), -EBADMSG);
        assert_string_equal(error.message, "b:1: " NOT_A_LINE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unit_file__reads),
                cmocka_unit_test(test_unit_file__refuses),
                cmocka_unit_test(test_unit_file__refuses_nul),
                cmocka_unit_test(test_unit_file__limits),
                cmocka_unit_test(test_unit_file__lists_sections),
                cmocka_unit_test(test_unit_file__is_parsed_once_for_each_content),
                cmocka_unit_test(test_unit_file__a_refused_content_is_refused_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
