/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The merged text of a unit: its file and its drop-ins, in the order in which systemd reads them
 * (rules R1 to R3). Nothing is copied: the parts are parsed files, and values are read through
 * them. */

#include "base/arena.h"
#include "diff/unit_file.h"

#include <stdbool.h>

typedef struct TextPart {
        const char *prefix, *path; /* "/etc/" and "systemd/system/web.service.d/user.conf" */
        const char *origin;   /* "units/web.service.d/user.conf", for errors; NULL: not known */
        const UnitFile *file; /* NULL: the text is not at hand: a link out of the tree, or no text
                                 that the parser takes */
        const char *identity; /* then: what tells it from another; "" for a mask (a drop-in that is
                                 empty or /dev/null) */
        unsigned mentions;    /* diff/mention.h; 0 where the text is not at hand */
} TextPart;

/* The whole path, for reasons. NULL when memory is short. */
const char *text_part_path(Arena *arena, const TextPart *part) must_check;

typedef struct UnitText {
        const TextPart *const *parts;
        size_t n_parts;
        bool is_whole; /* the unit's own file is the first part; else the parts add to a text of the
                          distribution, which is not known */
        unsigned mentions; /* of all parts */
} UnitText;

/* Walks all lines: start with { .text = text }. NULL at the end. */
typedef struct TextCursor {
        const UnitText *text;
        size_t nth_part, nth_line;
} TextCursor;
const UnitLine *unit_text_next(TextCursor *cursor);

/* The value that counts of a key that has one; NULL: not set, or emptied. */
const char *unit_text_value(const UnitText *text, const char *section, const char *key);
/* A boolean of [section]: 1, 0, or -1 when it is not set or no boolean. */
int unit_text_boolean(const UnitText *text, const char *section, const char *key);
/* A key of ours, "X-…", in [Unit] or [Service]: the later line counts. */
const char *unit_text_flag(const UnitText *text, const char *key);
int unit_text_flag_boolean(const UnitText *text, const char *key);

/* The values of a key, in order, since it was last emptied; section NULL: [Unit] and [Service].
 * Returns 0 or -ENOMEM. */
int unit_text_values(Arena *arena,
                const UnitText *text,
                const char *section,
                const char *key,
                const char *const **ret_values,
                size_t *ret_n_values) must_check;

/* One key that differs between two texts. Keys that begin with X-, and such sections, are no part
 * of a text. */
typedef struct TextChange {
        const char *section;
        const char *key;      /* "Listen*" for the list that a socket's Listen…= keys are */
        const TextPart *part; /* which says it now, or said it last */
        bool was_set, is_set;
} TextChange;

/* "added", "removed" or "changed": what became of a part that says a change. */
const char *unit_text_part_word(
                const UnitText *before, const UnitText *after, const TextPart *part);
/* Are they the same without looking into them? Then they are equal; else they may be all the same.
 */
bool unit_text_is_shared(const UnitText *before, const UnitText *after);
/* Changes in the order of section and key. Returns 0 or -ENOMEM. */
int unit_text_compare(Arena *arena,
                const UnitText *before,
                const UnitText *after,
                const TextChange **ret_changes,
                size_t *ret_n_changes) must_check;
