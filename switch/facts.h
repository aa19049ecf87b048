/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is remembered, as the verbs that only look print it: pieces of text and JSON that several of
 * them share. */

#include "base/text.h"
#include "state/generation.h"
#include "state/record.h"

#include <jansson.h>

/* "6c3f1a2b9d", with "-dirty" behind, as git describe has it; "" without a commit. */
void text_add_commit(Text *text, const char *commit, bool is_dirty);

/* As diff/plan_json.c: NULL when out of memory, NULL values are refused by what takes them. */
json_t *json_text_or_null(const char *text) must_check;
json_t *json_time(uint64_t usec) must_check; /* "2024-05-01T12:00:05Z"; null for 0 */
json_t *json_generation(const Generation *generation) must_check;
json_t *json_debts(const Debt *debts, size_t n_debts) must_check;
json_t *json_entry_path(EntryRoot root, const char *path) must_check;
/* Print and release; NULL: out of memory. An object is given "schema"; a list is one's only key. */
int json_print(json_t *object, Error *reterr) must_check;
int json_print_list(const char *key, json_t *array, Error *reterr) must_check;
int json_print_whole(json_t *value, Error *reterr) must_check; /* as it is */
