/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of unit files: words and booleans. */
#include "diff/unit_file.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define WHITE_SPACE " \t\n\r"

/* Where a word goes: out is NULL on the first pass, which only measures. */
typedef struct Word {
        char *out;
        size_t length;
} Word;

static void put(Word *word, char c) {
        if (word->out)
                word->out[word->length] = c;
        word->length++;
}

static void put_utf8(Word *word, uint32_t character) {
        if (character < 0x80) {
                put(word, (char) character);
                return;
        }
        unsigned n_more = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
        static const uint32_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
        put(word, (char) (lead[n_more] | character >> 6 * n_more));
        while (n_more-- > 0)
                put(word, (char) (0x80 | (character >> 6 * n_more & 0x3f)));
}

/* Reads exactly n digits of the base. Returns the number, or -1. */
static int64_t read_digits(const char *text, size_t n, unsigned base) {
        int64_t number = 0;
        for (size_t i = 0; i < n; i++) {
                static const char digits[] = "0123456789abcdef";
                const char *digit = text[i] ? strchr(digits, text[i] | (text[i] >= 'A' ? 0x20 : 0))
                                            : NULL;
                if (!digit || digit - digits >= base)
                        return -1;
                number = number * base + (digit - digits);
        }
        return number;
}

/* A numeric escape behind the backslash. Returns the bytes read, or 0 when it is none. */
static size_t unescape_number(const char *text, Word *word) {
        size_t n_digits = *text == 'x' ? 2 : *text == 'u' ? 4 : *text == 'U' ? 8 : 0;
        if (n_digits == 0) {
                int64_t byte = read_digits(text, 3, 8);
                if (byte <= 0 || byte > 255)
                        return 0;
                put(word, (char) byte);
                return 3;
        }
        int64_t number = read_digits(text + 1, n_digits, 16);
        if (number <= 0 || number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff))
                return 0;
        if (n_digits == 2)
                put(word, (char) number);
        else
                put_utf8(word, (uint32_t) number);
        return 1 + n_digits;
}

/* What follows a backslash. An escape that C does not know stays as it is, as systemd does after a
 * warning. */
static size_t unescape(const char *text, Word *word) {
        static const char letters[] = "abfnrtvs\\\"'", meanings[] = "\a\b\f\n\r\t\v \\\"'";
        const char *letter = *text ? strchr(letters, *text) : NULL;
        if (letter) {
                put(word, meanings[letter - letters]);
                return 1;
        }
        size_t n = unescape_number(text, word);
        if (n > 0)
                return n;
        put(word, '\\');
        if (!*text)
                return 0;
        put(word, *text); /* be it white space: it parts no words here */
        return 1;
}

/* Reads one word from text on. Returns the bytes read, or -EBADMSG. */
static ssize_t read_word(const char *text, bool keep_escapes, Word *word) {
        const char *p = text;
        char quote = 0;
        while (*p && (quote || !strchr(WHITE_SPACE, *p))) {
                char c = *p++;
                if (c == quote)
                        quote = 0;
                else if (!quote && (c == '"' || c == '\''))
                        quote = c;
                else if (c == '\\' && !keep_escapes)
                        p += unescape(p, word);
                else
                        put(word, c);
        }
        return quote ? -EBADMSG : p - text;
}

static int next_word(Arena *arena, const char **text, bool keep_escapes, const char **ret_word) {
        const char *start = *text + strspn(*text, WHITE_SPACE);
        if (!*start) {
                *text = start;
                return 0;
        }
        size_t plain = strcspn(start, WHITE_SPACE "\"'\\");
        if (!start[plain] || strchr(WHITE_SPACE, start[plain])) {
                const char *copy = arena_strndup(arena, start, plain);
                if (!copy)
                        return -ENOMEM;
                *ret_word = copy;
                *text = start + plain;
                return 1;
        }
        Word word = { 0 };
        ssize_t length = read_word(start, keep_escapes, &word);
        if (length < 0)
                return (int) length;
        word = (Word){ .out = arena_alloc(arena, word.length + 1) };
        if (!word.out)
                return -ENOMEM;
        (void) read_word(start, keep_escapes, &word); /* it was read before */
        *ret_word = word.out;
        *text = start + length;
        return 1;
}

int unit_value_next_word(Arena *arena, const char **text, const char **ret_word) {
        return next_word(arena, text, false, ret_word);
}

int unit_value_next_name(Arena *arena, const char **text, const char **ret_word) {
        return next_word(arena, text, true, ret_word);
}

int unit_value_boolean(const char *value) {
        static const char *const words[2][6] = {
                { "0", "no", "n", "false", "f", "off" },
                { "1", "yes", "y", "true", "t", "on" },
        };
        for (int truth = 0; truth < 2; truth++)
                for (size_t i = 0; i < N_ELEMENTS(words[truth]); i++)
                        if (strcasecmp(value, words[truth][i]) == 0)
                                return truth;
        return -EINVAL;
}
