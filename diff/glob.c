/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/glob.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

/* There is no escape character: a backslash is common in names of units ("srv-my\x2ddata.mount");
 * "[*]" is a star. */

bool glob_is_pattern(const char *pattern) {
        return strpbrk(pattern, "*?[") != NULL;
}

unsigned glob_literal_prefix(const char *pattern) {
        size_t length = strcspn(pattern, "*?[");
        while (length > 0 && pattern[length - 1] != '/')
                length--;
        return (unsigned) length;
}

/* The length of the bracket expression that starts here, or 0 when it has no end: then the '['
 * stands for itself. */
static size_t bracket_length(const char *pattern) {
        const char *p = pattern + 1;
        if (*p == '!' || *p == '^')
                p++;
        if (*p == ']')
                p++;
        while (*p && *p != ']') {
                const char *class_end = p[0] == '[' && p[1] == ':' ? strstr(p + 2, ":]") : NULL;
                p = class_end ? class_end + 2 : p + 1;
        }
        return *p ? (size_t) (p + 1 - pattern) : 0;
}

static bool bracket_matches(const char *bracket, size_t length, char c) {
        char pattern[256], text[] = { c, 0 };
        if (length >= sizeof(pattern))
                return false;
        memcpy(pattern, bracket, length);
        pattern[length] = 0;
        return fnmatch(pattern, text, FNM_NOESCAPE) == 0;
}

/* Bytes of the UTF-8 character at text; any other byte counts by itself. */
static size_t character_length(const char *text) {
        size_t length = 1;
        while (((unsigned char) text[length] & 0xc0) == 0x80)
                length++;
        return length;
}

/* Matches one element that is no star against the text. Moves both on and returns true when it
 * fits. */
static bool match_one(const char **pattern, const char **text) {
        const char *p = *pattern, *t = *text;
        if (!*p || !*t)
                return false;
        if (*p == '?') {
                if (*t == '/')
                        return false;
                *pattern = p + 1;
                *text = t + character_length(t);
                return true;
        }
        size_t bracket = *p == '[' ? bracket_length(p) : 0;
        if (bracket ? *t == '/' || !bracket_matches(p, bracket, *t) : *p != *t)
                return false;
        *pattern = p + (bracket ? bracket : 1);
        *text = t + 1;
        return true;
}

/* Where to go on when a later part of the pattern does not fit: the star takes one more. */
typedef struct Retry {
        const char *pattern; /* behind the star; NULL: no star yet */
        const char *text;    /* what the star has not taken yet */
        bool by_directory;   /* a "**" before '/': takes whole directories, or none */
} Retry;

static bool retry_deep(Retry *deep, const char **pattern, const char **text) {
        if (!deep->pattern || !*deep->text)
                return false;
        if (deep->by_directory) {
                const char *slash = strchr(deep->text, '/');
                if (!slash)
                        return false;
                deep->text = slash + 1;
        } else
                deep->text++;
        *pattern = deep->pattern;
        *text = deep->text;
        return true;
}

/* The last star of each kind is all that ever has to be tried again, so the time is bounded by a
 * product of lengths. */
bool glob_match(const char *pattern, const char *path) {
        Retry flat = { 0 }, deep = { 0 };
        const char *start = pattern, *text = path;
        for (;;) {
                if (pattern[0] == '*' && pattern[1] == '*') {
                        bool at_start = pattern == start || pattern[-1] == '/';
                        while (*pattern == '*')
                                pattern++;
                        bool by_directory = at_start && *pattern == '/';
                        if (by_directory)
                                pattern++;
                        deep = (Retry){
                                .pattern = pattern, .text = text, .by_directory = by_directory
                        };
                        flat = (Retry){ 0 };
                        continue;
                }
                if (*pattern == '*') {
                        flat = (Retry){ .pattern = ++pattern, .text = text };
                        continue;
                }
                if (!*pattern && !*text)
                        return true;
                if (match_one(&pattern, &text))
                        continue;
                if (flat.pattern && *flat.text && *flat.text != '/') {
                        pattern = flat.pattern;
                        text = ++flat.text;
                        continue;
                }
                flat = (Retry){ 0 };
                if (!retry_deep(&deep, &pattern, &text))
                        return false;
        }
}
