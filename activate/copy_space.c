/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/copy_space.h"

#include "activate/overlay_space.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define OUTER_DIRECTORY OVERLAY_SPACE_WORK "/outer"

static int bind(const char *source, const char *target, Error *reterr) {
        if (mkdir(target, 0755) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, "%s", target);
        if (mount(source, target, NULL, MS_BIND | MS_REC, NULL) < 0)
                return error_set_errno(reterr, -errno, "Binding %s", source);
        return 0;
}

static int mount_new(const char *type, const char *target, unsigned long flags, Error *reterr) {
        if (mount(type, target, type, flags | MS_NOSUID | MS_NODEV,
                            flags & MS_NOEXEC ? NULL : "mode=0755") < 0)
                return error_set_errno(reterr, -errno, "Mounting %s", type);
        return 0;
}

static int make_dev(Error *reterr) {
        int r = overlay_space_make_dev(OUTER_DIRECTORY, reterr);
        if (r < 0)
                return r;
        r = overlay_space_make_device(OUTER_DIRECTORY, "tty");
        return r < 0 ? error_set_errno(reterr, r, "/dev/tty") : 0;
}

int copy_space_enter(const char *hidden, Error *reterr) {
        const OverlaySpace space = { .options = "mode=0700,size=25%" };
        int r = overlay_space_make(&space, hidden, reterr);
        if (r >= 0)
                r = bind(OVERLAY_SPACE_ROOT, OUTER_DIRECTORY, reterr);
        if (r >= 0)
                r = make_dev(reterr);
        if (r >= 0)
                r = bind("/sys", OUTER_DIRECTORY "/sys", reterr);
        if (r >= 0 && mount(NULL, OUTER_DIRECTORY "/sys", NULL,
                                      MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV |
                                                      MS_NOEXEC,
                                      NULL) < 0)
                return error_set_errno(reterr, -errno, "Making /sys read-only");
        if (r >= 0)
                r = mount_new("proc", OUTER_DIRECTORY "/proc", MS_NOEXEC, reterr);
        if (r >= 0)
                r = mount_new("tmpfs", OUTER_DIRECTORY "/run", 0, reterr);
        if (r >= 0)
                r = bind(OVERLAY_SPACE_ROOT, OUTER_DIRECTORY COPY_SPACE_DIRECTORY, reterr);
        return r < 0 ? r : overlay_space_go(OUTER_DIRECTORY, reterr);
}
