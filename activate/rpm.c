/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/rpm.h"

#include "activate/in_root.h"
#include "activate/process.h"

#include <fcntl.h>

enum { TIMEOUT_SEC = 300 };

bool rpm_is_used(int root_fd) {
        static const char *const places[] = { "usr/lib/sysimage/rpm", "var/lib/rpm",
                "usr/share/rpm" };
        static const char *const files[] = { "rpmdb.sqlite", "Packages.db", "Packages" };
        for (size_t i = 0; i < N_ELEMENTS(places); i++)
                for (size_t j = 0; j < N_ELEMENTS(files); j++) {
                        char path[64];
                        (void) snprintf(path, sizeof(path), "%s/%s", places[i],
                                        files[j]); /* fits */
                        cleanup_fd int fd = in_root_open(root_fd, path, O_PATH);
                        if (fd >= 0)
                                return true;
                }
        return false;
}

int rpm_run(const char *const *arguments,
                void (*output)(void *userdata, const char *line),
                void *userdata,
                Error *reterr) {
        const ProcessOptions options = { .arguments = arguments,
                .program_fd = -1,
                .timeout_usec = TIMEOUT_SEC * 1000000ull,
                .output = output,
                .userdata = userdata };
        return process_run(&options, reterr);
}
