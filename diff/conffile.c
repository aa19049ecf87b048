/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/conffile.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FIELD "Conffiles:"
#define ETC "/etc/"

enum { MD5_LENGTH = 32 };

typedef struct Line {
        const char *text;
        size_t length;
} Line;

static bool next_line(const char **at, const char *end, Line *ret_line) {
        if (*at >= end)
                return false;
        const char *newline = memchr(*at, '\n', (size_t) (end - *at));
        ret_line->text = *at;
        ret_line->length = (size_t) ((newline ? newline : end) - *at);
        *at = newline ? newline + 1 : end;
        return true;
}

static bool takes_suffix(Line *line, const char *suffix) {
        size_t length = strlen(suffix);
        if (line->length <= length ||
                        memcmp(line->text + line->length - length, suffix, length) != 0)
                return false;
        line->length -= length;
        return true;
}

/* " /etc/a file MD5 obsolete": the words at the end tell where the path ends. */
static int read_conffile(Arena *arena, Line line, Conffile *ret_conffile) {
        while (takes_suffix(&line, " obsolete") || takes_suffix(&line, " remove-on-upgrade"))
                ;
        const char *space = memrchr(line.text, ' ', line.length);
        size_t prefix = 1 + strlen(ETC);
        if (!space || line.length <= prefix || memcmp(line.text, " " ETC, prefix) != 0 ||
                        space <= line.text + prefix)
                return 0;
        size_t length = (size_t) (line.text + line.length - space - 1);
        bool is_known = length == MD5_LENGTH;
        const Conffile conffile = {
                .path = arena_strndup(
                                arena, line.text + prefix, (size_t) (space - line.text) - prefix),
                .md5 = is_known ? arena_strndup(arena, space + 1, length) : "",
        };
        if (!conffile.path || !conffile.md5)
                return -ENOMEM;
        *ret_conffile = conffile;
        return 1;
}

static bool is_field(const Line *line) {
        return line->length >= strlen(FIELD) && memcmp(line->text, FIELD, strlen(FIELD)) == 0;
}

int conffiles_parse(Arena *arena,
                const char *data,
                size_t size_bytes,
                Conffile **ret_conffiles,
                size_t *ret_n_conffiles) {
        Conffile *conffiles = NULL;
        size_t n = 0, n_allocated = 0;
        bool inside = false;
        Line line;
        for (const char *at = data; next_line(&at, data + size_bytes, &line);) {
                if (line.length == 0 || *line.text != ' ') {
                        inside = is_field(&line);
                        continue;
                }
                if (!inside)
                        continue;
                if (n == n_allocated) {
                        n_allocated = 2 * n + 64;
                        conffiles = arena_grow(
                                        arena, conffiles, n, n_allocated, sizeof(*conffiles));
                        if (!conffiles)
                                return -ENOMEM;
                }
                int r = read_conffile(arena, line, &conffiles[n]);
                if (r < 0)
                        return r;
                n += (size_t) r;
        }
        *ret_conffiles = conffiles;
        *ret_n_conffiles = n;
        return 0;
}
