/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/change.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

/* Keys that a daemon-reload puts in force on what runs, each shown on systemd 252; of [Unit] it is
 * all but JoinsNamespaceOf=. Sorted by section, then by key. */
static const char *const live_service[] = {
        "ExecReload",
        "OOMPolicy",
        "Restart",
        "RestartForceExitStatus",
        "RestartMaxDelaySec",
        "RestartMode",
        "RestartPreventExitStatus",
        "RestartSec",
        "RestartSteps",
        "SuccessExitStatus",
        "TimeoutAbortSec",
        "TimeoutSec",
        "TimeoutStartFailureMode",
        "TimeoutStartSec",
        "TimeoutStopFailureMode",
        "TimeoutStopSec",
};

static const char *const live_socket[] = {
        "MaxConnections",
        "MaxConnectionsPerSource",
        "TriggerLimitBurst",
        "TriggerLimitIntervalSec",
};

static const char *const live_mount[] = {
        "ForceUnmount",
        "LazyUnmount",
        "TimeoutSec",
};

/* systemd.resource-control(5), the old names too, but for Slice= and what delegation is made of,
 * which are of the start. */
static const char *const live_resources[] = {
        "AllowedCPUs",
        "AllowedMemoryNodes",
        "BPFProgram",
        "BlockIOAccounting",
        "BlockIODeviceWeight",
        "BlockIOReadBandwidth",
        "BlockIOWeight",
        "BlockIOWriteBandwidth",
        "CPUAccounting",
        "CPUQuota",
        "CPUQuotaPeriodSec",
        "CPUShares",
        "CPUWeight",
        "DefaultMemoryLow",
        "DefaultMemoryMin",
        "DefaultStartupMemoryLow",
        "DeviceAllow",
        "DevicePolicy",
        "DisableControllers",
        "IOAccounting",
        "IODeviceLatencyTargetSec",
        "IODeviceWeight",
        "IOReadBandwidthMax",
        "IOReadIOPSMax",
        "IOWeight",
        "IOWriteBandwidthMax",
        "IOWriteIOPSMax",
        "IPAccounting",
        "IPAddressAllow",
        "IPAddressDeny",
        "IPEgressFilterPath",
        "IPIngressFilterPath",
        "ManagedOOMMemoryPressure",
        "ManagedOOMMemoryPressureDurationSec",
        "ManagedOOMMemoryPressureLimit",
        "ManagedOOMPreference",
        "ManagedOOMSwap",
        "MemoryAccounting",
        "MemoryHigh",
        "MemoryLimit",
        "MemoryLow",
        "MemoryMax",
        "MemoryMin",
        "MemorySwapMax",
        "MemoryZSwapMax",
        "MemoryZSwapWriteback",
        "NFTSet",
        "RestrictNetworkInterfaces",
        "SocketBindAllow",
        "SocketBindDeny",
        "StartupAllowedCPUs",
        "StartupAllowedMemoryNodes",
        "StartupBlockIOWeight",
        "StartupCPUShares",
        "StartupCPUWeight",
        "StartupIOWeight",
        "StartupMemoryHigh",
        "StartupMemoryLow",
        "StartupMemoryMax",
        "StartupMemorySwapMax",
        "StartupMemoryZSwapMax",
        "TasksAccounting",
        "TasksMax",
};

/* Of [Service]: how it is stopped. */
static const char *const stopping[] = {
        "BusName",
        "ExecStop",
        "ExecStopPost",
        "FinalKillSignal",
        "KillMode",
        "KillSignal",
        "PIDFile",
        "RemainAfterExit",
        "RestartKillSignal",
        "RuntimeDirectory",
        "SendSIGHUP",
        "SendSIGKILL",
        "Type",
};

/* What the old ExecStop= and ExecStopPost= run under. */
static const char *const stop_context[] = {
        "DynamicUser",
        "Environment",
        "EnvironmentFile",
        "Group",
        "RootDirectory",
        "RootImage",
        "User",
        "WorkingDirectory",
};

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

static int compare_key(const void *key, const void *item) {
        return strcmp(key, *(const char *const *) item);
}

#define HAS_KEY(list, key)                                                                         \
        (bsearch((key), (list), N_ELEMENTS(list), sizeof((list)[0]), compare_key) != NULL)

static bool is_of(const TextChange *change, const char *section, const char *key) {
        return is(change->section, section) && is(change->key, key);
}

/* [Timer] and [Path] of one that waits, or runs: the daemon-reload computes it anew. */
static bool is_watching(const Comparison *comparison, const Subject *subject) {
        return subject_has_sub_state(comparison, subject, "waiting") ||
               subject_has_sub_state(comparison, subject, "running");
}

static bool is_of_resources(const TextChange *change) {
        const char *section = change->section;
        bool has_resources = is(section, "Service") || is(section, "Socket") ||
                             is(section, "Mount") || is(section, "Swap") || is(section, "Slice") ||
                             is(section, "Scope");
        return has_resources && HAS_KEY(live_resources, change->key);
}

