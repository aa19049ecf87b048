/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_file.h"

#include "diff/source.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* The text is copied into the arena once and cut up in that copy: keys and values are slices of it,
 * and continued lines are joined in place, for the joined text is never longer than what it is made
 * of. */

#define WHITE_SPACE " \t\n\r"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

typedef struct Parser {
        const char *name;
        Strv *faults;       /* NULL: the first one ends it */
        char *cursor, *end; /* what is not read yet; *end is NUL */
        unsigned line;      /* of the physical line that was read last */
        bool has_carriage_return, is_ascii;
        bool is_foreign; /* in an [X-...] section: systemd does not look at what is there */
        UnitLine *lines;
        size_t n_lines;
        struct UnitSection *sections;
        size_t n_sections;
} Parser;

static bool is_white_space(char c) {
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Cuts white space off both ends: *end becomes NUL. */
static char *strip(char *start, char *end) {
        while (start < end && is_white_space(*start))
                start++;
        while (end > start && is_white_space(end[-1]))
                end--;
        *end = 0;
        return start;
}

/* One character; 0 when the bytes are none, or one that systemd refuses: overlong, a surrogate, a
 * noncharacter. */
static size_t utf8_length(const unsigned char *p) {
        if (p[0] < 0x80)
                return 1;
        size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
        if (p[0] < 0xc2 || p[0] > 0xf4)
                return 0;
        uint32_t character = p[0] & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                character = character << 6 | (p[i] & 0x3fu);
        }
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        if (character < least[length] || character > 0x10ffff ||
                        (character >= 0xd800 && character <= 0xdfff) ||
                        (character >= 0xfdd0 && character <= 0xfdef) ||
                        (character & 0xfffe) == 0xfffe)
                return 0;
        return length;
}

static bool is_utf8(const char *text) {
        const unsigned char *p = (const unsigned char *) text;
        while (*p) {
                size_t length = utf8_length(p);
                if (length == 0)
                        return false;
                p += length;
        }
        return true;
}

static bool is_all_ascii(const char *data, size_t size_bytes) {
        unsigned char all = 0;
        for (size_t i = 0; i < size_bytes; i++)
                all |= (unsigned char) data[i];
        return all < 0x80;
}

/* Reads one physical line: ended, as systemd has it, by LF, CR or the two in any order. Returns
 * false at the end. */
static bool read_line(Parser *parser, char **ret_start, char **ret_end) {
        char *start = parser->cursor;
        if (start == parser->end)
                return false;
        char *end = NULL;
        if (parser->has_carriage_return)
                end = start + strcspn(start, "\n\r");
        else if (!(end = memchr(start, '\n', (size_t) (parser->end - start))))
                end = parser->end;
        char *next = end;
        if (next < parser->end) {
                next++;
                if (next < parser->end && (*next == '\n' || *next == '\r') && *next != *end)
                        next++;
        }
        parser->cursor = next;
        parser->line++;
        *ret_start = start;
        *ret_end = end;
        return true;
}

static bool is_comment(const char *start, const char *end) {
        while (start < end && is_white_space(*start))
                start++;
        return start < end && (*start == '#' || *start == ';');
}

static bool is_continued(const char *start, const char *end) {
        size_t n_backslashes = 0;
        while (end > start && end[-1] == '\\') {
                n_backslashes++;
                end--;
        }
        return n_backslashes % 2 == 1;
}

/* Reads one logical line: comments left out, continued ones joined. Returns 1, 0 at the end. */
static int
read_joined(Parser *parser, char **ret_start, char **ret_end, unsigned *ret_line, Error *reterr) {
        char *joined = NULL, *joined_end = NULL, *start = NULL, *end = NULL;
        unsigned line = 0;
        bool continued = true;
        while (continued && read_line(parser, &start, &end)) {
                if (is_comment(start, end))
                        continue;
                if (!joined) {
                        joined = start;
                        line = parser->line;
                } else if (end > start)
                        memmove(joined_end, start, (size_t) (end - start));
                char *part = joined_end ? joined_end : joined;
                joined_end = part + (end - start);
                continued = is_continued(part, joined_end);
                if (continued)
                        joined_end[-1] = ' ';
                if (joined_end - joined > UNIT_MAX_LINE_BYTES)
                        return error_set(reterr, -EBADMSG,
                                        "%s:%u: A line of more than %d bytes; split it up",
                                        parser->name, line, UNIT_MAX_LINE_BYTES);
        }
        if (!joined)
                return 0;
        *ret_start = joined;
        *ret_end = joined_end;
        *ret_line = line;
        return 1;
}

static int take_section(Parser *parser, char *text, unsigned line, Error *reterr) {
        size_t length = strlen(text);
        bool closed = length > 2 && text[length - 1] == ']';
        if (closed) {
                text[length - 1] = 0;
                text++;
        }
        for (const char *p = text; *p && closed; p++)
                if ((unsigned char) *p < ' ' || strchr("\"'\\\x7f", *p))
                        closed = false;
        if (!closed)
                return error_set(reterr, -EBADMSG,
                                "%s:%u: No section header; write [Name] and nothing else on the "
                                "line",
                                parser->name, line);
        parser->is_foreign = strncmp(text, "X-", 2) == 0;
        parser->sections[parser->n_sections++] = (struct UnitSection){ .name = text, .line = line };
        return 0;
}

