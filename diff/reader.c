/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is well known to read a file below /etc (rule T4). tmpfiles.d and sysusers.d are not here: a
 * step of the switch applies them. */
#include "diff/trigger.h"
#include "diff/watch_list.h"

#include <errno.h>
#include <string.h>

typedef struct Reader {
        const char *path; /* below /etc; with a slash at the end: all that is below it */
        const char *unit;
        bool reload;
        bool starts; /* it runs once at boot */
} Reader;

static const Reader readers[] = {
        { "modules-load.d/", "systemd-modules-load.service", false, true },
        { "sysctl.d/", "systemd-sysctl.service", false, true },
        { "sysctl.conf", "systemd-sysctl.service", false, true },
        { "binfmt.d/", "systemd-binfmt.service", false, true },
        { "udev/rules.d/", "systemd-udevd.service", true, false },
        { "udev/udev.conf", "systemd-udevd.service", true, false },
        { "dbus-1/", "dbus.service", true, false },
        { "systemd/network/", "systemd-networkd.service", true, false },
        { "systemd/journald.conf", "systemd-journald.service", false, false },
        { "systemd/journald.conf.d/", "systemd-journald.service", false, false },
        { "systemd/networkd.conf", "systemd-networkd.service", false, false },
        { "systemd/networkd.conf.d/", "systemd-networkd.service", false, false },
        { "systemd/resolved.conf", "systemd-resolved.service", false, false },
        { "systemd/resolved.conf.d/", "systemd-resolved.service", false, false },
        { "systemd/timesyncd.conf", "systemd-timesyncd.service", false, false },
        { "systemd/timesyncd.conf.d/", "systemd-timesyncd.service", false, false },
};

static bool reads(const Reader *reader, const char *path) {
        size_t length = strlen(reader->path);
        if (reader->path[length - 1] == '/')
                return strncmp(path, reader->path, length) == 0;
        return strcmp(path, reader->path) == 0;
}

/* Quadlet: containers/systemd/NAME.container is NAME.service. Sets *ret_unit to NULL for other
 * files. */
static int quadlet_unit(Arena *arena, const char *path, const char **ret_unit) {
        static const char directory[] = "containers/systemd/";
        *ret_unit = NULL;
        const char *name = strrchr(path, '/'), *dot = strrchr(path, '.');
        if (strncmp(path, directory, strlen(directory)) != 0 || !dot || dot < name ||
                        (strcmp(dot, ".container") != 0 && strcmp(dot, ".kube") != 0))
                return 0;
        *ret_unit = arena_printf(arena, "%.*s.service", (int) (dot - name - 1), name + 1);
        return *ret_unit ? 0 : -ENOMEM;
}

static int add_reader(WatchList *list, const char *path, const Reader *reader) {
        const Watch watch = {
                .unit = reader->unit,
                .path = arena_printf(list->arena, "/etc/%s", path),
                .why = "a file that it is known to read",
                .reload = reader->reload,
                .starts = reader->starts,
        };
        return watch.path ? watch_list_add(list, &watch) : -ENOMEM;
}

int watch_list_add_readers(WatchList *list, const char *path) {
        for (size_t i = 0; i < N_ELEMENTS(readers); i++)
                if (reads(&readers[i], path) && add_reader(list, path, &readers[i]) < 0)
                        return -ENOMEM;
        const char *unit = NULL;
        if (quadlet_unit(list->arena, path, &unit) < 0)
                return -ENOMEM;
        return unit && unit_name_is_valid(unit) ? add_reader(list, path, &(Reader){ .unit = unit })
                                                : 0;
}

bool trigger_runs_at_boot(const char *unit) {
        for (size_t i = 0; i < N_ELEMENTS(readers); i++)
                if (readers[i].starts && strcmp(readers[i].unit, unit) == 0)
                        return true;
        return false;
}

const char *trigger_boot_reader(const char *path) {
        for (size_t i = 0; i < N_ELEMENTS(readers); i++)
                if (readers[i].starts && reads(&readers[i], path))
                        return readers[i].unit;
        return NULL;
}
