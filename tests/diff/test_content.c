/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/content.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static void test_content__equal_data_are_one(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        char data[] = "hello";
        Content *first = NULL, *second = NULL, *other = NULL;
        assert_int_equal(contents_add(contents, data, 5, &first, NULL), 0);
        data[0] = 'j';
        assert_int_equal(contents_add(contents, "hello", 5, &second, NULL), 0);
        assert_int_equal(contents_add(contents, data, 5, &other, NULL), 0);
        assert_ptr_equal(first, second);
        assert_ptr_not_equal(first, other);
        assert_string_equal(first->data, "hello");
        assert_int_equal(first->size_bytes, 5);
}

static void test_content__any_bytes_and_none(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        Content *empty = NULL, *binary = NULL;
        assert_int_equal(contents_add(contents, NULL, 0, &empty, NULL), 0);
        assert_int_equal(contents_add(contents, "\0a\0", 3, &binary, NULL), 0);
        assert_string_equal(empty->data, "");
        assert_memory_equal(binary->data, "\0a\0", 4);
        assert_ptr_not_equal(empty, binary);
}

static int n_loads;

static int load(void *userdata, const Content *content, char **ret_data, Error *reterr) {
        (void) content;
        n_loads++;
        if (!userdata)
                return error_set(reterr, -EIO, "The disk is gone");
        *ret_data = strdup(userdata);
        assert_non_null(*ret_data);
        return 0;
}

static Content *add_known(Contents *contents, const char *data) {
        Digest digest;
        Content *content = NULL;
        assert_int_equal(digest_of(data, strlen(data), &digest), 0);
        assert_int_equal(contents_add_known(contents, &digest, strlen(data), &content, NULL), 0);
        return content;
}

static void test_content__is_loaded_when_needed(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        char text[] = "stored";
        n_loads = 0;
        contents_set_loader(contents, load, text);
        Content *content = add_known(contents, "stored");
        assert_null(content->data);
        assert_int_equal(content_load(contents, content, NULL), 0);
        assert_int_equal(content_load(contents, content, NULL), 0);
        assert_string_equal(content->data, "stored");
        assert_int_equal(n_loads, 1);
}

static void test_content__load_fails(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        Content *content = add_known(contents, "stored");
        Error error = { 0 };
        assert_int_equal(content_load(contents, content, &error), -ENODATA);
        contents_set_loader(contents, load, NULL);
        assert_int_equal(content_load(contents, content, &error), -EIO);
        assert_string_equal(error.message, "The disk is gone");
        assert_null(content->data);
}

static void test_content__known_before_its_data(void **state) {
        (void) state;
        cleanup(contents_freep) Contents *contents = contents_new();
        Content *known = add_known(contents, "late"), *added = NULL;
        assert_int_equal(contents_add(contents, "late", 4, &added, NULL), 0);
        assert_ptr_equal(known, added);
        assert_string_equal(known->data, "late");
        /* data that come again are freed: the sanitizer would see it */
        assert_int_equal(contents_give_data(contents, known, strdup("late"), NULL), 0);
        Content *given = add_known(contents, "given");
        assert_int_equal(contents_give_data(contents, given, strdup("given"), NULL), 0);
        assert_string_equal(given->data, "given");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_content__equal_data_are_one),
                cmocka_unit_test(test_content__any_bytes_and_none),
                cmocka_unit_test(test_content__is_loaded_when_needed),
                cmocka_unit_test(test_content__load_fails),
                cmocka_unit_test(test_content__known_before_its_data),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
