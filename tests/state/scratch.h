/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory of its own for each test, with real files; and short ways to fill it and to make
 * values. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/tree.h"
#include "state/database.h"
#include "tests/support/cmocka.h"

#include <stdbool.h>

/* Fails the test, showing the message, unless r >= 0; unless r is the negative errno that is
 * expected. */
#define assert_ok(r) scratch_assert_result((r), 0, &error, __FILE__, __LINE__)
#define assert_error(r, code) scratch_assert_result((r), (code), &error, __FILE__, __LINE__)
void scratch_assert_result(int r, int code, const Error *error, const char *file, int line);
#define assert_contains(text, part) scratch_assert_contains((text), (part), __FILE__, __LINE__)
void scratch_assert_contains(const char *text, const char *part, const char *file, int line);

/* cmocka fixtures: *state is the directory's path. Tear down removes it with all that is in it. */
int scratch_setup(void **state);
int scratch_teardown(void **state);
#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)

/* The same with a database in it; *state is this. */
typedef struct ScratchDatabase {
        void *directory;
        Database *database;
        Arena arena;
} ScratchDatabase;
int scratch_database_setup(void **state);
int scratch_database_teardown(void **state);

/* All paths are relative to the directory; what is missing above a file is made. The result of
 * scratch_path() is good until the eighth next call. */
const char *scratch_path(void **state, const char *path);
void scratch_write(void **state, const char *path, const char *text);
void scratch_write_bytes(void **state, const char *path, const void *data, size_t size_bytes);
void scratch_make_directory(void **state, const char *path);
void scratch_link(void **state, const char *path, const char *target);
void scratch_remove(void **state, const char *path);
bool scratch_exists(void **state, const char *path);
/* Returns once the clock of file times has moved on so far that nothing written before is racily
 * clean (stat_cache.h). */
void scratch_let_age(void);

/* Values. */
Content *scratch_content(Contents *contents, const char *text);
void scratch_add_file(Tree *tree, Contents *contents, const char *path, const char *text);
void scratch_add_link(Tree *tree, const char *path, const char *target);
Tree *scratch_seal(Tree *tree);
