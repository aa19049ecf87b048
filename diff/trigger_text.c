/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that a unit's own text says it reads. */
#include "diff/watch_list.h"

#include "base/text.h"
#include "diff/mention.h"

#include <errno.h>
#include <string.h>

typedef struct Key Key;

typedef struct Reading {
        WatchList *list;
        const char *unit;
} Reading;

struct Key {
        const char *name, *shown;
        int (*read)(const Reading *reading, const Key *key, const char *value);
        bool is_flag; /* in [Unit] or [Service]; else in the section of the type */
        bool reload;
};

static int watch(const Reading *reading, const Key *key, const char *path, bool is_pattern) {
        const Watch watch = {
                .unit = reading->unit,
                .path = path,
                .why = key->shown,
                .rank = key->is_flag ? WATCH_EXPLICIT : WATCH_IMPLIED,
                .reload = key->reload,
        };
        return is_pattern ? watch_list_add_pattern(reading->list, &watch)
                          : watch_list_add(reading->list, &watch);
}

static int read_environment_file(const Reading *reading, const Key *key, const char *value) {
        return watch(reading, key, *value == '-' ? value + 1 : value, true);
}

/* ID:PATH */
static int read_credential(const Reading *reading, const Key *key, const char *value) {
        const char *colon = strchr(value, ':');
        return colon ? watch(reading, key, colon + 1, false) : 0;
}

/* Words that are paths, or the path of --option=PATH. The first one may have prefixes. */
static int read_command(const Reading *reading, const Key *key, const char *value) {
        const char *word = NULL;
        bool is_first = true;
        int r;
        while ((r = unit_value_next_word(reading->list->arena, &value, &word)) > 0) {
                if (is_first)
                        word += strspn(word, "@-:+!|");
                const char *path = word;
                if (strncmp(word, "--", 2) == 0 && strchr(word, '='))
                        path = strchr(word, '=') + 1;
                if (watch(reading, key, path, false) < 0)
                        return -ENOMEM;
                is_first = strcmp(word, ";") == 0;
        }
        return r == -ENOMEM ? r : 0; /* what stands before a quote without an end counts */
}

static int read_triggers(const Reading *reading, const Key *key, const char *value) {
        const char *word = NULL;
        int r;
        while ((r = unit_value_next_word(reading->list->arena, &value, &word)) > 0)
                if (watch(reading, key, word, true) < 0)
                        return -ENOMEM;
        return r == -ENOMEM ? r : 0;
}

static const Key keys[] = {
        { "EnvironmentFile", "EnvironmentFile=", read_environment_file, false, false },
        { "ExecStart", "ExecStart=", read_command, false, false },
        { "ExecStartPre", "ExecStartPre=", read_command, false, false },
        { "ExecStartPost", "ExecStartPost=", read_command, false, false },
        { "LoadCredential", "LoadCredential=", read_credential, false, false },
        { "LoadCredentialEncrypted", "LoadCredentialEncrypted=", read_credential, false, false },
        { "X-Restart-Triggers", "X-Restart-Triggers=", read_triggers, true, false },
        { "X-Reload-Triggers", "X-Reload-Triggers=", read_triggers, true, true },
};

static int find_key(const char *name) {
        if (*name == 'E' || *name == 'L' || *name == 'X')
                for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                        if (strcmp(name, keys[i].name) == 0)
                                return (int) i;
        return -ENOENT;
}

bool trigger_is_key(const char *name) {
        return find_key(name) >= 0;
}

/* A first look: does a value name a path at which, or below which, something changed? Where the
 * path is not plain to see the answer is yes. */
static bool may_be_touched(const WatchList *list, const char *value) {
        for (const char *path = value; (path = strstr(path, "/etc/"));) {
                size_t length = strcspn(path, " \t\"';:%*?[\\");
                if (strchr("%*?[\\", path[length]) && path[length])
                        return true;
                while (path[length - 1] == '/')
                        length--;
                if (map_get_n(&list->touched, path, length))
                        return true;
                path += length;
        }
        return false;
}

/* The keys that a text has and that are worth to be read, as bits. */
static unsigned keys_of(const WatchList *list, const UnitText *text) {
        unsigned found = 0;
        TextCursor cursor = { .text = text };
        for (const UnitLine *line; (line = unit_text_next(&cursor));) {
                int key = find_key(line->key);
                if (key >= 0 && may_be_touched(list, line->value))
                        found |= 1u << key;
        }
        return found;
}

static const char *section_of(const char *unit) {
        static const char *const sections[N_UNIT_TYPES] = {
                [UNIT_SERVICE] = "Service",
                [UNIT_SOCKET] = "Socket",
                [UNIT_MOUNT] = "Mount",
                [UNIT_SWAP] = "Swap",
        };
        const char *section = sections[unit_name_type(unit)];
        return section ? section : "Unit";
}

static int read_key(const Reading *reading, const Key *key, const UnitText *text) {
        Arena *arena = reading->list->arena;
        const char *const *values = NULL;
        size_t n_values = 0;
        const char *section = key->is_flag ? NULL : section_of(reading->unit);
        if (unit_text_values(arena, text, section, key->name, &values, &n_values) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < n_values; i++) {
                if (!strstr(values[i], "/etc/"))
                        continue;
                const char *value = unit_name_expand(arena, reading->unit, values[i]);
                if (!value || key->read(reading, key, value) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int watch_list_add_text(WatchList *list, const char *unit, const UnitText *text) {
        const Reading reading = { .list = list, .unit = unit };
        unsigned found = keys_of(list, text);
        for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                if (found & 1u << i && read_key(&reading, &keys[i], text) < 0)
                        return -ENOMEM;
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
