/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void text_done(Text *text) {
        free(text->data);
        *text = (Text){ 0 };
}

void text_add_n(Text *text, const char *part, size_t length) {
        if (text->error < 0)
                return;
        if (text->length + length + 1 > text->n_allocated) {
                size_t n_wanted = (text->length + length + 1) * 2;
                char *grown = realloc(text->data, n_wanted);
                if (!grown) {
                        text->error = -ENOMEM;
                        return;
                }
                text->data = grown;
                text->n_allocated = n_wanted;
        }
        memcpy(text->data + text->length, part, length);
        text->length += length;
        text->data[text->length] = 0;
}

void text_add(Text *text, const char *part) {
        text_add_n(text, part, strlen(part));
}

void text_addf(Text *text, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        char *part = NULL;
        int length = vasprintf(&part, format, arguments);
        va_end(arguments);
        if (length < 0) {
                text->error = -ENOMEM;
                return;
        }
        text_add_n(text, part, (size_t) length);
        free(part);
}

size_t text_control_length(const char *string) {
        unsigned char byte = (unsigned char) string[0];
        if (byte == 0xc2 && ((unsigned char) string[1] & 0xe0) == 0x80)
                return 2;
        return byte < ' ' || byte == 0x7f;
}

int text_take(Text *text, char **ret_string) {
        text_add_n(text, "", 0);
        if (text->error < 0)
                return text->error;
        *ret_string = text->data;
        *text = (Text){ 0 };
        return 0;
}
