/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/rehearsal.h"

#include "diff/unit_name.h"

#include <string.h>

/* The last of all drop-ins. */
#define DROP_IN "zzzz-sysswitch-rehearsal.conf"

/* Whoever needs such a unit goes on without it, as with any condition that does not hold; a mask
 * would fail it. */
static const char skipped[] = "[Unit]\nConditionPathExists=!/\n";

/* A timer is there, and does not elapse: its job may take long, and is not what is rehearsed. */
static const char never[] = "[Timer]\nOnActiveSec=\nOnActiveSec=52w\nPersistent=no\n";

/* What the host has mounted is there already, so this is one that it has not: an empty one. */
static const char empty_mount[] = "[Mount]\nWhat=tmpfs\nType=tmpfs\nOptions=mode=0755\n";

/* None comes up without udev, and whoever waits for one need not wait long. */
static const char no_device[] = "[Unit]\nJobRunningTimeoutSec=100ms\n";

/* The copy's own log; that of the host would be copied whole with its first line. */
static const char volatile_journal[] = "[Journal]\nStorage=volatile\n";

typedef struct UnitRow {
        const char *unit; /* or a type of units, a prefix up to a dash, a template */
        const char *drop_in;
} UnitRow;

static const UnitRow rows[] = {
        { "device", no_device },
        { "mount", empty_mount },
        { "timer", never },
        /* would be the host's */
        { "automount", skipped },
        { "swap", skipped },
        /* nobody is at its console */
        { "console-getty.service", skipped },
        { "container-getty@.service", skipped },
        { "getty@.service", skipped },
        { "serial-getty@.service", skipped },
        /* wait for a network that does not come */
        { "NetworkManager-wait-online.service", skipped },
        { "cloud-config.service", skipped },
        { "cloud-final.service", skipped },
        { "cloud-init-local.service", skipped },
        { "cloud-init-main.service", skipped },
        { "cloud-init-network.service", skipped },
        { "cloud-init.service", skipped },
        { "ifupdown-wait-online.service", skipped },
        { "systemd-networkd-wait-online.service", skipped },
        { "systemd-networkd-wait-online@.service", skipped },
        { "systemd-time-wait-sync.service", skipped },
        /* would start all containers and machines of the host a second time */
        { "container-.service", skipped },
        { "containerd.service", skipped },
        { "docker.service", skipped },
        { "docker.socket", skipped },
        { "libvirt-guests.service", skipped },
        { "libvirtd.service", skipped },
        { "podman-restart.service", skipped },
        { "systemd-nspawn@.service", skipped },
        { "virtlxcd.service", skipped },
        { "virtqemud.service", skipped },
        /* ours: its state is not there */
        { "sysswitch-.service", skipped },
};

/* What generators make mounts, swaps and mappings of, and the journal. */
static const RehearsalFile plain_files[] = {
        { "crypttab", "" },
        { "fstab", "" },
        { "integritytab", "" },
        { "veritytab", "" },
        { "systemd", NULL },
        { "systemd/journald.conf.d", NULL },
        { "systemd/journald.conf.d/" DROP_IN, volatile_journal },
        { "systemd/system", NULL },
};

int rehearsal_files(
                Arena *arena, const RehearsalFile **ret_files, size_t *ret_n_files, Error *reterr) {
        const size_t n_plain = N_ELEMENTS(plain_files), n_files = n_plain + 2 * N_ELEMENTS(rows);
        RehearsalFile *files = arena_new(arena, RehearsalFile, n_files);
        if (!files)
                return error_oom(reterr);
        memcpy(files, plain_files, sizeof(plain_files));
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                RehearsalFile *directory = &files[n_plain + 2 * i], *file = directory + 1;
                directory->path = arena_printf(arena, "systemd/system/%s.d", rows[i].unit);
                file->path = arena_printf(arena, "systemd/system/%s.d/%s", rows[i].unit, DROP_IN);
                file->text = rows[i].drop_in;
                if (!directory->path || !file->path)
                        return error_oom(reterr);
        }
        *ret_files = files;
        *ret_n_files = n_files;
        return 0;
}

/* By what systemd looks for drop-ins of a unit: its name, its template, each prefix up to a dash,
 * its type. */
static bool is_of_row(const char *unit, const char *row) {
        int type = unit_name_type(unit);
        const char *dot = strrchr(row, '.');
        if (!dot)
                return type >= 0 && strcmp(unit_type_to_string((UnitType) type), row) == 0;
        size_t length = (size_t) (dot - row); /* what stands before the type */
        const char *own_dot = strrchr(unit, '.');
        if (!own_dot || strcmp(own_dot, dot) != 0)
                return false;
        bool is_part = length > 0 && (dot[-1] == '-' || dot[-1] == '@');
        return is_part ? strncmp(unit, row, length) == 0 : strcmp(unit, row) == 0;
}

bool rehearsal_runs(const char *unit) {
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                if (rows[i].drop_in == skipped && is_of_row(unit, rows[i].unit))
                        return false;
        return true;
}

void rehearsal_compare(RehearsalTrouble *troubles,
                size_t n_troubles,
                const RehearsalTrouble *present,
                size_t n_present) {
        for (size_t i = 0; i < n_troubles; i++)
                for (size_t j = 0; j < n_present; j++)
                        if (strcmp(troubles[i].unit, present[j].unit) == 0)
                                troubles[i].fails_anyway = true;
}

size_t rehearsal_n_new(const RehearsalTrouble *troubles,
                size_t n_troubles,
                const RehearsalTrouble **ret_first) {
        size_t n_new = 0;
        for (size_t i = 0; i < n_troubles; i++) {
                if (troubles[i].fails_anyway)
                        continue;
                if (n_new == 0 && ret_first)
                        *ret_first = &troubles[i];
                n_new++;
        }
        return n_new;
}