static int take_assignment(
                Parser *parser, char *text, char *text_end, unsigned line, Error *reterr) {
        char *equals = memchr(text, '=', (size_t) (text_end - text));
        if (!equals || equals == text) {
                if (parser->is_foreign)
                        return 0;
                return error_set(reterr, -EBADMSG,
                                "%s:%u: Neither a section, an assignment nor a comment; write "
                                "Key=value, or '#' before it",
                                parser->name, line);
        }
        if (parser->n_sections == 0)
                return error_set(reterr, -EBADMSG,
                                "%s:%u: An assignment before any section; put its [Section] above "
                                "it",
                                parser->name, line);
        parser->lines[parser->n_lines++] = (UnitLine){
                .section = parser->sections[parser->n_sections - 1].name,
                .value = strip(equals + 1, text_end),
                .key = strip(text, equals),
                .line = line,
                .nth_section = (unsigned) parser->n_sections - 1,
        };
        return 0;
}

static int parse_line(Parser *parser, char *text, unsigned line, Error *reterr) {
        if (!*text)
                return 0;
        if (!parser->is_ascii && !is_utf8(text))
                return error_set(reterr, -EBADMSG,
                                "%s:%u: Text that is not UTF-8; convert the file", parser->name,
                                line);
        if (*text == '[')
                return take_section(parser, text, line, reterr);
        return take_assignment(parser, text, text + strlen(text), line, reterr);
}

static int parse_lines(Parser *parser, Error *reterr) {
        char *start = NULL, *end = NULL;
        unsigned line = 0;
        int r;
        while ((r = read_joined(parser, &start, &end, &line, reterr)) > 0) {
                r = parse_line(parser, strip(start, end), line, reterr);
                if (r == -EBADMSG && parser->faults)
                        r = strv_add_unique(parser->faults, reterr->message) < 0 ? error_oom(reterr)
                                                                                 : 0;
                if (r < 0)
                        return r;
        }
        return r;
}

static size_t count(const char *data, size_t size_bytes, char wanted) {
        size_t n = 0;
        for (size_t i = 0; i < size_bytes; i++)
                n += data[i] == wanted;
        return n;
}

static int parse(Arena *arena,
                const char *name,
                const char *data,
                size_t size_bytes,
                Strv *faults,
                const UnitFile **ret_file,
                Error *reterr) {
        if (size_bytes > UNIT_MAX_FILE_BYTES)
                return error_set(reterr, -EBADMSG,
                                "%s:1: A file of more than %d bytes; split it up", name,
                                UNIT_MAX_FILE_BYTES);
        const char *nul = memchr(data, 0, size_bytes);
        if (nul)
                return error_set(reterr, -EBADMSG, "%s:%zu: A NUL byte; this must be text", name,
                                count(data, (size_t) (nul - data), '\n') + 1);

        UnitFile *file = arena_new(arena, UnitFile, 1);
        char *text = arena_strndup(arena, data, size_bytes);
        Parser parser = {
                .name = name,
                .faults = faults,
                .cursor = text,
                .end = text + size_bytes,
                .has_carriage_return = memchr(data, '\r', size_bytes),
                .is_ascii = is_all_ascii(data, size_bytes),
                .lines = arena_new(arena, UnitLine, count(data, size_bytes, '=') + 1),
                .sections = arena_new(arena, struct UnitSection, count(data, size_bytes, '[') + 1),
        };
        if (!file || !text || !parser.lines || !parser.sections)
                return error_oom(reterr);
        if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
                parser.cursor += strlen(BYTE_ORDER_MARK);

        int r = parse_lines(&parser, reterr);
        if (r < 0)
                return r;
        *file = (UnitFile){
                .lines = parser.lines,
                .n_lines = parser.n_lines,
                .sections = parser.sections,
                .n_sections = parser.n_sections,
        };
        *ret_file = file;
        return 0;
}

int unit_file_parse(Arena *arena,
                const char *name,
                const char *data,
                size_t size_bytes,
                const UnitFile **ret_file,
                Error *reterr) {
        return parse(arena, name, data, size_bytes, NULL, ret_file, reterr);
}

int unit_file_parse_all(Arena *arena,
                const char *name,
                const Content *content,
                Strv *faults,
                const UnitFile **ret_file,
                Error *reterr) {
        static const UnitFile none;
        int r = parse(arena, name, content->data, content->size_bytes, faults, ret_file, reterr);
        if (r != -EBADMSG || !faults)
                return r;
        if (strv_add_unique(faults, reterr->message) < 0)
                return error_oom(reterr);
        *ret_file = &none;
        return 0;
}

int unit_file_of(Contents *contents,
                Content *content,
                const char *name,
                const UnitFile **ret_file,
                Error *reterr) {
        if (!content->unit_file) {
                int r = content_load(contents, content, reterr);
                if (r < 0)
                        return r;
                r = unit_file_parse(contents_arena(contents), name, content->data,
                                content->size_bytes, &content->unit_file, reterr);
                if (r < 0)
                        return r;
        }
        *ret_file = content->unit_file;
        return 0;
}
