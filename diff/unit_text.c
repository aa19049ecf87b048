/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_text.h"

#include <errno.h>
#include <string.h>

#define LISTEN "Listen*"

const char *text_part_path(Arena *arena, const TextPart *part) {
        return arena_printf(arena, "%s%s", part->prefix, part->path);
}

const UnitLine *unit_text_next(TextCursor *cursor) {
        while (cursor->nth_part < cursor->text->n_parts) {
                const UnitFile *file = cursor->text->parts[cursor->nth_part]->file;
                if (file && cursor->nth_line < file->n_lines)
                        return &file->lines[cursor->nth_line++];
                cursor->nth_part++;
                cursor->nth_line = 0;
        }
        return NULL;
}

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

const char *unit_text_value(const UnitText *text, const char *section, const char *key) {
        TextCursor cursor = { .text = text };
        const char *value = NULL;
        for (const UnitLine *line; (line = unit_text_next(&cursor));)
                if (is(line->key, key) && is(line->section, section))
                        value = *line->value ? line->value : NULL;
        return value;
}

int unit_text_boolean(const UnitText *text, const char *section, const char *key) {
        const char *value = unit_text_value(text, section, key);
        int boolean = value ? unit_value_boolean(value) : -1;
        return boolean < 0 ? -1 : boolean;
}

static bool is_flag_section(const char *section) {
        return is(section, "Unit") || is(section, "Service");
}

const char *unit_text_flag(const UnitText *text, const char *key) {
        TextCursor cursor = { .text = text };
        const char *value = NULL;
        for (const UnitLine *line; (line = unit_text_next(&cursor));)
                if (is(line->key, key) && is_flag_section(line->section))
                        value = *line->value ? line->value : NULL;
        return value;
}

int unit_text_flag_boolean(const UnitText *text, const char *key) {
        const char *value = unit_text_flag(text, key);
        int boolean = value ? unit_value_boolean(value) : -1;
        return boolean < 0 ? -1 : boolean;
}

int unit_text_values(Arena *arena,
                const UnitText *text,
                const char *section,
                const char *key,
                const char *const **ret_values,
                size_t *ret_n_values) {
        const char **values = NULL;
        size_t n = 0, n_allocated = 0;
        TextCursor cursor = { .text = text };
        for (const UnitLine *line; (line = unit_text_next(&cursor));) {
                if (!is(line->key, key) || !(section ? is(line->section, section)
                                                     : is_flag_section(line->section)))
                        continue;
                if (!*line->value) {
                        n = 0;
                        continue;
                }
                if (n == n_allocated) {
                        n_allocated = n_allocated ? n_allocated * 2 : 4;
                        values = arena_grow(arena, values, n, n_allocated, sizeof(char *));
                        if (!values)
                                return -ENOMEM;
                }
                values[n++] = line->value;
        }
        *ret_values = values;
        *ret_n_values = n;
        return 0;
}

/* One line of a text, or a part that is not at hand, as it takes part in a comparison. */
typedef struct Setting {
        const char *section, *key, *value;
        const char *real_key; /* "ListenStream" where key is LISTEN */
        const TextPart *part;
        size_t nth; /* in the order of reading */
} Setting;

static int compare_settings(const void *left_setting, const void *right_setting) {
        const Setting *left = left_setting, *right = right_setting;
        int order = strcmp(left->section, right->section);
        if (order == 0)
                order = strcmp(left->key, right->key);
        if (order == 0)
                order = left->nth < right->nth ? -1 : left->nth > right->nth;
        return order;
}

static bool is_ours(const UnitLine *line) {
        return strncmp(line->section, "X-", 2) == 0 || strncmp(line->key, "X-", 2) == 0;
}

static Setting setting_of(const UnitLine *line, const TextPart *part) {
        bool listens = is(line->section, "Socket") && strncmp(line->key, "Listen", 6) == 0;
        return (Setting){
                .section = line->section,
                .key = listens ? LISTEN : line->key,
                .value = line->value,
                .real_key = line->key,
                .part = part,
        };
}

/* A part without text: of a unit that is known whole a mask says nothing, else it may hide a
 * drop-in of the distribution. */
static bool is_opaque(const UnitText *text, const TextPart *part) {
        return !part->file && (*part->identity || !text->is_whole);
}

/* The settings of a text, sorted, each key once for each value. */
static int collect(
                Arena *arena, const UnitText *text, const Setting **ret_settings, size_t *ret_n) {
        size_t n = text->n_parts;
        for (size_t i = 0; i < text->n_parts; i++)
                n += text->parts[i]->file ? text->parts[i]->file->n_lines : 0;
        Setting *settings = arena_new(arena, Setting, n + 1);
        if (!settings)
                return -ENOMEM;
        n = 0;
        for (size_t i = 0; i < text->n_parts; i++) {
                const TextPart *part = text->parts[i];
                for (size_t j = 0; part->file && j < part->file->n_lines; j++)
                        if (!is_ours(&part->file->lines[j]))
                                settings[n++] = setting_of(&part->file->lines[j], part);
                if (is_opaque(text, part))
                        settings[n++] = (Setting){
                                .section = "",
                                .key = part->path,
                                .value = *part->identity ? part->identity : "/dev/null",
                                .real_key = part->path,
                                .part = part,
                        };
        }
        for (size_t i = 0; i < n; i++)
                settings[i].nth = i;
        if (n > 1)
                qsort(settings, n, sizeof(Setting), compare_settings);
        *ret_settings = settings;
        *ret_n = n;
        return 0;
}

