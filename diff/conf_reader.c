/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/conf_reader.h"

#include "diff/unit_name.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int conf_refuse(const ConfReader *reader, unsigned line, Error *reterr, const char *format, ...) {
        char text[sizeof(reterr->message)];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format,
                        arguments); /* a text cut short is still an error's text */
        va_end(arguments);
        return error_set(reterr, -EBADMSG, "%s:%u: %s", reader->name, line, text);
}

void *conf_list_add(Arena *arena, ConfList *list, size_t item_bytes) {
        if (list->n_items == list->n_allocated) {
                size_t n = list->n_allocated ? list->n_allocated * 2 : 8;
                void *grown = arena_grow(arena, list->items, list->n_items, n, item_bytes);
                if (!grown)
                        return NULL;
                list->items = grown;
                list->n_allocated = n;
        }
        return (char *) list->items + list->n_items++ * item_bytes;
}

/* The next word of a list; 1, 0 at the end. */
int conf_next_name(ConfReader *reader,
                const UnitLine *line,
                const char **text,
                const char **ret_word,
                Error *reterr) {
        int r = unit_value_next_name(reader->arena, text, ret_word);
        if (r == -EBADMSG)
                return conf_refuse(reader, line->line, reterr, "%s= has a quote without an end",
                                line->key);
        return r < 0 ? error_oom(reterr) : r;
}

int conf_check_unit_name(
                const ConfReader *reader, const UnitLine *line, const char *unit, Error *reterr) {
        if (unit_name_is_valid(unit))
                return 0;
        if (strchr(unit, ','))
                return conf_refuse(reader, line->line, reterr,
                                "%s=%s is no unit name; write spaces between units, no commas",
                                line->key, unit);
        if (unit_name_type(unit) < 0 && !strpbrk(unit, "/*?[]%"))
                return conf_refuse(reader, line->line, reterr,
                                "%s=%s is no unit name; write it with its type, as %s.service",
                                line->key, unit, unit);
        return conf_refuse(reader, line->line, reterr,
                        "%s=%s is no unit name; write one that systemd knows", line->key, unit);
}

int conf_add_string(ConfReader *reader, ConfList *list, const char *text, Error *reterr) {
        const char **item = conf_list_add(reader->arena, list, sizeof(const char *));
        if (!item)
                return error_oom(reterr);
        *item = text;
        return 0;
}

/* What is wrong with the components of a path, for people; NULL: nothing. */
const char *conf_path_fault(const char *path) {
        for (;;) {
                size_t length = strcspn(path, "/");
                if (length == 0)
                        return path[length] ? "has an empty part ('//')"
                                            : "ends in '/'; for all below write '/**'";
                if (length == 2 && strncmp(path, "..", 2) == 0)
                        return "has '..' in it; write the path that is meant";
                if (length == 1 && *path == '.')
                        return "has '.' in it; leave it out";
                if (!path[length])
                        return NULL;
                path += length + 1;
        }
}
