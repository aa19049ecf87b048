/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that a unit's own text says it reads. */
#include "diff/watch_list.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

typedef struct Reading {
        WatchList *list;
        Comparison *comparison;
        Subject *subject;
} Reading;

typedef int (*ReadValue)(const Reading *reading, const char *key, const char *value);

static int watch(const Reading *reading, const char *path, const char *key, bool is_pattern) {
        const char *why = arena_printf(reading->list->arena, "%s=", key);
        Watch watch = { .subject = reading->subject, .path = path, .why = why };
        if (!why)
                return -ENOMEM;
        return is_pattern ? watch_list_add_pattern(reading->list, &watch)
                          : watch_list_add(reading->list, &watch);
}

static int read_environment_file(const Reading *reading, const char *key, const char *value) {
        return watch(reading, *value == '-' ? value + 1 : value, key, true);
}

/* ID:PATH */
static int read_credential(const Reading *reading, const char *key, const char *value) {
        const char *colon = strchr(value, ':');
        return colon ? watch(reading, colon + 1, key, false) : 0;
}

/* Words that are paths, or the path of --option=PATH. The first one may have prefixes. */
static int read_command(const Reading *reading, const char *key, const char *value) {
        const char *word = NULL;
        bool is_first = true;
        int r;
        while ((r = unit_value_next_word(reading->list->arena, &value, &word)) > 0) {
                if (is_first)
                        word += strspn(word, "@-:+!|");
                const char *path = word;
                if (strncmp(word, "--", 2) == 0 && strchr(word, '='))
                        path = strchr(word, '=') + 1;
                if (watch(reading, path, key, false) < 0)
                        return -ENOMEM;
                is_first = strcmp(word, ";") == 0;
        }
        return r == -ENOMEM ? r : 0; /* what stands before a quote without an end counts */
}

static int read_triggers(const Reading *reading, const char *key, const char *value) {
        const char *word = NULL;
        bool reload = strcmp(key, "X-Reload-Triggers") == 0;
        int r;
        while ((r = unit_value_next_word(reading->list->arena, &value, &word)) > 0) {
                const Watch watch = {
                        .subject = reading->subject,
                        .path = word,
                        .why = reload ? "X-Reload-Triggers=" : "X-Restart-Triggers=",
                        .is_explicit = true,
                        .reload = reload,
                };
                if (watch_list_add_pattern(reading->list, &watch) < 0)
                        return -ENOMEM;
        }
        return r == -ENOMEM ? r : 0;
}

static const struct {
        const char *key;
        ReadValue read;
        bool is_flag; /* in [Unit] or [Service]; else in the section of the type */
} keys[] = {
        { "EnvironmentFile", read_environment_file, false },
        { "ExecStart", read_command, false },
        { "ExecStartPre", read_command, false },
        { "ExecStartPost", read_command, false },
        { "LoadCredential", read_credential, false },
        { "LoadCredentialEncrypted", read_credential, false },
        { "X-Restart-Triggers", read_triggers, true },
        { "X-Reload-Triggers", read_triggers, true },
};

static const char *section_of(UnitType type) {
        static const char *const sections[N_UNIT_TYPES] = {
                [UNIT_SERVICE] = "Service",
                [UNIT_SOCKET] = "Socket",
                [UNIT_MOUNT] = "Mount",
                [UNIT_SWAP] = "Swap",
        };
        return sections[type] ? sections[type] : "Unit";
}

/* Which of the keys have a value with a path below /etc at all: most units have none. */
static unsigned find_keys(const UnitText *text) {
        unsigned found = 0;
        TextCursor cursor = { .text = text };
        for (const UnitLine *line; (line = unit_text_next(&cursor));) {
                if (!strchr("ELX", *line->key) || !strstr(line->value, "/etc/"))
                        continue;
                for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                        if (strcmp(line->key, keys[i].key) == 0)
                                found |= 1u << i;
        }
        return found;
}

bool trigger_text_names_paths(const Subject *subject) {
        return find_keys(&subject->units[AFTER]->text) != 0;
}

int watch_list_add_text(WatchList *list, Comparison *comparison, Subject *subject) {
        const Reading reading = { .list = list, .comparison = comparison, .subject = subject };
        const UnitText *text = &subject->units[AFTER]->text;
        unsigned found = find_keys(text);
        for (size_t i = 0; found && i < N_ELEMENTS(keys); i++) {
                const char *const *values = NULL;
                size_t n_values = 0;
                if (!(found & 1u << i))
                        continue;
                const char *section = keys[i].is_flag ? NULL : section_of(subject->type);
                if (unit_text_values(list->arena, text, section, keys[i].key, &values, &n_values) <
                                0)
                        return -ENOMEM;
                for (size_t j = 0; j < n_values; j++) {
                        const char *value = unit_name_expand(list->arena, subject->name, values[j]);
                        if (!value || keys[i].read(&reading, keys[i].key, value) < 0)
                                return -ENOMEM;
                }
        }
        return 0;
}

const char *trigger_values(Arena *arena, const Subject *subject, Side side, const char *key) {
        const char *const *values = NULL;
        size_t n_values = 0;
        cleanup(text_donep) Text joined = { 0 };
        if (unit_text_values(arena, &subject->units[side]->text, NULL, key, &values, &n_values) < 0)
                return NULL;
        for (size_t i = 0; i < n_values; i++) {
                const char *value = values[i], *word = NULL;
                int r;
                while ((r = unit_value_next_word(arena, &value, &word)) > 0)
                        if (*word != '/') {
                                text_add(&joined, word);
                                text_add(&joined, "\n");
                        }
                if (r == -ENOMEM)
                        return NULL;
        }
        text_add(&joined, "");
        return joined.error < 0 ? NULL : arena_strdup(arena, joined.data);
}
