/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/unit_name.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum { UNIT_NAME_MAX_BYTES = 255 };

static const char *const type_names[N_UNIT_TYPES] = {
        [UNIT_SERVICE] = "service",
        [UNIT_SOCKET] = "socket",
        [UNIT_TARGET] = "target",
        [UNIT_DEVICE] = "device",
        [UNIT_MOUNT] = "mount",
        [UNIT_AUTOMOUNT] = "automount",
        [UNIT_SWAP] = "swap",
        [UNIT_TIMER] = "timer",
        [UNIT_PATH] = "path",
        [UNIT_SLICE] = "slice",
        [UNIT_SCOPE] = "scope",
};

const char *unit_type_to_string(UnitType type) {
        return type_names[type];
}

int unit_name_type(const char *name) {
        const char *dot = strrchr(name, '.');
        if (dot)
                for (int type = 0; type < N_UNIT_TYPES; type++)
                        if (dot[1] == type_names[type][0] && strcmp(dot + 1, type_names[type]) == 0)
                                return type;
        return -EINVAL;
}

static bool is_name_character(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == ':' || c == '-' || c == '_' || c == '.' || c == '\\';
}

bool unit_name_is_valid(const char *name) {
        if (*name == '@' || *name == 0 || unit_name_type(name) < 0)
                return false;
        const char *dot = strrchr(name, '.');
        if (dot == name)
                return false;
        for (const char *p = name; p < dot; p++)
                if (!is_name_character(*p) && *p != '@')
                        return false;
        return strlen(name) <= UNIT_NAME_MAX_BYTES;
}

const char *unit_name_instance(const char *name, size_t *ret_length) {
        const char *at = strchr(name, '@'), *dot = strrchr(name, '.');
        if (!at || !dot || dot < at)
                return NULL;
        *ret_length = (size_t) (dot - at - 1);
        return at + 1;
}

bool unit_name_is_template(const char *name) {
        size_t length = 0;
        return unit_name_instance(name, &length) && length == 0;
}

bool unit_name_is_instance(const char *name) {
        size_t length = 0;
        return unit_name_instance(name, &length) && length > 0;
}

/* The first length bytes of one text, and another behind them. */
static char *
join(Arena *arena, const char *text, size_t length, const char *more, size_t more_length) {
        char *joined = arena_alloc(arena, length + more_length + 1);
        if (!joined)
                return NULL;
        memcpy(joined, text, length);
        memcpy(joined + length, more, more_length);
        return joined;
}

const char *unit_name_template_of(Arena *arena, const char *name) {
        size_t length = 0;
        const char *instance = unit_name_instance(name, &length);
        if (!instance || length == 0)
                return NULL;
        const char *suffix = instance + length;
        return join(arena, name, (size_t) (instance - name), suffix, strlen(suffix));
}

const char *unit_name_with_instance(Arena *arena, const char *template_name, const char *instance) {
        size_t length = 0;
        const char *old = unit_name_instance(template_name, &length);
        if (!old)
                return NULL;
        return arena_printf(arena, "%.*s%s%s", (int) (old - template_name), template_name, instance,
                        old + length);
}

const char *unit_name_with_type(Arena *arena, const char *name, UnitType type) {
        const char *dot = strrchr(name, '.');
        size_t length = dot ? (size_t) (dot + 1 - name) : 0;
        return length ? join(arena, name, length, type_names[type], strlen(type_names[type]))
                      : NULL;
}

static void add_escaped(Text *text, char c) {
        text_addf(text, "\\x%02x", (unsigned char) c);
}

static const char *take_into(Arena *arena, Text *text) {
        cleanup_free char *string = NULL;
        if (text_take(text, &string) < 0)
                return NULL;
        return arena_strdup(arena, string);
}

