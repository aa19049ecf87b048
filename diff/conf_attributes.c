/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [File] of profile.conf. */
#include "diff/conf_reader.h"

#include <errno.h>
#include <string.h>

static FileRule *current_file(const ConfReader *reader) {
        return (FileRule *) reader->files.items + reader->files.n_items - 1;
}

static int take_path(ConfReader *reader, const UnitLine *line, Error *reterr) {
        if (current_file(reader)->path)
                return conf_refuse(reader, line->line, reterr,
                                "A second Path= in one [File]; begin another [File] for it");
        if (!*line->value)
                return conf_refuse(reader, line->line, reterr,
                                "Path= is empty; name a path below etc/");
        if (*line->value == '/')
                return conf_refuse(reader, line->line, reterr,
                                "Path=%s begins with '/'; write it relative to etc/%s", line->value,
                                strncmp(line->value, "/etc/", 5) == 0 ? ", without '/etc/'" : "");
        const char *fault = conf_path_fault(line->value);
        if (fault)
                return conf_refuse(reader, line->line, reterr, "Path=%s %s", line->value, fault);
        current_file(reader)->path = line->value;
        current_file(reader)->line = line->line;
        return 0;
}

static int take_mode(ConfReader *reader, const UnitLine *line, Error *reterr) {
        int mode = -1;
        size_t length = strlen(line->value);
        if (length > 0) {
                if (length < 3 || length > 5 || line->value[strspn(line->value, "01234567")])
                        return conf_refuse(reader, line->line, reterr,
                                        "Mode=%s is no mode; write octal digits, as 0640",
                                        line->value);
                mode = (int) strtol(line->value, NULL, 8);
                if (mode > 07777)
                        return conf_refuse(reader, line->line, reterr,
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

static int take_owner(ConfReader *reader, const UnitLine *line, Error *reterr) {
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
                return conf_refuse(reader, line->line, reterr,
                                "Owner=%s is no owner; write USER, USER:GROUP or :GROUP, by name "
                                "or number",
                                line->value);
        rule->owner = *owner ? owner : NULL;
        rule->group = group;
        rule->owner_line = line->line;
        return 0;
}

static int take_secret(ConfReader *reader, const UnitLine *line, Error *reterr) {
        int secret = *line->value ? unit_value_boolean(line->value) : -1;
        if (*line->value && secret < 0)
                return conf_refuse(reader, line->line, reterr,
                                "Secret=%s is no boolean; write yes or no", line->value);
        current_file(reader)->secret = secret;
        return 0;
}

static int begin_file(ConfReader *reader, unsigned line, Error *reterr) {
        FileRule *rule = conf_list_add(reader->arena, &reader->files, sizeof(FileRule));
        if (!rule)
                return error_oom(reterr);
        *rule = (FileRule){ .mode = -1, .secret = -1, .line = line };
        return 0;
}

static int end_file(ConfReader *reader, unsigned line, Error *reterr) {
        if (current_file(reader)->path)
                return 0;
        reader->files.n_items--;
        return conf_refuse(reader, line, reterr,
                        "[File] without Path=; name a path or glob below etc/");
}

const ConfSection conf_section_file = { "File", begin_file, end_file,
        "Path=, Mode=, Owner= and Secret=",
        { { "Path", take_path }, { "Mode", take_mode }, { "Owner", take_owner },
                        { "Secret", take_secret } } };
