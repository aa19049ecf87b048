/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/mention.h"

#include <string.h>

static unsigned mentions_of(const UnitLine *line) {
        const char *key = line->key;
        switch (*line->section) {
        case 'U':
                if (relation_is_key(key))
                        return MENTION_RELATION;
                if (*key == 'S' && strcmp(key, "StopWhenUnneeded") == 0)
                        return MENTION_UNNEEDED;
                break;
        case 'I':
                if (*key == 'A')
                        return strcmp(key, "Alias") == 0 ? MENTION_ALIAS : MENTION_ALSO;
                return *key == 'D' ? MENTION_ALSO : 0;
        case 'S':
                if (*key == 'S' && strcmp(key, "Sockets") == 0)
                        return MENTION_RELATION;
                break;
        }
        return trigger_is_key(key) && strstr(line->value, "/etc/") ? MENTION_READS : 0;
}

unsigned unit_file_mentions(const UnitFile *file) {
        unsigned mentions = 0;
        for (size_t i = 0; i < file->n_lines; i++)
                mentions |= mentions_of(&file->lines[i]);
        return mentions;
}
