/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/profile_conf.h"

#include "base/map.h"
#include "diff/time_span.h"
#include "diff/unit_file.h"
#include "diff/unit_name.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

typedef struct List {
        void *items;
        size_t n_items, n_allocated;
} List;

typedef struct Reader {
        Arena *arena;
        const char *name;
        const char *description;
        List enable, disable, mask; /* UnitsRule */
        List files;                 /* FileRule; the last one is that of the section being read */
        List triggers;              /* TriggerRule */
        List trigger_units;         /* const char *, of the [Trigger] being read */
        List watched; /* const char *, Files= of the [Trigger] or [Check] being read */
        bool trigger_reload;
        List checks; /* CheckRule; the last one is that of the section being read */
} Reader;

typedef int (*TakeValue)(Reader *reader, const UnitLine *line, Error *reterr);

static int refuse(const Reader *reader, unsigned line, Error *reterr, const char *format, ...)
                printf_like(4, 5);

static int refuse(const Reader *reader, unsigned line, Error *reterr, const char *format, ...) {
        char text[sizeof(reterr->message)];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format,
                        arguments); /* a text cut short is still an error's text */
        va_end(arguments);
        return error_set(reterr, -EBADMSG, "%s:%u: %s", reader->name, line, text);
}

static void *list_add(Arena *arena, List *list, size_t item_bytes) {
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
static int next_name(Reader *reader,
                const UnitLine *line,
                const char **text,
                const char **ret_word,
                Error *reterr) {
        int r = unit_value_next_name(reader->arena, text, ret_word);
        if (r == -EBADMSG)
                return refuse(reader, line->line, reterr, "%s= has a quote without an end",
                                line->key);
        return r < 0 ? error_oom(reterr) : r;
}

static int check_unit_name(
                const Reader *reader, const UnitLine *line, const char *unit, Error *reterr) {
        if (unit_name_is_valid(unit))
                return 0;
        if (strchr(unit, ','))
                return refuse(reader, line->line, reterr,
                                "%s=%s is no unit name; write spaces between units, no commas",
                                line->key, unit);
        if (unit_name_type(unit) < 0 && !strpbrk(unit, "/*?[]%"))
                return refuse(reader, line->line, reterr,
                                "%s=%s is no unit name; write it with its type, as %s.service",
                                line->key, unit, unit);
        return refuse(reader, line->line, reterr,
                        "%s=%s is no unit name; write one that systemd knows", line->key, unit);
}

static int take_units(Reader *reader, const UnitLine *line, List *list, Error *reterr) {
        const char *text = line->value, *unit = NULL;
        if (!*text)
                list->n_items = 0;
        int r;
        while ((r = next_name(reader, line, &text, &unit, reterr)) > 0) {
                r = check_unit_name(reader, line, unit, reterr);
                if (r < 0)
                        return r;
                UnitsRule *rule = list_add(reader->arena, list, sizeof(UnitsRule));
                if (!rule)
                        return error_oom(reterr);
                *rule = (UnitsRule){ .unit = unit, .line = line->line };
        }
        return r;
}

static int take_enable(Reader *reader, const UnitLine *line, Error *reterr) {
        return take_units(reader, line, &reader->enable, reterr);
}

static int take_disable(Reader *reader, const UnitLine *line, Error *reterr) {
        return take_units(reader, line, &reader->disable, reterr);
}

static int take_mask(Reader *reader, const UnitLine *line, Error *reterr) {
        return take_units(reader, line, &reader->mask, reterr);
}

static int take_description(Reader *reader, const UnitLine *line, Error *reterr) {
        (void) reterr; /* any text is one */
        reader->description = *line->value ? line->value : NULL;
        return 0;
}

static FileRule *current_file(const Reader *reader) {
        return (FileRule *) reader->files.items + reader->files.n_items - 1;
}

/* What is wrong with the components of a path, for people; NULL: nothing. */
static const char *path_fault(const char *path) {
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

static int take_path(Reader *reader, const UnitLine *line, Error *reterr) {
        if (current_file(reader)->path)
                return refuse(reader, line->line, reterr,
                                "A second Path= in one [File]; begin another [File] for it");
        if (!*line->value)
                return refuse(reader, line->line, reterr, "Path= is empty; name a path below etc/");
        if (*line->value == '/')
                return refuse(reader, line->line, reterr,
                                "Path=%s begins with '/'; write it relative to etc/%s", line->value,
                                strncmp(line->value, "/etc/", 5) == 0 ? ", without '/etc/'" : "");
        const char *fault = path_fault(line->value);
        if (fault)
                return refuse(reader, line->line, reterr, "Path=%s %s", line->value, fault);
        current_file(reader)->path = line->value;
        return 0;
}

static int take_mode(Reader *reader, const UnitLine *line, Error *reterr) {
        int mode = -1;
        size_t length = strlen(line->value);
        if (length > 0) {
                if (length < 3 || length > 5 || line->value[strspn(line->value, "01234567")])
                        return refuse(reader, line->line, reterr,
                                        "Mode=%s is no mode; write octal digits, as 0640",
                                        line->value);
                mode = (int) strtol(line->value, NULL, 8);
                if (mode > 07777)
                        return refuse(reader, line->line, reterr,
                                        "Mode=%s is too large; 7777 is the largest", line->value);
        }
        current_file(reader)->mode = mode;
        return 0;
}

static bool is_decimal_id(const char *text) {
        size_t length = strspn(text, "0123456789");
        if (length == 0 || text[length] || length > 10 || (length > 1 && *text == '0'))
                return false;
        unsigned long long id = strtoull(text, NULL, 10);
        return id < UINT32_MAX && id != UINT16_MAX; /* these two mean "no id" to the kernel */
}

/* A name of a user or group as systemd and useradd take it, or an id. */
static bool is_owner(const char *text) {
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
        if (is_decimal_id(text))
                return true;
        size_t length = strlen(text);
        if (length == 0 || length > 31 || !strchr(letters, *text))
                return false;
        size_t valid = 0;
        while (text[valid] && (strchr(letters, text[valid]) || strchr("0123456789-.", text[valid])))
                valid++;
        if (text[valid] == '$' && valid > 0)
                valid++; /* machine accounts of Samba */
        return valid == length;
}

static int take_owner(Reader *reader, const UnitLine *line, Error *reterr) {
        FileRule *rule = current_file(reader);
        const char *colon = strchr(line->value, ':'), *owner = line->value, *group = NULL;
        if (colon) {
                owner = arena_strndup(reader->arena, line->value, (size_t) (colon - line->value));
                group = colon + 1;
                if (!owner)
                        return error_oom(reterr);
        }
        bool only_group = colon == line->value;
        if (*line->value && ((!only_group && !is_owner(owner)) || (group && !is_owner(group))))
                return refuse(reader, line->line, reterr,
                                "Owner=%s is no owner; write USER, USER:GROUP or :GROUP, by name "
                                "or number",
                                line->value);
        rule->owner = *owner ? owner : NULL;
        rule->group = group;
        return 0;
}

static int take_secret(Reader *reader, const UnitLine *line, Error *reterr) {
        int secret = *line->value ? unit_value_boolean(line->value) : -1;
        if (*line->value && secret < 0)
                return refuse(reader, line->line, reterr,
                                "Secret=%s is no boolean; write yes or no", line->value);
        current_file(reader)->secret = secret;
        return 0;
}

static int add_string(Reader *reader, List *list, const char *text, Error *reterr) {
        const char **item = list_add(reader->arena, list, sizeof(const char *));
        if (!item)
                return error_oom(reterr);
        *item = text;
        return 0;
}

static int take_trigger_unit(Reader *reader, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *unit = NULL;
        if (!*text)
                reader->trigger_units.n_items = 0;
        int r;
        while ((r = next_name(reader, line, &text, &unit, reterr)) > 0) {
                r = check_unit_name(reader, line, unit, reterr);
                if (r == 0)
                        r = add_string(reader, &reader->trigger_units, unit, reterr);
                if (r < 0)
                        return r;
        }
        return r;
}

static int take_watched_files(Reader *reader, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *file = NULL;
        if (!*text)
                reader->watched.n_items = 0;
        int r;
        while ((r = next_name(reader, line, &text, &file, reterr)) > 0) {
                if (strncmp(file, "/etc/", 5) != 0)
                        return refuse(reader, line->line, reterr,
                                        "Files=%s is not below /etc; write an absolute path or "
                                        "glob there",
                                        file);
                const char *fault = path_fault(file + 1);
                if (fault)
                        return refuse(reader, line->line, reterr, "Files=%s %s", file, fault);
                r = add_string(reader, &reader->watched, file, reterr);
                if (r < 0)
                        return r;
        }
        return r;
}

static int take_action(Reader *reader, const UnitLine *line, Error *reterr) {
        if (*line->value && strcmp(line->value, "restart") != 0 &&
                        strcmp(line->value, "reload") != 0)
                return refuse(reader, line->line, reterr,
                                "Action=%s is unknown; write restart or reload", line->value);
        reader->trigger_reload = strcmp(line->value, "reload") == 0;
        return 0;
}

static CheckRule *current_check(const Reader *reader) {
        return (CheckRule *) reader->checks.items + reader->checks.n_items - 1;
}

static int take_command(Reader *reader, const UnitLine *line, Error *reterr) {
        List words = { 0 };
        const char *text = line->value, *word = NULL;
        int r;
        while ((r = unit_value_next_word(reader->arena, &text, &word)) > 0)
                if (add_string(reader, &words, word, reterr) < 0)
                        return -ENOMEM;
        if (r == -EBADMSG)
                return refuse(reader, line->line, reterr, "Command= has a quote without an end");
        if (r < 0 || add_string(reader, &words, NULL, reterr) < 0)
                return error_oom(reterr);
        const char *const *arguments = words.items;
        CheckRule *rule = current_check(reader);
        rule->arguments = words.n_items > 1 ? arguments : NULL;
        rule->command = line->value;
        rule->line = line->line;
        if (rule->arguments &&
                        (!*arguments[0] || (strchr(arguments[0], '/') && *arguments[0] != '/')))
                return refuse(reader, line->line, reterr,
                                "Command=%s is no program; write an absolute path, or the name "
                                "of one that the system has",
                                line->value);
        return 0;
}

static int take_timeout(Reader *reader, const UnitLine *line, Error *reterr) {
        uint64_t usec = 0;
        if (*line->value && (time_span_parse(line->value, &usec) < 0 || usec == 0))
                return refuse(reader, line->line, reterr,
                                "Timeout=%s is no time span; write one as 30s or 2min",
                                line->value);
        current_check(reader)->timeout_usec = usec;
        return 0;
}

static int begin_file(Reader *reader, unsigned line, Error *reterr) {
        FileRule *rule = list_add(reader->arena, &reader->files, sizeof(FileRule));
        if (!rule)
                return error_oom(reterr);
        *rule = (FileRule){ .mode = -1, .secret = -1, .line = line };
        return 0;
}

static int end_file(Reader *reader, unsigned line, Error *reterr) {
        if (!current_file(reader)->path)
                return refuse(reader, line, reterr,
                                "[File] without Path=; name a path or glob below etc/");
        return 0;
}

static int begin_trigger(Reader *reader, unsigned line, Error *reterr) {
        (void) line, (void) reterr; /* nothing that can fail */
        reader->trigger_units = reader->watched = (List){ 0 };
        reader->trigger_reload = false;
        return 0;
}

static int end_trigger(Reader *reader, unsigned line, Error *reterr) {
        if (reader->trigger_units.n_items == 0)
                return refuse(reader, line, reterr,
                                "[Trigger] without Unit=; name the unit to restart or reload");
        if (reader->watched.n_items == 0)
                return refuse(reader, line, reterr,
                                "[Trigger] without Files=; name paths or globs below /etc");
        const char *const *units = reader->trigger_units.items;
        for (size_t i = 0; i < reader->trigger_units.n_items; i++) {
                TriggerRule *rule = list_add(reader->arena, &reader->triggers, sizeof(TriggerRule));
                if (!rule)
                        return error_oom(reterr);
                *rule = (TriggerRule){
                        .unit = units[i],
                        .files = reader->watched.items,
                        .n_files = reader->watched.n_items,
                        .reload = reader->trigger_reload,
                        .line = line,
                };
        }
        return 0;
}

static int begin_check(Reader *reader, unsigned line, Error *reterr) {
        CheckRule *rule = list_add(reader->arena, &reader->checks, sizeof(CheckRule));
        if (!rule)
                return error_oom(reterr);
        *rule = (CheckRule){ .line = line };
        reader->watched = (List){ 0 };
        return 0;
}

static int end_check(Reader *reader, unsigned line, Error *reterr) {
        CheckRule *rule = current_check(reader);
        if (!rule->arguments)
                return refuse(reader, line, reterr,
                                "[Check] without Command=; name what must succeed");
        rule->files = reader->watched.items;
        rule->n_files = reader->watched.n_items;
        return 0;
}

typedef struct Key {
        const char *name;
        TakeValue take; /* NULL: of a later version */
} Key;

typedef struct Section {
        const char *name;
        int (*begin)(Reader *reader, unsigned line, Error *reterr);
        int (*end)(Reader *reader, unsigned line, Error *reterr);
        const char *list; /* of the keys, for people */
        Key keys[6];      /* none: a section of a later version */
} Section;

static const Section sections[] = {
        { "Profile", NULL, NULL,
                        "Description=", { { "Description", take_description }, { "Base", NULL } } },
        { "Units", NULL, NULL, "Enable=, Disable= and Mask=",
                        { { "Enable", take_enable }, { "Disable", take_disable },
                                        { "Mask", take_mask } } },
        { "File", begin_file, end_file, "Path=, Mode=, Owner= and Secret=",
                        { { "Path", take_path }, { "Mode", take_mode }, { "Owner", take_owner },
                                        { "Secret", take_secret } } },
        { "Trigger", begin_trigger, end_trigger, "Unit=, Files= and Action=",
                        { { "Unit", take_trigger_unit }, { "Files", take_watched_files },
                                        { "Action", take_action } } },
        { "Check", begin_check, end_check, "Files=, Command= and Timeout=",
                        { { "Files", take_watched_files }, { "Command", take_command },
                                        { "Timeout", take_timeout } } },
        { .name = "Container" },
        { .name = "Kernel" },
};

static int take_line(Reader *reader, const Section *section, const UnitLine *line, Error *reterr) {
        for (const Key *key = section->keys; key->name; key++)
                if (strcmp(key->name, line->key) == 0) {
                        if (key->take)
                                return key->take(reader, line, reterr);
                        return refuse(reader, line->line, reterr,
                                        "%s= in [%s] is not supported by this version yet; take it "
                                        "out",
                                        key->name, section->name);
                }
        return refuse(reader, line->line, reterr, "Unknown key %s= in [%s], which has %s",
                        line->key, section->name, section->list);
}

static int find_section(const Reader *reader,
                const struct UnitSection *header,
                const Section **ret_section,
                Error *reterr) {
        for (size_t i = 0; i < N_ELEMENTS(sections); i++)
                if (strcmp(sections[i].name, header->name) == 0) {
                        if (!sections[i].keys[0].name)
                                return refuse(reader, header->line, reterr,
                                                "[%s] is not supported by this version yet; take "
                                                "it out",
                                                header->name);
                        *ret_section = &sections[i];
                        return 0;
                }
        return refuse(reader, header->line, reterr,
                        "Unknown section [%s]; there are [Profile], [Units], [File], [Trigger] and "
                        "[Check]",
                        header->name);
}

static int read_sections(Reader *reader, const UnitFile *file, Error *reterr) {
        const UnitLine *line = file->lines, *end = file->lines + file->n_lines;
        for (size_t i = 0; i < file->n_sections; i++) {
                const Section *section = NULL;
                unsigned header_line = file->sections[i].line;
                int r = find_section(reader, &file->sections[i], &section, reterr);
                if (r == 0 && section->begin)
                        r = section->begin(reader, header_line, reterr);
                for (; r == 0 && line < end && line->nth_section == i; line++)
                        r = take_line(reader, section, line, reterr);
                if (r == 0 && section->end)
                        r = section->end(reader, header_line, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Drops what is named a second time: naming a unit twice means what naming it once does. */
static int drop_repeated(List *list, Map *ret_by_unit, Error *reterr) {
        UnitsRule *rules = list->items;
        size_t n_kept = 0;
        for (size_t i = 0; i < list->n_items; i++) {
                if (map_get(ret_by_unit, rules[i].unit))
                        continue;
                rules[n_kept] = rules[i];
                if (map_put(ret_by_unit, rules[n_kept].unit, &rules[n_kept]) < 0)
                        return error_oom(reterr);
                n_kept++;
        }
        list->n_items = n_kept;
        return 0;
}

static int check_contradictions(Reader *reader, Error *reterr) {
        cleanup(map_donep) Map enabled = { 0 }, disabled = { 0 }, masked = { 0 };
        if (drop_repeated(&reader->enable, &enabled, reterr) < 0 ||
                        drop_repeated(&reader->disable, &disabled, reterr) < 0 ||
                        drop_repeated(&reader->mask, &masked, reterr) < 0)
                return -ENOMEM;
        const UnitsRule *rules = reader->enable.items;
        for (size_t i = 0; i < reader->enable.n_items; i++) {
                const UnitsRule *disable = map_get(&disabled, rules[i].unit);
                const UnitsRule *other = disable ? disable : map_get(&masked, rules[i].unit);
                if (other)
                        return refuse(reader, other->line, reterr,
                                        "%s=%s, but line %u has Enable=%s; take one out",
                                        disable ? "Disable" : "Mask", other->unit, rules[i].line,
                                        other->unit);
        }
        return 0;
}

int profile_conf_parse(Arena *arena,
                const char *name,
                Contents *contents,
                Content *content,
                const ProfileConf **ret_conf,
                Error *reterr) {
        const UnitFile *file = NULL;
        int r = unit_file_of(contents, content, name, &file, reterr);
        if (r < 0)
                return r;
        Reader reader = { .arena = arena, .name = name };
        r = read_sections(&reader, file, reterr);
        if (r < 0)
                return r;
        r = check_contradictions(&reader, reterr);
        if (r < 0)
                return r;
        ProfileConf *conf = arena_new(arena, ProfileConf, 1);
        if (!conf)
                return error_oom(reterr);
        *conf = (ProfileConf){
                .description = reader.description,
                .enable = reader.enable.items,
                .disable = reader.disable.items,
                .mask = reader.mask.items,
                .n_enable = reader.enable.n_items,
                .n_disable = reader.disable.n_items,
                .n_mask = reader.mask.n_items,
                .files = reader.files.items,
                .n_files = reader.files.n_items,
                .triggers = reader.triggers.items,
                .n_triggers = reader.triggers.n_items,
                .checks = reader.checks.items,
                .n_checks = reader.checks.n_items,
        };
        *ret_conf = conf;
        return 0;
}
