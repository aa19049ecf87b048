/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/nspawn_keys.h"

#include "base/cleanup.h"
#include "base/nearest.h"

#include <string.h>

/* systemd.nspawn(5) of systemd 252, and what came since: BindUserShell=, RestrictAddressFamilies=.
 * What an older systemd-nspawn does not know is left to it. */
static const char *const exec_keys[] = { "AmbientCapability", "Boot", "CPUAffinity", "Capability",
        "DropCapability", "Environment", "Ephemeral", "Hostname", "KillSignal", "LimitAS",
        "LimitCORE", "LimitCPU", "LimitDATA", "LimitFSIZE", "LimitLOCKS", "LimitMEMLOCK",
        "LimitMSGQUEUE", "LimitNICE", "LimitNOFILE", "LimitNPROC", "LimitRSS", "LimitRTPRIO",
        "LimitRTTIME", "LimitSIGPENDING", "LimitSTACK", "LinkJournal", "MachineID",
        "NoNewPrivileges", "NotifyReady", "OOMScoreAdjust", "Parameters", "Personality",
        "PivotRoot", "PrivateUsers", "ProcessTwo", "ResolvConf", "RestrictAddressFamilies",
        "SuppressSync", "SystemCallFilter", "Timezone", "User", "WorkingDirectory", NULL };
static const char *const files_keys[] = { "Bind", "BindReadOnly", "BindUser", "BindUserShell",
        "Inaccessible", "Overlay", "OverlayReadOnly", "PrivateUsersChown", "PrivateUsersOwnership",
        "ReadOnly", "TemporaryFileSystem", "Volatile", NULL };
static const char *const network_keys[] = { "Bridge", "IPVLAN", "Interface", "MACVLAN", "Port",
        "Private", "VirtualEthernet", "VirtualEthernetExtra", "Zone", NULL };

static const struct Section {
        const char *name;
        const char *const *keys;
} sections[] = {
        { "Exec", exec_keys },
        { "Files", files_keys },
        { "Network", network_keys },
};

static bool has_key(const struct Section *section, const char *key) {
        for (size_t i = 0; section->keys[i]; i++)
                if (strcmp(section->keys[i], key) == 0)
                        return true;
        return false;
}

static const char *find_nearest(const struct Section *section, const char *key) {
        const char *nearest = NULL;
        unsigned least = NEAREST_TOO_FAR;
        for (size_t i = 0; section->keys[i]; i++) {
                unsigned letters = nearest_distance(key, section->keys[i]);
                if (letters < least) {
                        least = letters;
                        nearest = section->keys[i];
                }
        }
        return nearest;
}

/* Of a section that nspawn passes over as well, nothing is said. */
static bool is_unknown(const UnitLine *line, NspawnUnknown *unknown) {
        *unknown = (NspawnUnknown){ .line = line };
        const struct Section *own = NULL;
        for (size_t i = 0; i < N_ELEMENTS(sections); i++) {
                if (strcmp(sections[i].name, line->section) == 0)
                        own = &sections[i];
                if (has_key(&sections[i], line->key))
                        unknown->section = sections[i].name;
        }
        if (!own || strncmp(line->key, "X-", 2) == 0 || has_key(own, line->key))
                return false;
        unknown->nearest = unknown->section ? NULL : find_nearest(own, line->key);
        return true;
}

int nspawn_unknown_next(const UnitFile *file, size_t *position, NspawnUnknown *ret_unknown) {
        while (*position < file->n_lines)
                if (is_unknown(&file->lines[(*position)++], ret_unknown))
                        return 1;
        return 0;
}

bool nspawn_has_section(const char *section) {
        for (size_t i = 0; i < N_ELEMENTS(sections); i++)
                if (strcmp(sections[i].name, section) == 0)
                        return true;
        return false;
}

int nspawn_unknown_section_next(
                const UnitFile *file, size_t *position, size_t *ret_nth, const char **ret_nearest) {
        while (*position < file->n_sections) {
                const char *name = file->sections[(*position)++].name;
                unsigned least = NEAREST_TOO_FAR;
                if (strncmp(name, "X-", 2) == 0 || nspawn_has_section(name))
                        continue;
                *ret_nth = *position - 1;
                *ret_nearest = NULL;
                for (size_t i = 0; i < N_ELEMENTS(sections); i++) {
                        unsigned letters = nearest_distance(name, sections[i].name);
                        if (letters < least) {
                                least = letters;
                                *ret_nearest = sections[i].name;
                        }
                }
                return 1;
        }
        return 0;
}
