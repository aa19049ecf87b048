/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Kernel] of profile.conf. */
#include "base/path.h"
#include "diff/conf_reader.h"
#include "diff/kernel.h"
#include "diff/kernel_require.h"
#include "diff/source.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

enum { MODULE_MAX_BYTES = 255 };

static int add_word(ConfReader *reader,
                ConfList *list,
                const char *text,
                const UnitLine *line,
                Error *reterr) {
        KernelWord *word = conf_list_add(reader->arena, list, sizeof(KernelWord));
        if (!word)
                return error_oom(reterr);
        *word = (KernelWord){ .text = text, .line = line->line };
        return 0;
}

/* A name, or an alias ("pci:v00008086d*", "fs-ext4"). */
static bool is_module(const char *text) {
        if (!isalnum((unsigned char) *text) || strlen(text) > MODULE_MAX_BYTES)
                return false;
        for (; *text; text++)
                if (!isalnum((unsigned char) *text) && !strchr("_-.:,+*?[]", *text))
                        return false;
        return true;
}

static int take_names(ConfReader *reader, ConfList *list, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *module = NULL;
        if (!*text)
                list->n_items = 0;
        int r;
        while ((r = conf_next_name(reader, line, &text, &module, reterr)) > 0) {
                size_t length = strlen(module);
                if (length > 3 && strcmp(module + length - 3, ".ko") == 0)
                        return conf_refuse(reader, line->line, reterr,
                                        "%s=%s is a file; write the module's name, as %.*s",
                                        line->key, module, (int) length - 3, module);
                if (!is_module(module))
                        return conf_refuse(reader, line->line, reterr,
                                        "%s=%s is no module's name; write it as lsmod has it, "
                                        "with spaces between modules",
                                        line->key, module);
                r = add_word(reader, list, module, line, reterr);
                if (r < 0)
                        return r;
        }
        return r;
}

static int take_modules(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_names(reader, &reader->modules, line, reterr);
}

/* They come to shell scripts, and are looked for in each kernel's tree: no patterns. */
static int take_initrd_names(
                ConfReader *reader, ConfList *list, const UnitLine *line, Error *reterr) {
        if (strpbrk(line->value, "*?[]"))
                return conf_refuse(reader, line->line, reterr,
                                "%s= has a pattern; write the names of modules, or aliases as a "
                                "device has them",
                                line->key);
        return take_names(reader, list, line, reterr);
}

static int take_initrd_modules(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_initrd_names(reader, &reader->initrd_modules, line, reterr);
}

static int take_initrd_available(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_initrd_names(reader, &reader->initrd_available, line, reterr);
}

/* As the kernel splits its command line: double quotes hold white space, and stay. */
static size_t parameter_length(const char *text) {
        bool quoted = false;
        size_t length = 0;
        for (; text[length] && (quoted || !isspace((unsigned char) text[length])); length++)
                quoted ^= text[length] == '"';
        return quoted ? 0 : length;
}

static int take_parameters(ConfReader *reader, const UnitLine *line, Error *reterr) {
        static const char own[] = "sysswitch.";
        if (!*line->value)
                reader->parameters.n_items = 0;
        for (const char *text = line->value; *text; text += strspn(text, " \t")) {
                size_t length = parameter_length(text);
                if (length == 0)
                        return conf_refuse(reader, line->line, reterr,
                                        "Parameters= has a quote without an end");
                const char *word = arena_strndup(reader->arena, text, length);
                if (!word)
                        return error_oom(reterr);
                if (strncmp(word, own, strlen(own)) == 0)
                        return conf_refuse(reader, line->line, reterr,
                                        "Parameters=%s is what a boot is told by sysswitch itself; "
                                        "take it out",
                                        word);
                int r = add_word(reader, &reader->parameters, word, line, reterr);
                if (r < 0)
                        return r;
                text += length;
        }
        return 0;
}

static int take_console_log_level(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *value = line->value;
        if (*value && (*value < '0' || *value > '8' || value[1]))
                return conf_refuse(reader, line->line, reterr,
                                "ConsoleLogLevel=%s is none; write a digit from 0 to 8", value);
        reader->kernel.console_log_level = *value ? (unsigned) (*value - '0') : 0;
        reader->kernel.console_log_level_line = *value ? line->line : 0;
        return 0;
}

static int take_version(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *value = line->value;
        if (*value && !kernel_is_version(value, strlen(value)))
                return conf_refuse(reader, line->line, reterr,
                                "Version=%s is no kernel's; write it as uname -r has it", value);
        reader->kernel.version = *value ? value : NULL;
        reader->kernel.version_line = line->line;
        return 0;
}

