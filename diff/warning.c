/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd would take without a word, or with one in a log that nobody reads: it is no error,
 * and yet hardly meant. */
#include "base/text.h"
#include "diff/glob.h"
#include "diff/rendering.h"
#include "diff/unit_file.h"
#include "diff/unit_name.h"
#include "diff/unit_place.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* "SOURCE/FILE:LINE: FORMAT…", kept in the tree. */
static int warn(Rendering *rendering, const char *file, unsigned line, Text *what) {
        cleanup_free char *text = NULL, *whole = NULL;
        char name[SOURCE_MAX_PATH_BYTES * 2], number[16] = "";
        rendering_name_file(rendering, file, &line, name, sizeof(name));
        if (line > 0)
                (void) snprintf(number, sizeof(number), ":%u", line); /* fits */
        if (text_take(what, &text) < 0 || asprintf(&whole, "%s%s: %s", name, number, text) < 0)
                return -ENOMEM;
        return strv_add(&rendering->tree->warnings, whole);
}

/* Each type has a section of its name; "service" -> "Service". */
static bool is_known_section(const char *section, const char *type) {
        if (strcmp(section, "Unit") == 0 || strcmp(section, "Install") == 0 ||
                        strncmp(section, "X-", 2) == 0)
                return true;
        return *section == toupper((unsigned char) *type) && strcmp(section + 1, type + 1) == 0;
}

