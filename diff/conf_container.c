/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Container] of profile.conf. */
#include "diff/conf_reader.h"

#include "base/path.h"
#include "diff/container.h"

#include <errno.h>
#include <string.h>

static ContainerRule *current(const ConfReader *reader) {
        return (ContainerRule *) reader->containers.items + reader->containers.n_items - 1;
}

static int take_name(ConfReader *reader, const UnitLine *line, Error *reterr) {
        if (current(reader)->name)
                return conf_refuse(reader, line->line, reterr,
                                "A second Name= in one [Container]; begin another [Container] for "
                                "it");
        const char *fault = container_name_fault(line->value);
        if (fault)
                return conf_refuse(reader, line->line, reterr, "Name=%s %s", line->value, fault);
        const ContainerRule *rules = reader->containers.items;
        for (size_t i = 0; i + 1 < reader->containers.n_items; i++)
                if (strcmp(rules[i].name, line->value) == 0 &&
                                conf_layer_of(reader, rules[i].line) ==
                                                conf_layer_of(reader, line->line))
                        return conf_refuse(reader, line->line, reterr,
                                        "Container %s is declared a second time, the first is in "
                                        "line %u; make one section of them",
                                        line->value, rules[i].line);
        current(reader)->name = line->value;
        return 0;
}

/* What is in a root comes to be the container's users'. So it is none of the directories that each
 * host has, nor below those that are the kernel's, the configuration's or ours. */
static bool is_of_host(const char *root) {
        static const char *const whole[] = { "dev", "etc", "proc", "sys", "var/lib/sysswitch" };
        static const char *const single[] = { "bin", "boot", "home", "lib", "lib32", "lib64",
                "libx32", "media", "mnt", "opt", "root", "run", "sbin", "srv", "tmp", "usr",
                "usr/bin", "usr/lib", "usr/lib32", "usr/lib64", "usr/libx32", "usr/local",
                "usr/sbin", "usr/share", "var", "var/cache", "var/lib", "var/lib/containers",
                "var/lib/machines", "var/log", "var/spool", "var/tmp" };
        for (size_t i = 0; i < N_ELEMENTS(whole); i++)
                if (path_is_below(root, whole[i]))
                        return true;
        for (size_t i = 0; i < N_ELEMENTS(single); i++)
                if (strcmp(root, single[i]) == 0)
                        return true;
        return false;
}

static int take_root(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *root = *line->value ? line->value : NULL;
        if (root && *root != '/')
                return conf_refuse(reader, line->line, reterr,
                                "Root=%s is no absolute path; write one", root);
        const char *fault = root ? conf_path_fault(root + 1) : NULL;
        if (fault)
                return conf_refuse(reader, line->line, reterr, "Root=%s %s", root, fault);
        if (root && is_of_host(root + 1))
                return conf_refuse(reader, line->line, reterr,
                                "Root=%s is a directory of the host itself, whose files would "
                                "become the container's; name one of its own",
                                root);
        if (root && strpbrk(root, " \t%$\"'\\:"))
                return conf_refuse(reader, line->line, reterr,
                                "Root=%s has a character in it that means something to systemd; "
                                "name another directory",
                                root);
        current(reader)->root = root;
        current(reader)->root_line = line->line;
        reader->gives_root = true;
        return 0;
}

static int take_profile(ConfReader *reader, const UnitLine *line, Error *reterr) {
        const char *profile = *line->value ? line->value : NULL;
        const char *fault = profile ? container_profile_fault(profile) : NULL;
        if (fault)
                return conf_refuse(reader, line->line, reterr, "Profile=%s %s", profile, fault);
        current(reader)->profile = profile;
        reader->gives_profile = true;
        return 0;
}

static int take_on_change(ConfReader *reader, const UnitLine *line, Error *reterr) {
        static const char *const words[] = {
                [ON_CHANGE_DYNAMIC] = "dynamic",
                [ON_CHANGE_ACTIVATE] = "activate",
                [ON_CHANGE_REBOOT] = "reboot",
                [ON_CHANGE_NONE] = "none",
        };
        current(reader)->on_change = ON_CHANGE_DYNAMIC;
        reader->gives_on_change = true;
        if (!*line->value)
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(words); i++)
                if (strcmp(words[i], line->value) == 0) {
                        current(reader)->on_change = (OnChange) i;
                        return 0;
                }
        return conf_refuse(reader, line->line, reterr,
                        "OnChange=%s is unknown; write dynamic, activate, reboot or none",
                        line->value);
}

static int take_auto_start(ConfReader *reader, const UnitLine *line, Error *reterr) {
        int auto_start = *line->value ? unit_value_boolean(line->value) : -1;
        if (*line->value && auto_start < 0)
                return conf_refuse(reader, line->line, reterr,
                                "AutoStart=%s is no boolean; write yes or no", line->value);
        current(reader)->auto_start = auto_start;
        reader->gives_auto_start = true;
        return 0;
}

static int begin(ConfReader *reader, unsigned line, Error *reterr) {
        ContainerRule *rule =
                        conf_list_add(reader->arena, &reader->containers, sizeof(ContainerRule));
        if (!rule)
                return error_oom(reterr);
        *rule = (ContainerRule){ .auto_start = -1, .line = line };
        reader->gives_profile = reader->gives_root = false;
        reader->gives_on_change = reader->gives_auto_start = false;
        return 0;
}

/* What the section does not say stays as an earlier layer has it. */
static void lay_over(ConfReader *reader, ContainerRule *below) {
        const ContainerRule *rule = current(reader);
        below->line = rule->line;
        if (reader->gives_profile)
                below->profile = rule->profile;
        if (reader->gives_root) {
                below->root = rule->root;
                below->root_line = rule->root_line;
        }
        if (reader->gives_on_change)
                below->on_change = rule->on_change;
        if (reader->gives_auto_start)
                below->auto_start = rule->auto_start;
        reader->containers.n_items--;
}

static int end(ConfReader *reader, unsigned line, Error *reterr) {
        const ContainerRule *rule = current(reader);
        if (!rule->name) {
                reader->containers.n_items--;
                return conf_refuse(reader, line, reterr,
                                "[Container] without Name=; name the container that it is about");
        }
        ContainerRule *rules = reader->containers.items;
        for (size_t i = 0; i + 1 < reader->containers.n_items; i++)
                if (strcmp(rules[i].name, rule->name) == 0) {
                        lay_over(reader, &rules[i]);
                        break;
                }
        return 0;
}

const ConfSection conf_section_container = { "Container", begin, end,
        "Name=, Profile=, Root=, OnChange= and AutoStart=",
        { { "Name", take_name }, { "Root", take_root }, { "OnChange", take_on_change },
                        { "AutoStart", take_auto_start }, { "Profile", take_profile } } };
