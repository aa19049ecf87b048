/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/kernel_require.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "CONFIG_";
static const char *const unset = "n";

static size_t option_length(const char *text) {
        size_t length = 0;
        while (isalnum((unsigned char) text[length]) || text[length] == '_')
                length++;
        return length;
}

static const char *fault_of(const char *option, size_t length, char end, bool negated) {
        if (length == 0 || (end && end != '='))
                return "is no requirement; write an option of the kernel's configuration, as VETH, "
                       "VETH=y|m or !VETH";
        if (negated && end)
                return "says no and a value; write one of them, as !X or X=y";
        for (size_t i = 0; i < length; i++)
                if (!islower((unsigned char) option[i]))
                        return NULL;
        return "is no option of a kernel's configuration, whose names are in capitals";
}

static int add_values(Arena *arena, const char *text, KernelRequirement *requirement) {
        size_t n = 1;
        for (const char *p = text; *p; p++)
                n += *p == '|';
        const char **values = arena_new(arena, const char *, n);
        for (size_t i = 0; values && i < n; i++) {
                size_t length = strcspn(text, "|");
                values[i] = arena_strndup(arena, text, length);
                if (!values[i])
                        return -ENOMEM;
                text += length + 1;
        }
        requirement->values = values;
        requirement->n_values = n;
        return values ? 0 : -ENOMEM;
}

int kernel_requirement_parse(Arena *arena,
                const char *word,
                KernelRequirement *ret_requirement,
                const char **ret_fault) {
        bool negated = *word == '!';
        const char *option = word + negated;
        if (strncmp(option, prefix, strlen(prefix)) == 0)
                option += strlen(prefix);
        size_t length = option_length(option);
        *ret_fault = fault_of(option, length, option[length], negated);
        if (*ret_fault)
                return 0;
        KernelRequirement requirement = { .option = arena_strndup(arena, option, length) };
        const char *values = negated ? unset : option[length] ? option + length + 1 : "y|m";
        if (!requirement.option || add_values(arena, values, &requirement) < 0)
                return -ENOMEM;
        *ret_requirement = requirement;
        return 0;
}

/* What stands behind "CONFIG_OPTION=", without quotes; "n" where it is not set. NULL: memory. */
static const char *value_of(const char *text, const char *option, Arena *arena) {
        size_t length = strlen(option);
        for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                const char *name = line + strlen(prefix), *value = name + length + 1;
                if (strncmp(line, prefix, strlen(prefix)) != 0 ||
                                strncmp(name, option, length) != 0 || name[length] != '=')
                        continue;
                size_t size = strcspn(value, "\r\n");
                bool quoted = size >= 2 && *value == '"' && value[size - 1] == '"';
                return arena_strndup(arena, value + quoted, quoted ? size - 2 : size);
        }
        return unset;
}

static bool is_number(const char *text, unsigned long long *ret_number) {
        char *end;
        if (!isdigit((unsigned char) text[*text == '-']))
                return false;
        errno = 0;
        *ret_number = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
        return !errno && !*end;
}

static bool is_met(const KernelRequirement *requirement, const char *value) {
        unsigned long long wanted, found;
        for (size_t i = 0; i < requirement->n_values; i++)
                if (strcmp(requirement->values[i], value) == 0 ||
                                (is_number(requirement->values[i], &wanted) &&
                                                is_number(value, &found) && wanted == found))
                        return true;
        return false;
}

/* As the configuration would have it. */
static void add_line(Text *text, const char *option, const char *value) {
        unsigned long long ignored;
        bool plain = is_number(value, &ignored) || strcmp(value, "y") == 0 ||
                     strcmp(value, "m") == 0;
        if (strcmp(value, unset) == 0)
                text_addf(text, "# CONFIG_%s is not set", option);
        else
                text_addf(text, plain ? "CONFIG_%s=%s" : "CONFIG_%s=\"%s\"", option, value);
}

typedef struct Judgement {
        const ProfileConf *conf;
        const KernelConfig *config;
        Arena *arena;
        KernelUnmet *unmet;
        size_t n_unmet;
} Judgement;

static int take(Judgement *judgement, const char *option, Text *text) {
        cleanup_free char *message = NULL;
        if (text_take(text, &message) < 0)
                return -ENOMEM;
        KernelUnmet *unmet = &judgement->unmet[judgement->n_unmet++];
        unmet->option = arena_printf(judgement->arena, "%s", option);
        unmet->message = arena_strdup(judgement->arena, message);
        return unmet->option && unmet->message ? 0 : -ENOMEM;
}

/* word: as written; where: how it came to be required, with its line. */
static int judge(Judgement *judgement, const char *word, unsigned line, const char *unasked) {
        KernelRequirement requirement;
        const char *fault = NULL;
        if (kernel_requirement_parse(judgement->arena, word, &requirement, &fault) < 0)
                return -ENOMEM;
        if (fault)
                return 0; /* was refused where it was read */
        const char *value = value_of(judgement->config->text, requirement.option, judgement->arena);
        const char *option = arena_printf(judgement->arena, "%s%s", prefix, requirement.option);
        if (!value || !option)
                return -ENOMEM;
        if (is_met(&requirement, value))
                return 0;
        cleanup(text_donep) Text text = { 0 };
        const char *place = profile_conf_place(judgement->arena, judgement->conf, line);
        if (!place)
                return -ENOMEM;
        text_addf(&text, "%s: Require=%s%s: %s has ", place, word, unasked,
                        judgement->config->kernel);
        add_line(&text, requirement.option, value);
        text_addf(&text, " (%s): it takes one with ", judgement->config->path);
        for (size_t i = 0; i < requirement.n_values; i++) {
                text_add(&text, i > 0 ? " or " : "");
                add_line(&text, requirement.option, requirement.values[i]);
        }
        return take(judgement, option, &text);
}

static int miss(Judgement *judgement, unsigned line) {
        cleanup(text_donep) Text text = { 0 };
        const char *place = profile_conf_place(judgement->arena, judgement->conf, line);
        if (!place)
                return -ENOMEM;
        text_addf(&text,
                        "%s: Require=: No configuration of %s can be found (%s): "
                        "provide it, or write RequireMissing=warn to go on without",
                        place, judgement->config->kernel, judgement->config->path);
        return take(judgement, "Require", &text);
}

int kernel_require_check(const ProfileConf *conf,
                const KernelConfig *config,
                Arena *arena,
                KernelUnmet **ret_unmet,
                size_t *ret_n_unmet) {
        const KernelRule *rule = &conf->kernel;
        static const char *const usual[] = { "MODULES", "BINFMT_ELF" };
        size_t n_usual = !rule->line || rule->only_own_requirements ? 0 : N_ELEMENTS(usual);
        Judgement judgement = { .conf = conf,
                .config = config,
                .arena = arena,
                .unmet = arena_new(arena, KernelUnmet, n_usual + rule->n_requirements + 1) };
        if (!judgement.unmet)
                return -ENOMEM;
        int r = 0;
        if (!config->text && n_usual + rule->n_requirements > 0)
                r = miss(&judgement,
                                rule->n_requirements > 0 ? rule->requirements[0].line : rule->line);
        for (size_t i = 0; config->text && r == 0 && i < n_usual; i++)
                r = judge(&judgement, usual[i], rule->line,
                                " (of each [Kernel], unless an empty Require= stands in it)");
        for (size_t i = 0; config->text && r == 0 && i < rule->n_requirements; i++)
                r = judge(&judgement, rule->requirements[i].text, rule->requirements[i].line, "");
        *ret_unmet = judgement.unmet;
        *ret_n_unmet = judgement.n_unmet;
        return r;
}
