/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the package manager says of paths below /etc: dpkg's configuration files, and the links with
 * which deb-systemd-helper enables and masks the units of packages. A host that has another one
 * has no packages. */

#include "base/error.h"
#include "diff/found.h"

typedef struct Packages Packages;

/* Reads all of it; a host that has none is no error. root_fd: of / or an image. */
int packages_new(int root_fd, Packages **ret_packages, Error *reterr) must_check;
Packages *packages_free(Packages *packages);
DEFINE_CLEANUP(Packages, packages_free);

/* When the package manager last did something: CLOCK_REALTIME; 0: never, or there is none. */
uint64_t packages_changed_usec(int root_fd);

/* There is one that could be asked. */
bool packages_are_known(const Packages *packages);
/* Is the path, below /etc, a package's? */
bool packages_have(const Packages *packages, const char *path);
/* The configuration files, in no order: *position starts at 0; NULL at the end. */
const char *packages_next_file(const Packages *packages, size_t *position);
/* Is that the digest that the package brought? */
bool packages_have_md5(const Packages *packages, const char *path, const char *md5);
/* What is there, as far as found tells: of a file, its content must be loaded. */
Packaged packages_judge(const Packages *packages, const Found *found);