int rendering_warn_of_sections(Rendering *rendering,
                const char *type,
                const Entry *entry,
                const UnitFile *file,
                Error *reterr) {
        for (size_t i = 0; i < file->n_sections; i++) {
                const struct UnitSection *section = &file->sections[i];
                if (is_known_section(section->name, type))
                        continue;
                cleanup(text_donep) Text text = { 0 };
                text_addf(&text, "[%s] is no section of a %s: systemd passes over what is in it",
                                section->name, type);
                if (warn(rendering, entry->origin, section->line, &text) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* Those that come from files, and from nothing else (fstab, hardware, other programs). */
static bool is_of_a_file(const char *unit) {
        int type = unit_name_type(unit);
        return type == UNIT_SERVICE || type == UNIT_SOCKET || type == UNIT_TIMER ||
               type == UNIT_PATH || type == UNIT_TARGET;
}

/* Returns 1 or 0. */
static int host_has(Rendering *rendering, const char *unit, Error *reterr) {
        const Distribution *distribution = rendering->distribution;
        const char *names[] = { unit, unit_name_template_of(&rendering->scratch, unit) };
        for (size_t i = 0; i < N_ELEMENTS(names) && names[i]; i++) {
                const char *path = NULL;
                Content *content = NULL;
                int r = distribution->read_unit(
                                distribution->userdata, names[i], &path, &content, reterr);
                if (r != DISTRIBUTION_NO_UNIT)
                        return r < 0 ? r : 1;
        }
        return distribution->has_own_unit &&
               distribution->has_own_unit(distribution->userdata, unit);
}

static int warn_of_unit(Rendering *rendering,
                const char *key,
                const char *unit,
                unsigned line,
                Error *reterr) {
        UnitPlace place = { 0 };
        if (!is_of_a_file(unit))
                return 0;
        int r = unit_place_find(rendering, SCOPE_SYSTEM, unit, &place, reterr);
        if (r < 0 || r == PLACE_SYSV_ONLY || (r == PLACE_FOUND && !place.is_masked))
                return r < 0 ? r : 0;
        r = host_has(rendering, unit, reterr); /* a mask says nothing of what is behind it */
        if (r != 0)
                return r < 0 ? r : 0;
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text, "%s=%s: neither the source nor the host has this unit", key, unit);
        return warn(rendering, "profile.conf", line, &text) < 0 ? error_oom(reterr) : 0;
}

/* Enable= of such a unit is an error. A unit that is to be off, and that is not there, is off: but
 * its name may be misspelt, and the one that was meant is on. */
int rendering_warn_of_units(Rendering *rendering, Error *reterr) {
        const ProfileConf *conf = rendering->conf;
        int r = 0;
        if (!rendering->distribution)
                return 0;
        for (size_t i = 0; r >= 0 && i < conf->n_disable; i++)
                r = warn_of_unit(rendering, "Disable", conf->disable[i].unit, conf->disable[i].line,
                                reterr);
        for (size_t i = 0; r >= 0 && i < conf->n_mask; i++)
                r = warn_of_unit(rendering, "Mask", conf->mask[i].unit, conf->mask[i].line, reterr);
        for (size_t i = 0; r >= 0 && i < conf->n_triggers; i++)
                r = warn_of_unit(rendering, "Unit", conf->triggers[i].unit, conf->triggers[i].line,
                                reterr);
        return r;
}

/* Has the tree anything at the path, below it, or that the glob matches? */
static bool names_something(const Rendering *rendering, const char *wanted) {
        const char *path = wanted + strlen("/etc/"); /* as it is written, by profile_conf.c */
        size_t length = strlen(path);
        for (size_t i = 0; i < rendering->n_entries; i++) {
                const Entry *entry = rendering->entries[i];
                bool is_at = strncmp(entry->path, path, length) == 0 &&
                             (!entry->path[length] || entry->path[length] == '/');
                if (entry->root == ROOT_ETC && (is_at || glob_match(path, entry->path)))
                        return true;
        }
        return false;
}

/* What a layer says may be of files that its hosts have, or have not. */
static int warn_of_files(Rendering *rendering,
                const char *const *files,
                const unsigned *lines,
                size_t n_files,
                const char *what,
                Error *reterr) {
        for (size_t i = 0; i < n_files; i++) {
                cleanup(text_donep) Text text = { 0 };
                unsigned own_line = lines[i];
                if (strcmp(profile_conf_file(rendering->conf, &own_line), "profile.conf") != 0 ||
                                names_something(rendering, files[i]))
                        continue;
                text_addf(&text, "Files=%s: nothing in this source is of that name, so %s",
                                files[i], what);
                if (warn(rendering, "profile.conf", lines[i], &text) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

int rendering_warn_of_files(Rendering *rendering, Error *reterr) {
        const ProfileConf *conf = rendering->conf;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < conf->n_triggers; i++)
                if (i == 0 || conf->triggers[i].line != conf->triggers[i - 1].line)
                        r = warn_of_files(rendering, conf->triggers[i].files,
                                        conf->triggers[i].file_lines, conf->triggers[i].n_files,
                                        "it triggers nothing", reterr);
        for (size_t i = 0; r >= 0 && i < conf->n_checks; i++)
                r = warn_of_files(rendering, conf->checks[i].files, conf->checks[i].file_lines,
                                conf->checks[i].n_files, "it has nothing checked", reterr);
        return r;
}

/* "systemd/system/UNIT.d/x.conf": UNIT, in scratch memory; NULL: none, or one of a whole type or
 * of a prefix. */
static const char *unit_of_drop_in(Rendering *rendering, const Entry *entry) {
        static const char place[] = "systemd/system/";
        const char *name = entry->path + strlen(place);
        const char *slash =
                        strncmp(entry->path, place, strlen(place)) == 0 ? strchr(name, '/') : NULL;
        if (!slash || entry->kind != ENTRY_FILE || slash - name < 3 ||
                        strncmp(slash - 2, ".d", 2) != 0)
                return NULL;
        const char *unit =
                        arena_printf(&rendering->scratch, "%.*s", (int) (slash - 2 - name), name);
        const char *dot = unit ? strrchr(unit, '.') : NULL;
        return dot && dot > unit && dot[-1] != '-' && unit_name_is_valid(unit) && is_of_a_file(unit)
                               ? unit
                               : NULL;
}

/* What follows from a line of profile.conf has that as its origin. */
static bool has_line(const char *origin) {
        const char *colon = strrchr(origin, ':');
        return colon && colon[1] && !colon[1 + strspn(colon + 1, "0123456789")];
}

int rendering_warn_of_drop_ins(Rendering *rendering, Error *reterr) {
        const char *last = "";
        for (size_t i = 0; rendering->distribution && i < rendering->n_entries; i++) {
                const Entry *entry = rendering->entries[i];
                const char *unit =
                                entry->root == ROOT_ETC ? unit_of_drop_in(rendering, entry) : NULL;
                UnitPlace place = { 0 };
                if (!unit || strcmp(unit, last) == 0)
                        continue;
                last = unit;
                int r = unit_place_find(rendering, SCOPE_SYSTEM, unit, &place, reterr);
                if (r == PLACE_NONE)
                        r = host_has(rendering, unit, reterr);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                cleanup(text_donep) Text text = { 0 };
                text_addf(&text, "neither the source nor the host has %s, which this is for", unit);
                if (warn(rendering, entry->origin, has_line(entry->origin) ? 0 : 1, &text) < 0)
                        return error_oom(reterr);
        }
        return 0;
}