/* A directory of the source that is for nothing else. */
static int take_directory(ConfReader *reader,
                ConfList *list,
                const char *key,
                const UnitLine *line,
                Error *reterr) {
        static const char *const own[] = { "etc", "units", "hooks", "containers", "profile.conf" };
        if (!*line->value) {
                list->n_items = 0;
                return 0;
        }
        size_t length = strlen(line->value);
        while (length > 1 && line->value[length - 1] == '/')
                length--;
        const char *path = arena_strndup(reader->arena, line->value, length);
        if (!path)
                return error_oom(reterr);
        const char *fault = *path == '/' ? "is absolute; write a directory of the source"
                                         : conf_path_fault(path);
        if (fault)
                return conf_refuse(reader, line->line, reterr, "%s=%s %s", key, line->value, fault);
        bool is_taken = source_leaves_out(path);
        for (size_t i = 0; i < N_ELEMENTS(own); i++)
                is_taken |= path_is_below(path, own[i]);
        if (is_taken)
                return conf_refuse(reader, line->line, reterr,
                                "%s=%s is for other things in a source; name a directory beside "
                                "etc/ and units/",
                                key, line->value);
        const KernelWord *words = list->items;
        for (size_t i = 0; i < list->n_items; i++)
                if (strcmp(words[i].text, path) == 0)
                        return 0;
        return add_word(reader, list, path, line, reterr);
}

static int take_extra_modules(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_directory(reader, &reader->extra_modules, "ExtraModules", line, reterr);
}

static int take_firmware(ConfReader *reader, const UnitLine *line, Error *reterr) {
        return take_directory(reader, &reader->firmware, "Firmware", line, reterr);
}

static int take_vesa(ConfReader *reader, const UnitLine *line, Error *reterr) {
        int vesa = *line->value ? unit_value_boolean(line->value) : 0;
        if (vesa < 0)
                return conf_refuse(reader, line->line, reterr,
                                "Vesa=%s is no boolean; write yes or no", line->value);
        reader->kernel.vesa = vesa;
        return 0;
}

/* An empty one takes away what is required unasked, too. */
static int take_require(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *text = line->value, *word = NULL;
        if (!*text) {
                reader->requirements.n_items = 0;
                reader->kernel.only_own_requirements = true;
        }
        int r;
        while ((r = unit_value_next_name(reader->arena, &text, &word)) > 0) {
                KernelRequirement ignored;
                const char *fault = NULL;
                if (kernel_requirement_parse(reader->arena, word, &ignored, &fault) < 0)
                        return error_oom(reterr);
                if (fault)
                        return conf_refuse(
                                        reader, line->line, reterr, "Require=%s %s", word, fault);
                r = add_word(reader, &reader->requirements, word, line, reterr);
                if (r < 0)
                        return r;
        }
        if (r == -EBADMSG)
                return conf_refuse(
                                reader, line->line, reterr, "Require= has a quote without an end");
        return r < 0 ? error_oom(reterr) : 0;
}

static int take_require_missing(ConfReader *reader, const UnitLine *line, Error *reterr) {
        bool warns = strcmp(line->value, "warn") == 0;
        if (!warns && *line->value && strcmp(line->value, "refuse") != 0)
                return conf_refuse(reader, line->line, reterr,
                                "RequireMissing=%s is unknown; write refuse or warn", line->value);
        reader->kernel.missing_is_warned = warns;
        return 0;
}

static int begin(ConfReader *reader, unsigned line, Error *reterr) {
        (void) reterr; /* nothing that can fail */
        if (!reader->kernel.line)
                reader->kernel.line = line;
        return 0;
}

const ConfSection conf_section_kernel = { "Kernel", begin, NULL,
        "Version=, Modules=, ExtraModules=, Firmware=, Parameters=, ConsoleLogLevel=, Vesa=, "
        "Require=, RequireMissing=, InitrdModules= and InitrdAvailableModules=",
        { { "Modules", take_modules }, { "Parameters", take_parameters },
                        { "ConsoleLogLevel", take_console_log_level }, { "Vesa", take_vesa },
                        { "Require", take_require }, { "RequireMissing", take_require_missing },
                        { "Version", take_version },
                        { "InitrdAvailableModules", take_initrd_available },
                        { "InitrdModules", take_initrd_modules },
                        { "ExtraModules", take_extra_modules }, { "Firmware", take_firmware } } };
