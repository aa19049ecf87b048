/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a unit file and as profile.conf: refused with a line, or read to what, written out,
 * reads the same again. */
#include "base/text.h"
#include "diff/profile_conf.h"
#include "diff/unit_file.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

static bool is_trimmed(const char *text) {
        static const char white_space[] = " \t\n\r";
        size_t length = strlen(text);
        return length == 0 ||
               (!strchr(white_space, text[0]) && !strchr(white_space, text[length - 1]));
}

static void check_words(const UnitLine *line, int (*next)(Arena *, const char **, const char **)) {
        cleanup(arena_donep) Arena arena = { 0 };
        const char *text = line->value, *word = NULL;
        int r;
        while ((r = next(&arena, &text, &word)) > 0) {
                require(text > line->value && text <= line->value + strlen(line->value));
                require(strlen(word) <= strlen(line->value));
        }
        require(r == 0 || r == -EBADMSG);
}

static void check_lines(const UnitFile *file) {
        for (size_t i = 0; i < file->n_lines; i++) {
                const UnitLine *line = &file->lines[i];
                require(*line->key && is_trimmed(line->key) && is_trimmed(line->value));
                require(!strpbrk(line->key, "\n\r=") && !strpbrk(line->value, "\n\r"));
                require(line->nth_section < file->n_sections);
                require(line->section == file->sections[line->nth_section].name);
                require(line->line > file->sections[line->nth_section].line);
                require(i == 0 || line->line > line[-1].line);
                check_words(line, unit_value_next_word);
                check_words(line, unit_value_next_name);
                require(unit_value_boolean(line->value) <= 1);
        }
}

static char *write_out(const UnitFile *file) {
        cleanup(text_donep) Text text = { 0 };
        size_t line = 0;
        for (size_t i = 0; i < file->n_sections; i++) {
                text_addf(&text, "[%s]\n", file->sections[i].name);
                /* the space keeps a backslash at the end of a value from continuing it */
                for (; line < file->n_lines && file->lines[line].nth_section == i; line++)
                        text_addf(&text, "%s=%s \n", file->lines[line].key,
                                        file->lines[line].value);
        }
        char *string = NULL;
        require(line == file->n_lines);
        require(text_take(&text, &string) == 0);
        return string;
}

static void check_reads_the_same(const UnitFile *file) {
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup_free char *text = write_out(file);
        const UnitFile *again = NULL;
        require(unit_file_parse(&arena, "again", text, strlen(text), &again, NULL) == 0);
        require(again->n_lines == file->n_lines && again->n_sections == file->n_sections);
        for (size_t i = 0; i < file->n_lines; i++) {
                const UnitLine *left = &file->lines[i], *right = &again->lines[i];
                require(strcmp(left->section, right->section) == 0);
                require(strcmp(left->key, right->key) == 0);
                require(strcmp(left->value, right->value) == 0);
                require(left->nth_section == right->nth_section);
        }
}

static void check_error(int r, const Error *error, const char *name) {
        require(r == -EBADMSG && error->code == r);
        size_t length = strlen(name);
        require(strncmp(error->message, name, length) == 0 && error->message[length] == ':');
        require(error->message[length + 1] >= '1' && error->message[length + 1] <= '9');
        require(!strchr(error->message, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
        cleanup(arena_donep) Arena arena = { 0 };
        const UnitFile *file = NULL;
        Error error = { 0 };
        int r = unit_file_parse(&arena, "fuzz", (const char *) data, size_bytes, &file, &error);
        if (r < 0)
                check_error(r, &error, "fuzz");
        else {
                check_lines(file);
                check_reads_the_same(file);
        }

        cleanup(contents_freep) Contents *contents = contents_new();
        Content *content = NULL;
        require(contents && contents_add(contents, data, size_bytes, &content, NULL) == 0);
        const ProfileConf *conf = NULL;
        r = profile_conf_parse(&arena, "profile.conf", contents, content, &conf, &error);
        if (r < 0)
                check_error(r, &error, "profile.conf");
        require(!file || r == 0 || r == -EBADMSG);
        require(file || r < 0);
        return 0;
}
