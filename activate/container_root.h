/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A container's own root, made where it is missing: directories to mount on, links that lead to
 * /usr, and the few files of /etc without which systemd does not start. What is there stays. The
 * container's root may have made a link of anything: nothing below is reached but by resolving it
 * in the root, and what systemd-nspawn would follow from outside is refused. */

#include "base/error.h"
#include "diff/unit_file.h"

#include <stdbool.h>

/* Has it a systemd of its own, so that it does not live on the host's /usr? root_fd: in_root.h
 * opens it. */
bool container_root_has_usr(int root_fd);

typedef enum ContainerRootKind {
        CONTAINER_ROOT_EMPTY,      /* or not there; lost+found is nothing */
        CONTAINER_ROOT_UNFINISHED, /* it has no other names than what is made here */
        CONTAINER_ROOT_FITTED,     /* a container was started on it */
        CONTAINER_ROOT_SYSTEM,     /* somebody installed an operating system there */
        CONTAINER_ROOT_FOREIGN,    /* somebody's data */
} ContainerRootKind;

/* below: as in_root_open_below() has it; a link there is somebody's data. Returns a
 * ContainerRootKind, or a negative errno. */
int container_root_look(int host_fd, const char *path, const char *below) must_check;

/* below: "/what/of/it" is the container's root, the whole being its host's; NULL: all of it.
 * settings: what is mounted in it, where something is missing, is made as well; what cannot be, is
 * left to nspawn, which tells. */
int container_root_make(const char *path,
                const char *below,
                const UnitFile *settings,
                Error *reterr) must_check;
