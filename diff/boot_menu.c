/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/boot_menu.h"

#include <errno.h>
#include <string.h>

static const char blanks[] = " \t";

static const char *after_line(const char *line) {
        line += strcspn(line, "\n");
        return line + (*line == '\n');
}

/* The command that a line begins with, "linux" or "}"; *ret_rest: what follows it. */
static bool line_is(const char *line, const char *command, const char **ret_rest) {
        line += strspn(line, blanks);
        size_t length = strlen(command);
        if (strncmp(line, command, length) != 0 || (line[length] && !strchr(" \t\n", line[length])))
                return false;
        *ret_rest = line + length + strspn(line + length, blanks);
        return true;
}

static bool is_linux(const char *line, const char **ret_rest) {
        return line_is(line, "linux", ret_rest) || line_is(line, "linux16", ret_rest) ||
               line_is(line, "linuxefi", ret_rest);
}

static bool is_initrd(const char *line, const char **ret_rest) {
        return line_is(line, "initrd", ret_rest) || line_is(line, "initrd16", ret_rest) ||
               line_is(line, "initrdefi", ret_rest);
}

static bool is_of(const char *path, const char *version) {
        static const char name[] = "/vmlinuz-";
        const char *end = path + strcspn(path, " \t\n");
        size_t length = strlen(version), whole = strlen(name) + length;
        return (size_t) (end - path) >= whole && strncmp(end - length, version, length) == 0 &&
               strncmp(end - whole, name, strlen(name)) == 0;
}

/* The body of the first entry that boots Linux, of this version unless that is NULL: its lines end
 * before the one that is "}". NULL: there is none. */
static const char *find_body(const char *grub_cfg, const char *version) {
        const char *body = NULL, *rest;
        bool boots = false;
        for (const char *line = grub_cfg; *line; line = after_line(line)) {
                if (line_is(line, "menuentry", &rest)) {
                        body = after_line(line);
                        boots = false;
                } else if (body && is_linux(line, &rest))
                        boots = !version || is_of(rest, version);
                else if (body && line_is(line, "}", &rest)) {
                        if (boots)
                                return body;
                        body = NULL;
                }
        }
        return NULL;
}

bool boot_menu_fits(const char *grub_cfg) {
        return strstr(grub_cfg, "/custom.cfg") && find_body(grub_cfg, NULL);
}

void boot_menu_add_quoted(Text *text, const char *word, bool keeps_double_quotes) {
        text_add(text, "'");
        for (const char *p = word; *p; p++)
                if (*p == '\'')
                        text_add(text, "'\\''");
                else if (*p != '"' || keeps_double_quotes)
                        text_add_n(text, p, 1);
        text_add(text, "'");
}

/* A path, as the link that leads to it where there is one. */
static size_t add_path(Text *text, const char *path, const char *target, const char *link) {
        size_t length = strcspn(path, " \t\n");
        if (target && strlen(target) == length && strncmp(path, target, length) == 0)
                text_add(text, link);
        else
                text_add_n(text, path, length);
        return length;
}

/* GRUB puts double quotes around a word that has a blank in it by itself. */
static void add_linux(
                Text *text, const BootMenu *menu, const BootChoice *choice, const char *rest) {
        text_add(text, "\tlinux ");
        rest += add_path(text, rest, choice->version ? NULL : menu->kernel_link, "/vmlinuz");
        text_add_n(text, rest, strcspn(rest, "\n"));
        for (size_t i = 0; i < choice->n_words; i++) {
                text_add(text, " ");
                boot_menu_add_quoted(text, choice->words[i], false);
        }
        text_addf(text, " sysswitch.generation=%lld\n", (long long) choice->generation);
}

static void add_body(Text *text, const BootMenu *menu, const BootChoice *choice) {
        const char *rest, *line = find_body(menu->grub_cfg, choice->version);
        for (; line && *line && !line_is(line, "}", &rest); line = after_line(line))
                if (is_linux(line, &rest))
                        add_linux(text, menu, choice, rest);
                else if (is_initrd(line, &rest)) {
                        text_add(text, "\tinitrd ");
                        rest += add_path(text, rest, choice->version ? NULL : menu->initrd_link,
                                        "/initrd.img");
                        text_add_n(text, rest, strcspn(rest, "\n"));
                        text_add(text, "\n");
                } else if (!line_is(line, "echo", &rest)) { /* of a kernel that it may not be */
                        text_add_n(text, line, strcspn(line, "\n"));
                        text_add(text, "\n");
                }
}

static void add_entry(Text *text, const BootMenu *menu, const BootChoice *choice, bool is_default) {
        text_add(text, "menuentry ");
        boot_menu_add_quoted(text, choice->title, true);
        text_add(text, " --class gnu-linux --class os --id ");
        if (is_default)
                text_add(text, "sysswitch {\n");
        else
                text_addf(text, "sysswitch-%lld {\n", (long long) choice->generation);
        add_body(text, menu, choice);
        text_add(text, "}\n");
}

/* What the entry does to find the file system of its kernel. */
static bool sets_root(const char *line) {
        const char *rest;
        return line_is(line, "search", &rest) ||
               (line_is(line, "set", &rest) && strncmp(rest, "root=", strlen("root=")) == 0);
}

/* Where the kernel is there, for else GRUB's own default is the better one. The file system that is
 * looked at by now may be that of a background picture. */
static void add_default(Text *text, const BootMenu *menu) {
        const char *rest = NULL, *version = menu->choices[0].version;
        const char *line = find_body(menu->grub_cfg, version);
        text_add(text, "set sysswitch_root=\"$root\"\n");
        for (; line && *line && !is_linux(line, &rest); line = after_line(line))
                if (sets_root(line)) {
                        line += strspn(line, blanks);
                        text_add_n(text, line, strcspn(line, "\n"));
                        text_add(text, "\n");
                }
        text_add(text, "if [ -f ");
        (void) add_path(text, rest, version ? NULL : menu->kernel_link,
                        "/vmlinuz"); /* its length */
        text_add(text, " -a \"${boot_once}\" != true ]; then\n\tset default=sysswitch\nfi\n"
                       "set root=\"$sysswitch_root\"\n");
}

void boot_menu_to_grub(const BootMenu *menu, Text *text) {
        text_add(text, BOOT_MENU_MARK);
        bool has_default = menu->has_default && find_body(menu->grub_cfg, menu->choices[0].version);
        if (has_default)
                add_entry(text, menu, &menu->choices[0], true);
        if (menu->n_choices > menu->has_default)
                text_add(text, "submenu 'Generations of sysswitch' --id sysswitch-others {\n");
        for (size_t i = menu->has_default; i < menu->n_choices; i++)
                if (find_body(menu->grub_cfg, menu->choices[i].version))
                        add_entry(text, menu, &menu->choices[i], false);
        text_add(text, menu->n_choices > menu->has_default ? "}\n" : "");
        if (has_default)
                add_default(text, menu);
}