/* The values of one key: [start, end) of sorted settings. What stands before the last empty value
 * does not count; that the list was emptied counts where it may empty what the distribution says.
 */
typedef struct Values {
        const Setting *start, *end;
} Values;

static Values values_at(const Setting *settings, const Setting *end, bool is_whole) {
        Values values = { .start = settings, .end = settings };
        for (; values.end < end && is(values.end->section, settings->section) &&
                        is(values.end->key, settings->key);
                        values.end++)
                if (!*values.end->value)
                        values.start = is_whole ? values.end + 1 : values.end;
        return values;
}

/* Keys whose value is one text; of all others it is made of words. */
static bool is_one_text(const char *key) {
        return is(key, "Description") || is(key, "StandardInputText") || is(key, "SetCredential") ||
               is(key, "SetCredentialEncrypted");
}

static size_t skip_space(const char *text) {
        return strspn(text, " \t\n\r");
}

/* The same words: between words, outside of quotes, white space is white space however much there
 * is. */
static bool words_equal(const char *left, const char *right) {
        char quote = 0;
        while (*left && *right) {
                size_t left_space = quote ? 0 : skip_space(left),
                       right_space = quote ? 0 : skip_space(right);
                if ((left_space > 0) != (right_space > 0))
                        return false;
                left += left_space;
                right += right_space;
                if (left_space > 0)
                        continue;
                if (*left != *right)
                        return false;
                bool is_escape = *left == '\\' && left[1] && left[1] == right[1];
                if (!is_escape && (*left == '"' || *left == '\''))
                        quote = quote == *left ? 0 : quote ? quote : *left;
                left += is_escape ? 2 : 1;
                right += is_escape ? 2 : 1;
        }
        return *left == *right;
}

static bool value_equal(const Setting *left, const Setting *right) {
        if (!is(left->real_key, right->real_key))
                return false;
        return is_one_text(left->real_key) ? is(left->value, right->value)
                                           : words_equal(left->value, right->value);
}

static bool values_equal(Values left, Values right) {
        if (left.end - left.start != right.end - right.start)
                return false;
        for (ptrdiff_t i = 0; i < left.end - left.start; i++)
                if (!value_equal(&left.start[i], &right.start[i]))
                        return false;
        return true;
}

static int compare_keys(const Setting *left,
                const Setting *left_end,
                const Setting *right,
                const Setting *right_end) {
        if (left == left_end || right == right_end)
                return left == left_end ? 1 : -1;
        int order = strcmp(left->section, right->section);
        return order ? order : strcmp(left->key, right->key);
}

static bool has_part(const UnitText *text, const TextPart *part) {
        for (size_t i = 0; i < text->n_parts; i++)
                if (strcmp(text->parts[i]->path, part->path) == 0 &&
                                strcmp(text->parts[i]->prefix, part->prefix) == 0)
                        return true;
        return false;
}

const char *unit_text_part_word(
                const UnitText *before, const UnitText *after, const TextPart *part) {
        if (!has_part(before, part))
                return "added";
        return has_part(after, part) ? "changed" : "removed";
}

bool unit_text_is_shared(const UnitText *before, const UnitText *after) {
        if (before->n_parts != after->n_parts || before->is_whole != after->is_whole)
                return false;
        for (size_t i = 0; i < before->n_parts; i++) {
                const TextPart *left = before->parts[i], *right = after->parts[i];
                if (left == right)
                        continue;
                if (left->file != right->file || !is(left->path, right->path) ||
                                (!left->file && !is(left->identity, right->identity)))
                        return false;
        }
        return true;
}

static TextChange change_of(Values before, Values after) {
        const Setting *any = after.start < after.end ? after.end - 1 : before.end - 1;
        return (TextChange){
                .section = any->section,
                .key = any->key,
                .part = any->part,
                .was_set = before.start < before.end,
                .is_set = after.start < after.end,
        };
}

int unit_text_compare(Arena *arena,
                const UnitText *before,
                const UnitText *after,
                const TextChange **ret_changes,
                size_t *ret_n_changes) {
        *ret_changes = NULL;
        *ret_n_changes = 0;
        if (unit_text_is_shared(before, after))
                return 0;
        const Setting *left = NULL, *right = NULL;
        size_t n_left = 0, n_right = 0;
        if (collect(arena, before, &left, &n_left) < 0 ||
                        collect(arena, after, &right, &n_right) < 0)
                return -ENOMEM;
        TextChange *changes = arena_new(arena, TextChange, n_left + n_right + 1);
        if (!changes)
                return -ENOMEM;
        size_t n = 0;
        const Setting *left_end = left + n_left, *right_end = right + n_right;
        while (left < left_end || right < right_end) {
                int order = compare_keys(left, left_end, right, right_end);
                Values was = { 0 }, is_now = { 0 };
                if (order <= 0)
                        was = values_at(left, left_end, before->is_whole);
                if (order >= 0)
                        is_now = values_at(right, right_end, after->is_whole);
                if (!values_equal(was, is_now))
                        changes[n++] = change_of(was, is_now);
                left = order <= 0 ? was.end : left;
                right = order >= 0 ? is_now.end : right;
        }
        *ret_changes = changes;
        *ret_n_changes = n;
        return 0;
}
