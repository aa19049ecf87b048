/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The syntax of systemd.syntax(7): unit files, drop-ins and profile.conf. One parser for
 * everything. */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/content.h"

typedef struct UnitLine {
        const char *section;  /* "Service" */
        const char *key;      /* "ExecStart" */
        const char *value;    /* continued lines joined, white space around trimmed; never NULL, ""
                                 empties a list */
        unsigned line;        /* of the key, from 1 */
        unsigned nth_section; /* which [Section] header of the file, from 0: tells repeated sections
                                 apart */
} UnitLine;

typedef struct UnitFile {
        const UnitLine *lines;
        size_t n_lines;
        const struct UnitSection {
                const char *name;
                unsigned line;
        } * sections; /* every header, in order, empty ones too */
        size_t n_sections;
} UnitFile;

/* name stands before ":LINE: " in errors. The result lives in the arena.
 * Returns 0, or -EBADMSG for a line that is no section, assignment or comment, an assignment before
 * any section, a line or file beyond its limit, a NUL byte, or text that is not UTF-8. */
int unit_file_parse(Arena *arena,
                const char *name,
                const char *data,
                size_t size_bytes,
                const UnitFile **ret_file,
                Error *reterr) must_check;

/* The same of a content that is at hand, but goes on behind each line that is refused, and notes it
 * in faults. Behind a line or NUL byte that is no text of ours at all there is nothing to read. */
int unit_file_parse_all(Arena *arena,
                const char *name,
                const Content *content,
                Strv *faults,
                const UnitFile **ret_file,
                Error *reterr) must_check;

/* The parsed form of a content, parsed once and kept with it (its data are loaded when needed). */
int unit_file_of(Contents *contents,
                Content *content,
                const char *name,
                const UnitFile **ret_file,
                Error *reterr) must_check;

/* The next word of a value, as systemd splits: white space, '...' and "..." quotes, C escapes,
 * backslash. *text moves on. The word lives in the arena. Returns 1, 0 at the end, -EBADMSG for an
 * unbalanced quote, -ENOMEM. */
int unit_value_next_word(Arena *arena, const char **text, const char **ret_word) must_check;
/* The same, but a backslash is a letter like any other: for lists of unit names and paths
 * ("srv-my\x2ddata.mount"). */
int unit_value_next_name(Arena *arena, const char **text, const char **ret_word) must_check;

/* systemd's booleans: 1, yes, y, true, t, on; 0, no, n, false, f, off. Returns 1, 0, or -EINVAL. */
int unit_value_boolean(const char *value);