static bool is_live(
                const Comparison *comparison, const Subject *subject, const TextChange *change) {
        const char *section = change->section, *key = change->key;
        if (is(section, "Unit"))
                return !is(key, "JoinsNamespaceOf");
        if (is(section, "Install"))
                return true;
        if (is(section, "Timer"))
                return is_watching(comparison, subject);
        if (is(section, "Path"))
                return is_watching(comparison, subject) && !is(key, "MakeDirectory") &&
                       !is(key, "DirectoryMode");
        if ((is(section, "Service") && HAS_KEY(live_service, key)) ||
                        (is(section, "Socket") && HAS_KEY(live_socket, key)) ||
                        (is(section, "Mount") && HAS_KEY(live_mount, key)))
                return true;
        return is_of_resources(change);
}

static bool has_stop_command(const UnitText *text) {
        return unit_text_value(text, "Service", "ExecStop") ||
               unit_text_value(text, "Service", "ExecStopPost");
}

static bool governs_stopping(const Subject *subject, const TextChange *change) {
        if (!is(change->section, "Service"))
                return false;
        if (HAS_KEY(stopping, change->key))
                return true;
        return HAS_KEY(stop_context, change->key) &&
               has_stop_command(&subject->units[BEFORE]->text);
}

/* Shown: a socket is deaf after a reload that changed its addresses; a service whose bus name
 * changed, or that came to have one by its type, is stopped by it. */
static bool is_ended(const Subject *subject, const TextChange *change) {
        if (is_of(change, "Socket", "Listen*") || is_of(change, "Service", "BusName"))
                return true;
        if (!is_of(change, "Service", "Type"))
                return false;
        const char *type = unit_text_value(&subject->units[AFTER]->text, "Service", "Type");
        return type && is(type, "dbus");
}

static ChangeLevel level_of(
                const Comparison *comparison, const Subject *subject, const TextChange *change) {
        if (is_live(comparison, subject, change))
                return CHANGE_LIVE;
        if (is_of(change, "Mount", "Options"))
                return CHANGE_OPTIONS;
        return governs_stopping(subject, change) ? CHANGE_STOPPING : CHANGE_TEXT;
}

static const char *word_of(const TextChange *change) {
        return !change->was_set ? "added" : !change->is_set ? "removed" : "changed";
}

/* "Service.ExecStart, Service.User changed": the first few that decide. */
static const char *name_changes(Arena *arena, const TextChange *const *changes, size_t n) {
        enum { MOST = 3 };
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < n && i < MOST; i++)
                text_addf(&text, "%s%s.%s", i ? ", " : "", changes[i]->section, changes[i]->key);
        if (n > MOST)
                text_addf(&text, " and %zu more", n - MOST);
        text_addf(&text, " %s", n == 1 ? word_of(changes[0]) : "changed");
        return text.error < 0 ? NULL : arena_strdup(arena, text.data);
}

/* Why: a file that came or went as a whole, or the keys that decide and where the first of them
 * stands. */
static int set_reasons(const Comparison *comparison,
                const Subject *subject,
                const TextChange *const *deciding,
                size_t n,
                Change *change) {
        Arena *arena = comparison->arena;
        const Unit *before = subject->units[BEFORE], *after = subject->units[AFTER];
        const char **reasons = arena_new(arena, const char *, 2);
        if (!reasons)
                return -ENOMEM;
        size_t n_reasons = 0;
        if (before->is_defined != after->is_defined) {
                const Unit *unit = before->is_defined ? before : after;
                reasons[n_reasons++] = arena_printf(arena, "%s%s %s", unit->text.parts[0]->prefix,
                                unit->text.parts[0]->path,
                                before->is_defined ? "removed" : "added");
        } else if (*deciding[0]->section) {
                reasons[n_reasons++] = name_changes(arena, deciding, n);
                reasons[n_reasons++] = text_part_path(arena, deciding[0]->part);
        } else { /* a part whose text is not at hand */
                const TextPart *part = deciding[0]->part;
                reasons[n_reasons++] = arena_printf(
                                arena, "%s%s %s", part->prefix, part->path, word_of(deciding[0]));
        }
        for (size_t i = 0; i < n_reasons; i++)
                if (!reasons[i])
                        return -ENOMEM;
        change->reasons = reasons;
        change->n_reasons = n_reasons;
        return 0;
}

int change_of(const Comparison *comparison, const Subject *subject, Change *ret_change) {
        *ret_change = (Change){ 0 };
        if (subject->units[BEFORE] == subject->units[AFTER])
                return 0;
        const TextChange *changes = NULL;
        size_t n_changes = 0, n_deciding = 0;
        if (unit_text_compare(comparison->arena, &subject->units[BEFORE]->text,
                            &subject->units[AFTER]->text, &changes, &n_changes) < 0)
                return -ENOMEM;
        const TextChange **deciding =
                        arena_new(comparison->arena, const TextChange *, n_changes + 1);
        if (!deciding)
                return -ENOMEM;
        for (size_t i = 0; i < n_changes; i++) {
                ChangeLevel level = level_of(comparison, subject, &changes[i]);
                ret_change->has_options |= level == CHANGE_OPTIONS;
                ret_change->has_resources |= is_of_resources(&changes[i]);
                ret_change->is_ended |= is_ended(subject, &changes[i]);
                if (level > ret_change->level) {
                        ret_change->level = level;
                        n_deciding = 0;
                }
                if (level == ret_change->level)
                        deciding[n_deciding++] = &changes[i];
        }
        return n_changes ? set_reasons(comparison, subject, deciding, n_deciding, ret_change) : 0;
}
