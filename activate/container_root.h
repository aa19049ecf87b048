/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A container's own root, made where it is missing: directories to mount on, links that lead to
 * /usr, and the few files of /etc without which systemd does not start. What is there stays. The
 * container's root may have made a link of anything: nothing below is reached but by resolving it
 * in the root, and what systemd-nspawn would follow from outside is refused. */

#include "base/error.h"

int container_root_make(const char *path, Error *reterr) must_check;
