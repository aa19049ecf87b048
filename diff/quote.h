/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names and paths as they are shown: nothing in them can move a terminal's cursor or break a line
 * or a JSON text. */

#include "base/text.h"

#include <jansson.h>

/* PREFIX NAME as it is, or, when it holds a control character, a quote or a backslash, in quotes
 * with C escapes, as git has it. Bytes beyond ASCII stay. */
void text_add_name(Text *text, const char *prefix, const char *name);

/* A line of foreign text (a log, a hook's output), control characters but the tab as '?'. */
void text_add_line(Text *text, const char *line);

/* A JSON string; bytes that are no UTF-8 are written \xHH, as is the backslash of a text that has
 * such. New reference, NULL when out of memory. */
json_t *json_text(const char *value) must_check;
