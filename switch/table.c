/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/output.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

void table_done(Table *table) {
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i].text);
        free(table->cells);
        *table = (Table){ 0 };
}

void table_add(Table *table, Style style, const char *cell) {
        if (table->error < 0)
                return;
        if (table->n_cells == table->n_allocated) {
                size_t n_wanted = table->n_allocated * 2 + 32;
                void *grown = reallocarray(table->cells, n_wanted, sizeof(*table->cells));
                if (!grown) {
                        table->error = -ENOMEM;
                        return;
                }
                table->cells = grown;
                table->n_allocated = n_wanted;
        }
        char *copy = strdup(cell);
        if (!copy) {
                table->error = -ENOMEM;
                return;
        }
        table->cells[table->n_cells++] = (struct TableCell){ copy, style };
}

void table_addf(Table *table, Style style, const char *format, ...) {
        char *cell = NULL;
        va_list arguments;
        va_start(arguments, format);
        int length = vasprintf(&cell, format, arguments);
        va_end(arguments);
        if (length < 0) {
                table->error = -ENOMEM;
                return;
        }
        table_add(table, style, cell);
        free(cell);
}

/* Columns on the screen; bytes where the text is none of the locale's. */
static size_t width_of(const char *text) {
        wchar_t wide[512];
        size_t n = mbstowcs(wide, text, N_ELEMENTS(wide));
        if (n == (size_t) -1 || n == N_ELEMENTS(wide))
                return strlen(text);
        int width = wcswidth(wide, n);
        return width < 0 ? strlen(text) : (size_t) width;
}

static size_t column_width(const Table *table, size_t column) {
        size_t widest = 0;
        for (size_t i = column; i < table->n_cells; i += table->n_columns) {
                size_t width = width_of(table->cells[i].text);
                if (width > widest)
                        widest = width;
        }
        return widest;
}

static void add_spaces(Text *text, size_t n) {
        for (; n > 0; n--)
                text_add_n(text, " ", 1);
}

void table_to_text(const Table *table, const Output *output, unsigned indent, Text *text) {
        enum { MAX_COLUMNS = 16 };
        size_t widths[MAX_COLUMNS];
        if (table->error < 0)
                text->error = table->error;
        for (size_t column = 0; column < table->n_columns && column < MAX_COLUMNS; column++)
                widths[column] = column_width(table, column);
        for (size_t i = 0; i < table->n_cells; i++) {
                const struct TableCell *cell = &table->cells[i];
                size_t column = i % table->n_columns;
                if (column == 0)
                        add_spaces(text, indent);
                text_add(text, style_begin(output, cell->style));
                text_add(text, cell->text);
                text_add(text, style_end(output, cell->style));
                bool last = true; /* nothing but empty cells behind it: no blanks at the end of a
                                     line */
                for (size_t j = i + 1; j < i - column + table->n_columns && j < table->n_cells; j++)
                        last = last && !*table->cells[j].text;
                if (!last)
                        add_spaces(text, widths[column] - width_of(cell->text) + 2);
                if (column + 1 == table->n_columns || i + 1 == table->n_cells)
                        text_add(text, "\n");
        }
}

void text_add_time(Text *text, uint64_t usec) {
        time_t seconds = (time_t) (usec / 1000000);
        struct tm broken_down;
        char time[64];
        if (usec == 0 || !localtime_r(&seconds, &broken_down) ||
                        strftime(time, sizeof(time), "%Y-%m-%d %H:%M:%S", &broken_down) == 0)
                text_add(text, "-");
        else
                text_add(text, time);
}

void text_add_span(Text *text, uint64_t usec) {
        uint64_t tenths = (usec + 50000) / 100000;
        if (tenths < 600)
                text_addf(text, "%u.%u s", (unsigned) (tenths / 10), (unsigned) (tenths % 10));
        else
                text_addf(text, "%u min %u s", (unsigned) (tenths / 600),
                                (unsigned) (tenths / 10 % 60));
}
