/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/kernel.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool kernel_is_version(const char *text, size_t length) {
        for (size_t i = 0; i < length; i++)
                if (!isalnum((unsigned char) text[i]) &&
                                (i == 0 || !text[i] || !strchr("._+~-", text[i])))
                        return false;
        return length > 0;
}

int kernel_words(const KernelRule *rule, Strv *ret_words) {
        static const char *const vesa[] = { "vga=0x317", "nomodeset" };
        char level[] = "loglevel=N";
        int r = 0;
        for (size_t i = 0; r >= 0 && i < rule->n_parameters; i++)
                r = strv_add_unique(ret_words, rule->parameters[i].text);
        if (r >= 0 && rule->console_log_level_line) {
                level[strlen(level) - 1] = (char) ('0' + rule->console_log_level);
                r = strv_add_unique(ret_words, level);
        }
        for (size_t i = 0; r >= 0 && rule->vesa && i < N_ELEMENTS(vesa); i++)
                r = strv_add_unique(ret_words, vesa[i]);
        return r < 0 ? r : 0;
}

/* The word and what a command line has at this place, to its end, are one but for double quotes:
 * a boot loader may set them around the whole word. */
static bool is_word(const char *at, const char *word) {
        for (bool quoted = false;; at++) {
                while (*word == '"')
                        word++;
                if (*at == '"')
                        quoted = !quoted;
                else if (!*at || (!quoted && isspace((unsigned char) *at)))
                        return !*word;
                else if (*at != *word++)
                        return false;
        }
}

/* Where the first such word ends; NULL: there is none. */
static const char *find_word(const char *command_line, const char *word) {
        bool quoted = false, begins = true, found = false;
        for (const char *at = command_line; *at; at++) {
                found |= begins && is_word(at, word);
                quoted ^= *at == '"';
                begins = !quoted && isspace((unsigned char) *at);
                if (found && (begins || !at[1]))
                        return at + !at[1];
        }
        return NULL;
}

static bool has_word(const char *command_line, const char *word) {
        return find_word(command_line, word);
}

/* Of some words (console=) the last one counts. */
static bool has_in_order(const char *command_line, const Strv *words) {
        for (size_t i = 0; command_line && i < words->n_items; i++)
                command_line = find_word(command_line, words->items[i]);
        return command_line;
}

/* The same words, each of which either has once. */
static bool are_reordered(const Strv *old, const Strv *new) {
        bool same = old->n_items == new->n_items, ordered = true;
        for (size_t i = 0; same && i < new->n_items; i++) {
                same = strv_has(old, new->items[i]);
                ordered &= strcmp(old->items[i], new->items[i]) == 0;
        }
        return same && !ordered;
}

static int add_reason(Strv *reasons, const char *word, const char *what) {
        cleanup_free char *reason = NULL;
        if (asprintf(&reason, "%s %s", word, what) < 0)
                return -ENOMEM;
        return strv_add(reasons, reason);
}

static bool names_module(const KernelWord *words, size_t n_words, const char *module) {
        for (size_t i = 0; i < n_words; i++)
                if (kernel_same_module(words[i].text, module))
                        return true;
        return false;
}

bool kernel_initrd_names(const KernelRule *rule, const char *module) {
        return names_module(rule->initrd_modules, rule->n_initrd_modules, module) ||
               names_module(rule->initrd_available, rule->n_initrd_available, module);
}

static int add_loaded(
                const KernelRule *rule, const KernelRule *other, const char *what, Strv *reasons) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < rule->n_initrd_modules; i++)
                if (!names_module(other->initrd_modules, other->n_initrd_modules,
                                    rule->initrd_modules[i].text))
                        r = add_reason(reasons, rule->initrd_modules[i].text, what);
        return r;
}

static int add_available(
                const KernelRule *rule, const KernelRule *other, const char *what, Strv *reasons) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < rule->n_initrd_available; i++) {
                const char *module = rule->initrd_available[i].text;
                if (!kernel_initrd_names(other, module))
                        r = add_reason(reasons, module, what);
        }
        return r;
}

int kernel_initrd_reasons(const KernelRule *before, const KernelRule *after, Strv *ret_reasons) {
        int r = add_loaded(after, before, "is loaded in the initrd", ret_reasons);
        if (r >= 0)
                r = add_loaded(before, after, "is no more loaded in the initrd", ret_reasons);
        if (r >= 0)
                r = add_available(after, before, "comes to the initrd", ret_reasons);
        return r < 0 ? r : add_available(before, after, "leaves the initrd", ret_reasons);
}

