/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int make_one(const char *path, mode_t mode, Error *reterr) {
        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, "Cannot make the directory %s", path);
        return 0;
}

int place_make(const char *directory, Error *reterr) {
        struct stat status;
        if (stat(directory, &status) == 0)
                return S_ISDIR(status.st_mode) ? 0
                                               : error_set_errno(reterr, -ENOTDIR, "%s", directory);
        cleanup_free char *path = strdup(directory);
        if (!path)
                return error_oom(reterr);
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                if (!slash[1])
                        break;
                *slash = 0;
                int r = make_one(path, 0755, reterr);
                *slash = '/';
                if (r < 0)
                        return r;
        }
        return make_one(path, 0700, reterr);
}

char *place_path(const char *directory, const char *name) {
        char *path = NULL;
        return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}
