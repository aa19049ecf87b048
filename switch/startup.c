/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/startup.h"

#include "activate/boot.h"
#include "activate/booted.h"

#include <string.h>

#define UNITS "systemd/system/"

int startup_wanted(const Host *host, int64_t *ret_number, Error *reterr) {
        Booted booted;
        int r = booted_read(&booted, reterr);
        if (r >= 0)
                *ret_number = booted.generation >= 0 ? booted.generation
                                                     : host->profile.default_number;
        return r;
}

/* The unit that a link in a directory like multi-user.target.wants/ pulls in; NULL for all else. */
static const char *pulled_in(const char *path) {
        static const char *const suffixes[] = { ".wants", ".requires", ".upholds" };
        if (strncmp(path, UNITS, strlen(UNITS)) != 0)
                return NULL;
        const char *name = strrchr(path, '/') + 1;
        size_t length = (size_t) (name - 1 - path);
        for (size_t i = 0; i < N_ELEMENTS(suffixes); i++) {
                size_t suffix = strlen(suffixes[i]);
                if (length > suffix && strncmp(name - 1 - suffix, suffixes[i], suffix) == 0)
                        return name;
        }
        return NULL;
}

static int add_dropped(Strv *dropped, const char *path) {
        const char *unit = pulled_in(path);
        return unit ? strv_add_unique(dropped, unit) : 0;
}

int startup_take_over(Host *host, const FitPlan *fit, Error *reterr) {
        cleanup_strv Strv dropped = { 0 };
        for (size_t i = 0; i < fit->n_operations; i++)
                if (fit->operations[i].verb == FIT_REMOVE &&
                                add_dropped(&dropped, fit->operations[i].path) < 0)
                        return error_oom(reterr);
        int r = host_connect(host, reterr);
        return r < 0 ? r : boot_take_over(host->systemd, &dropped, reterr);
}

int startup_take_over_undone(Host *host, const Manifest *manifest, Error *reterr) {
        cleanup_strv Strv dropped = { 0 };
        for (size_t i = 0; i < manifest->n_operations; i++)
                if (manifest->operations[i].verb == FIT_PLACE &&
                                add_dropped(&dropped, manifest->operations[i].path) < 0)
                        return error_oom(reterr);
        int r = host_connect(host, reterr);
        return r < 0 ? r : boot_take_over(host->systemd, &dropped, reterr);
}