static bool is_another(const char *version, const char *other) {
        return version && (!other || strcmp(version, other) != 0);
}

int kernel_reboot_reasons(const KernelRule *before,
                const KernelRule *after,
                const RunningKernel *running,
                Strv *ret_reasons) {
        const char *command_line = running->command_line;
        cleanup_strv Strv old = { 0 }, new = { 0 };
        int r = kernel_words(before, &old);
        if (r >= 0)
                r = kernel_words(after, &new);
        for (size_t i = 0; r >= 0 && i < new.n_items; i++)
                if (!strv_has(&old, new.items[i]) &&
                                !(command_line && has_word(command_line, new.items[i])))
                        r = add_reason(ret_reasons, new.items[i],
                                        "comes to the kernel's command line");
        for (size_t i = 0; r >= 0 && i < old.n_items; i++)
                if (!strv_has(&new, old.items[i]) &&
                                !(command_line && !has_word(command_line, old.items[i])))
                        r = add_reason(ret_reasons, old.items[i],
                                        "leaves the kernel's command line");
        if (r >= 0 && are_reordered(&old, &new) && !has_in_order(command_line, &new))
                r = strv_add(ret_reasons, "the kernel's command line has another order");
        if (r >= 0 && is_another(after->version, before->version) &&
                        is_another(after->version, running->version))
                r = add_reason(ret_reasons, after->version, "is the kernel to boot");
        if (r >= 0 && before->console_log_level_line && !after->console_log_level_line)
                r = strv_add(ret_reasons, "kernel.printk stays as ConsoleLogLevel= set it");
        return r < 0 ? r : 0;
}

int kernel_missing_words(const KernelRule *rule, const char *command_line, Strv *ret_words) {
        cleanup_strv Strv words = { 0 };
        int r = kernel_words(rule, &words);
        for (size_t i = 0; r >= 0 && i < words.n_items; i++)
                if (!has_word(command_line, words.items[i]))
                        r = strv_add(ret_words, words.items[i]);
        return r < 0 ? r : 0;
}

static char canonical(char c) {
        return (char) (c == '-' ? '_' : c);
}

bool kernel_same_module(const char *left, const char *right) {
        while (*left && canonical(*left) == canonical(*right))
                left++, right++;
        return canonical(*left) == canonical(*right);
}

void kernel_module_name(const char *given, char *ret_name) {
        size_t i = 0;
        for (; given[i] && i < MODULE_NAME_SIZE - 1; i++)
                ret_name[i] = canonical(given[i]);
        ret_name[i] = 0;
}

void kernel_module_of_file(const char *path, char *ret_name) {
        const char *slash = strrchr(path, '/');
        kernel_module_name(slash ? slash + 1 : path, ret_name);
        char *end = strstr(ret_name, ".ko");
        *(end ? end : ret_name) = 0;
}

bool kernel_loads_file(const KernelRule *rule, const Entry *entry) {
        char name[MODULE_NAME_SIZE];
        if (!entry || entry->root != ROOT_LIB || entry->kind != ENTRY_FILE ||
                        strncmp(entry->path, KERNEL_MODULE_TREES, strlen(KERNEL_MODULE_TREES)) != 0)
                return false;
        kernel_module_of_file(entry->path, name);
        for (size_t i = 0; i < rule->n_modules; i++)
                if (kernel_same_module(rule->modules[i].text, name))
                        return true;
        return false;
}

bool kernel_module_is_loaded(const char *loaded, const char *module) {
        for (const char *line = loaded; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                char name[256];
                size_t length = strcspn(line, " ");
                if (length >= sizeof(name))
                        continue;
                memcpy(name, line, length);
                name[length] = 0;
                if (kernel_same_module(name, module))
                        return true;
        }
        return false;
}

int kernel_modules_in(const char *text, Strv *ret_names) {
        while (*text) {
                size_t length = strcspn(text, "\n");
                int r = length > 0 && *text != '#' && *text != ';'
                                        ? strv_add_n(ret_names, text, length)
                                        : 0;
                if (r < 0)
                        return r;
                text += length + (text[length] == '\n');
        }
        return 0;
}