const char *unit_name_from_path(Arena *arena, const char *path, UnitType type) {
        cleanup(text_donep) Text text = { 0 };
        bool first = true;
        while (*path) {
                size_t length = strcspn(path, "/");
                if (length > 0 && !(length == 1 && *path == '.')) {
                        if (!first)
                                text_add(&text, "-");
                        for (size_t i = 0; i < length; i++)
                                if (path[i] == '-' || path[i] == '\\' ||
                                                !is_name_character(path[i]) ||
                                                (first && i == 0 && path[i] == '.'))
                                        add_escaped(&text, path[i]);
                                else
                                        text_add_n(&text, &path[i], 1);
                        first = false;
                }
                path += length;
                path += strspn(path, "/");
        }
        if (first)
                text_add(&text, "-");
        text_addf(&text, ".%s", type_names[type]);
        return take_into(arena, &text);
}

/* The byte that "\\xHH" stands for, or -1. */
static int unescape(const char *text, size_t length) {
        if (length < 4 || text[0] != '\\' || text[1] != 'x')
                return -1;
        int byte = 0;
        for (size_t i = 2; i < 4; i++) {
                static const char digits[] = "0123456789abcdef";
                const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
                if (!digit)
                        return -1;
                byte = byte << 4 | (int) (digit - digits);
        }
        return byte;
}

/* systemd-escape --unescape; what is no escape stays as it is. */
static void add_unescaped(Text *text, const char *part, size_t length) {
        for (size_t i = 0; i < length; i++) {
                int byte = unescape(part + i, length - i);
                char c = byte >= 0 ? (char) byte : part[i] == '-' ? '/' : part[i];
                if (byte >= 0)
                        i += 3;
                text_add_n(text, &c, 1);
        }
}

/* Adds what the specifier stands for; false when it is none of ours. */
static bool add_specifier(Text *text, const char *name, char specifier) {
        const char *dot = strrchr(name, '.');
        size_t stem_length = dot ? (size_t) (dot - name) : strlen(name), instance_length = 0;
        const char *instance = unit_name_instance(name, &instance_length);
        size_t prefix_length = instance ? (size_t) (instance - 1 - name) : stem_length;
        const char *dash = memrchr(name, '-', prefix_length), *last = dash ? dash + 1 : name;
        size_t last_length = (size_t) (name + prefix_length - last);
        switch (specifier) {
        case '%':
                text_add(text, "%");
                return true;
        case 'i':
                text_add_n(text, instance ? instance : "", instance_length);
                return true;
        case 'I':
                add_unescaped(text, instance ? instance : "", instance_length);
                return true;
        case 'n':
                text_add(text, name);
                return true;
        case 'N':
                text_add_n(text, name, stem_length);
                return true;
        case 'p':
                text_add_n(text, name, prefix_length);
                return true;
        case 'P':
                add_unescaped(text, name, prefix_length);
                return true;
        case 'j':
                text_add_n(text, last, last_length);
                return true;
        case 'J':
                add_unescaped(text, last, last_length);
                return true;
        default:
                return false;
        }
}

const char *unit_name_expand(Arena *arena, const char *name, const char *value) {
        if (!strchr(value, '%'))
                return value;
        cleanup(text_donep) Text text = { 0 };
        while (*value) {
                size_t plain = strcspn(value, "%");
                text_add_n(&text, value, plain);
                value += plain;
                if (!*value)
                        break;
                if (value[1] && add_specifier(&text, name, value[1])) {
                        value += 2;
                        continue;
                }
                text_add(&text, "%");
                value++;
        }
        return take_into(arena, &text);
}

bool unit_name_may_alias(const char *alias, const char *name) {
        int type = unit_name_type(alias);
        switch (type) {
        case UNIT_SERVICE:
        case UNIT_SOCKET:
        case UNIT_TARGET:
        case UNIT_DEVICE:
        case UNIT_TIMER:
        case UNIT_PATH:
                break;
        default:
                return false;
        }
        if (unit_name_type(name) != type)
                return false;
        size_t alias_length = 0, name_length = 0;
        const char *alias_instance = unit_name_instance(alias, &alias_length);
        const char *name_instance = unit_name_instance(name, &name_length);
        if (!alias_instance || !name_instance)
                return !alias_instance && !name_instance;
        if (name_length == 0)
                return true;
        return alias_length == name_length &&
               memcmp(alias_instance, name_instance, name_length) == 0;
}
