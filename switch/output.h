/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a person sees: colour and pager on a terminal only, aligned tables, and standard output
 * whose errors are noticed. */

#include "base/error.h"
#include "base/text.h"
#include "switch/options.h"
#include "switch/stream.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Output {
        bool terminal; /* standard output is one that understands escapes */
        bool color;    /* and NO_COLOR is not set */
        bool ascii;    /* the locale is not UTF-8 */
        bool pager;
        unsigned width; /* columns; 80 where nobody knows */
        Stream *stream; /* what goes to it is coloured, and no terminal; NULL */
} Output;

typedef enum Style {
        STYLE_NONE,
        STYLE_BOLD,
        STYLE_GREEN,
        STYLE_YELLOW,
        STYLE_RED,
        STYLE_GREY,
} Style;

void output_init(Output *output, const Options *options);
/* The same for what is written to standard error, which has its own colour. */
Output output_of_errors(const Output *output);
/* Writes the text, through the pager when there is one; for verbs that only show. Returns 0, or a
 * negative errno. */
int output_show(const Output *output, const Text *text, Error *reterr) must_check;
/* Flushes and closes standard output. Returns 0, or a negative errno when something written got
 * lost. */
int output_close(Error *reterr) must_check;

/* One line on standard error. */
void output_error(const Error *error);
void output_warning(const char *text);
/* Warnings wait, until they are printed or, where another process will print them, are not. */
void output_hold_warnings(void);
void output_release_warnings(bool print);

/* The escape sequence, "" without colour. style_end() for what style_begin() began. */
const char *style_begin(const Output *output, Style style);
const char *style_end(const Output *output, Style style);

/* A table: cells row by row, columns as wide as their widest cell, the last one never padded. */
typedef struct Table {
        size_t n_columns;
        struct TableCell {
                char *text;
                Style style;
        } * cells;
        size_t n_cells, n_allocated;
        int error; /* sticks, as in Text */
} Table;

void table_done(Table *table);
static inline void table_donep(Table *table) {
        table_done(table);
}
/* Cells fill the rows from left to right. */
void table_add(Table *table, Style style, const char *cell);
void table_addf(Table *table, Style style, const char *format, ...) printf_like(3, 4);
/* indent: spaces before each row. */
void table_to_text(const Table *table, const Output *output, unsigned indent, Text *text);

/* "2024-05-01 12:00:05", in local time; "-" for 0. */
void text_add_time(Text *text, uint64_t usec);
/* "0.2 s", "1 min 5 s" */
void text_add_span(Text *text, uint64_t usec);
