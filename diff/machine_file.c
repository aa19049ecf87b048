/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/machine_file.h"

#include "base/cleanup.h"
#include "diff/glob.h"

static const MachineFileRow rows[] = {
        { "users and groups", { "passwd", "passwd-", "group", "group-", "shadow", "shadow-",
                                              "gshadow", "gshadow-", "subuid", "subuid-", "subgid",
                                              "subgid-", "security/opasswd" } },
        { "this machine's identity",
                        { "machine-id", "hostid", "adjtime", "ssh/ssh_host_*", "nvme/host*",
                                        "iscsi/initiatorname.iscsi", "lvm/devices/**" } },
        { "made from other files",
                        { "ld.so.cache", "mtab", "blkid.tab", "aliases.db", "shells", "xml/**",
                                        "sgml/catalog", "alternatives/**", "rc?.d/**",
                                        "ssl/certs/**", "pki/**", "pam.d/common-*", "udev/hwdb.bin",
                                        "fonts/conf.d/**", "console-setup/cached_*", "init.d/**",
                                        "lvm/archive/**", "lvm/backup/**", "lvm/cache/**",
                                        "apparmor.d/cache/**" } },
        { "renewed while the host runs",
                        { "resolv.conf", "dhcpcd.duid", "cups/subscriptions.conf*" } },
        { "left behind by an editor or a package manager",
                        { "**/*~", "**/*.bak", "**/*.old", "**/*.swp", "**/*.orig", "**/*.dpkg-*",
                                        "**/*.ucf-*", "**/*.rpmnew", "**/*.rpmsave", "**/*.rpmorig",
                                        "**/*.pacnew", "**/*.pacsave", "**/*.pacorig" } },
        { "sysswitch's own", { "sysswitch/**" } },
};

const MachineFileRow *machine_file_rows(size_t *ret_n_rows) {
        *ret_n_rows = N_ELEMENTS(rows);
        return rows;
}

const char *machine_file_what(const char *path) {
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                for (size_t j = 0; rows[i].patterns[j]; j++)
                        if (glob_match(rows[i].patterns[j], path))
                                return rows[i].what;
        return NULL;
}
