/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/quote.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(const char *name) {
        for (; *name; name++)
                if (text_control_length(name) > 0 || *name == '"' || *name == '\\')
                        return false;
        return true;
}

static void add_escaped(Text *text, const char *name) {
        static const char letters[] = "abtnvfr"; /* of 7 to 13 */
        for (; *name; name++) {
                unsigned char byte = (unsigned char) *name;
                if (byte == '"' || byte == '\\')
                        text_addf(text, "\\%c", byte);
                else if (byte >= 7 && byte <= 13)
                        text_addf(text, "\\%c", letters[byte - 7]);
                else if (text_control_length(name) == 2) {
                        text_addf(text, "\\%03o\\%03o", byte, (unsigned char) name[1]);
                        name++;
                } else if (text_control_length(name) == 1)
                        text_addf(text, "\\%03o", byte);
                else
                        text_add_n(text, name, 1);
        }
}

void text_add_name(Text *text, const char *prefix, const char *name) {
        if (is_plain(prefix) && is_plain(name)) {
                text_add(text, prefix);
                text_add(text, name);
                return;
        }
        text_add(text, "\"");
        add_escaped(text, prefix);
        add_escaped(text, name);
        text_add(text, "\"");
}

void text_add_line(Text *text, const char *line) {
        while (*line) {
                size_t length = *line == '\t' ? 0 : text_control_length(line);
                if (length > 0)
                        text_add(text, "?");
                else
                        text_add_n(text, line, 1);
                line += length > 0 ? length : 1;
        }
        text_add_n(text, "", 0);
}

/* Bytes of the UTF-8 sequence at the start of a text; 0: it is none. Jansson is asked, since it
 * must take the result. */
static size_t sequence_length(const char *text) {
        size_t n = (unsigned char) *text < 0x80    ? 1
                   : (unsigned char) *text >= 0xf0 ? 4
                   : (unsigned char) *text >= 0xe0 ? 3
                                                   : 2;
        if (strnlen(text, n) < n)
                return 0;
        json_t *probe = json_stringn(text, n);
        json_decref(probe);
        return probe ? n : 0;
}

json_t *json_text(const char *value) {
        json_t *string = json_string(value);
        if (string)
                return string;
        cleanup(text_donep) Text text = { 0 };
        while (*value) {
                size_t n = sequence_length(value);
                if (n == 0 || *value == '\\') {
                        text_addf(&text, "\\x%02x", (unsigned char) *value);
                        n = 1;
                } else
                        text_add_n(&text, value, n);
                value += n;
        }
        return text.error < 0 || !text.data ? NULL : json_string(text.data);
}
