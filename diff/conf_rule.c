/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Trigger] and [Check] of profile.conf. */
#include "diff/conf_reader.h"

#include "diff/time_span.h"

#include <errno.h>
#include <string.h>

static int take_trigger_unit(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *unit = NULL;
        if (!*text)
                reader->trigger_units.n_items = 0;
        int r;
        while ((r = conf_next_name(reader, line, &text, &unit, reterr)) > 0) {
                r = conf_check_unit_name(reader, line, unit, reterr);
                if (r == 0)
                        r = conf_add_string(reader, &reader->trigger_units, unit, reterr);
                if (r < 0)
                        return r;
        }
        return r;
}

static int take_watched_files(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *file = NULL;
        if (!*text)
                reader->watched.n_items = reader->watched_lines.n_items = 0;
        int r;
        while ((r = conf_next_name(reader, line, &text, &file, reterr)) > 0) {
                if (strncmp(file, "/etc/", 5) != 0)
                        return conf_refuse(reader, line->line, reterr,
                                        "Files=%s is not below /etc; write an absolute path or "
                                        "glob there",
                                        file);
                const char *fault = conf_path_fault(file + 1);
                if (fault)
                        return conf_refuse(reader, line->line, reterr, "Files=%s %s", file, fault);
                r = conf_add_string(reader, &reader->watched, file, reterr);
                if (r < 0)
                        return r;
                unsigned *number = conf_list_add(
                                reader->arena, &reader->watched_lines, sizeof(*number));
                if (!number)
                        return error_oom(reterr);
                *number = line->line;
        }
        return r;
}

static int take_action(ConfReader *reader, const UnitLine *line, Error *reterr) {
        if (*line->value && strcmp(line->value, "restart") != 0 &&
                        strcmp(line->value, "reload") != 0)
                return conf_refuse(reader, line->line, reterr,
                                "Action=%s is unknown; write restart or reload", line->value);
        reader->trigger_reload = strcmp(line->value, "reload") == 0;
        return 0;
}

static CheckRule *current_check(const ConfReader *reader) {
        return (CheckRule *) reader->checks.items + reader->checks.n_items - 1;
}

static int take_command(ConfReader *reader, const UnitLine *line, Error *reterr) {
        ConfList words = { 0 };
        const char *text = line->value, *word = NULL;
        int r;
        while ((r = unit_value_next_word(reader->arena, &text, &word)) > 0)
                if (conf_add_string(reader, &words, word, reterr) < 0)
                        return -ENOMEM;
        if (r == -EBADMSG)
                return conf_refuse(
                                reader, line->line, reterr, "Command= has a quote without an end");
        if (r < 0 || conf_add_string(reader, &words, NULL, reterr) < 0)
                return error_oom(reterr);
        const char *const *arguments = words.items;
        CheckRule *rule = current_check(reader);
        rule->arguments = words.n_items > 1 ? arguments : NULL;
        rule->command = line->value;
        rule->line = line->line;
        if (rule->arguments &&
                        (!*arguments[0] || (strchr(arguments[0], '/') && *arguments[0] != '/')))
                return conf_refuse(reader, line->line, reterr,
                                "Command=%s is no program; write an absolute path, or the name "
                                "of one that the system has",
                                line->value);
        return 0;
}

static int take_timeout(ConfReader *reader, const UnitLine *line, Error *reterr) {
        uint64_t usec = 0;
        if (*line->value && (time_span_parse(line->value, &usec) < 0 || usec == 0))
                return conf_refuse(reader, line->line, reterr,
                                "Timeout=%s is no time span; write one as 30s or 2min",
                                line->value);
        current_check(reader)->timeout_usec = usec;
        return 0;
}

static int begin_trigger(ConfReader *reader, unsigned line, Error *reterr) {
        (void) line, (void) reterr; /* nothing that can fail */
        reader->trigger_units = reader->watched = reader->watched_lines = (ConfList){ 0 };
        reader->trigger_reload = false;
        return 0;
}

static int end_trigger(ConfReader *reader, unsigned line, Error *reterr) {
        if (reader->trigger_units.n_items == 0)
                return conf_refuse(reader, line, reterr,
                                "[Trigger] without Unit=; name the unit to restart or reload");
        if (reader->watched.n_items == 0)
                return conf_refuse(reader, line, reterr,
                                "[Trigger] without Files=; name paths or globs below /etc");
        const char *const *units = reader->trigger_units.items;
        for (size_t i = 0; i < reader->trigger_units.n_items; i++) {
                TriggerRule *rule = conf_list_add(
                                reader->arena, &reader->triggers, sizeof(TriggerRule));
                if (!rule)
                        return error_oom(reterr);
                *rule = (TriggerRule){
                        .unit = units[i],
                        .files = reader->watched.items,
                        .file_lines = reader->watched_lines.items,
                        .n_files = reader->watched.n_items,
                        .reload = reader->trigger_reload,
                        .line = line,
                };
        }
        return 0;
}

static int begin_check(ConfReader *reader, unsigned line, Error *reterr) {
        CheckRule *rule = conf_list_add(reader->arena, &reader->checks, sizeof(CheckRule));
        if (!rule)
                return error_oom(reterr);
        *rule = (CheckRule){ .line = line };
        reader->watched = reader->watched_lines = (ConfList){ 0 };
        return 0;
}

static int end_check(ConfReader *reader, unsigned line, Error *reterr) {
        CheckRule *rule = current_check(reader);
        if (!rule->arguments) {
                reader->checks.n_items--;
                return conf_refuse(reader, line, reterr,
                                "[Check] without Command=; name what must succeed");
        }
        rule->files = reader->watched.items;
        rule->file_lines = reader->watched_lines.items;
        rule->n_files = reader->watched.n_items;
        return 0;
}

const ConfSection conf_section_trigger = { "Trigger", begin_trigger, end_trigger,
        "Unit=, Files= and Action=",
        { { "Unit", take_trigger_unit }, { "Files", take_watched_files },
                        { "Action", take_action } } };

const ConfSection conf_section_check = { "Check", begin_check, end_check,
        "Files=, Command= and Timeout=",
        { { "Files", take_watched_files }, { "Command", take_command },
                        { "Timeout", take_timeout } } };
