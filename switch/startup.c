/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/startup.h"

#include "activate/boot.h"
#include "activate/booted.h"
#include "diff/kernel.h"
#include "diff/trigger.h"

#include <errno.h>
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

/* What a boot that goes on with other files does anew. */
typedef struct TakeOver {
        Strv dropped, readers;
} TakeOver;

static void take_over_donep(TakeOver *over) {
        strv_done(&over->dropped);
        strv_done(&over->readers);
}

static int add_changed(TakeOver *over, EntryRoot root, const char *path, bool is_gone) {
        const char *unit = root == ROOT_ETC && is_gone ? pulled_in(path) : NULL;
        const char *reader = root == ROOT_ETC   ? trigger_boot_reader(path)
                             : root == ROOT_LIB ? trigger_boot_reader(KERNEL_MODULES_PATH)
                                                : NULL; /* a module may be found now */
        if ((unit && strv_add_unique(&over->dropped, unit) < 0) ||
                        (reader && strv_add_unique(&over->readers, reader) < 0))
                return -ENOMEM;
        return 0;
}

static int take_over(Host *host, const TakeOver *over, Error *reterr) {
        int r = host_connect(host, reterr);
        return r < 0 ? r : boot_take_over(host->systemd, &over->dropped, &over->readers, reterr);
}

int startup_take_over(Host *host, const FitPlan *fit, Error *reterr) {
        cleanup(take_over_donep) TakeOver over = { 0 };
        for (size_t i = 0; i < fit->n_operations; i++) {
                const FitOperation *operation = &fit->operations[i];
                if (add_changed(&over, operation->root, operation->path,
                                    operation->verb == FIT_REMOVE) < 0)
                        return error_oom(reterr);
        }
        return take_over(host, &over, reterr);
}

int startup_take_over_undone(Host *host, const Manifest *manifest, Error *reterr) {
        cleanup(take_over_donep) TakeOver over = { 0 };
        for (size_t i = 0; i < manifest->n_operations; i++) {
                const ManifestOperation *operation = &manifest->operations[i];
                if (add_changed(&over, operation->root, operation->path,
                                    operation->verb == FIT_PLACE) < 0)
                        return error_oom(reterr);
        }
        return take_over(host, &over, reterr);
}
