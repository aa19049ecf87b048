/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an administrator made of a host: configuration files of packages that are not as they came
 * (dpkg, ucf, pacman, rpm), what was put where units and containers are looked for, and what else
 * no package has. */

#include "activate/owned_paths.h"
#include "activate/packages.h"
#include "activate/root.h"
#include "base/error.h"
#include "base/strv.h"

/* Paths below /etc, sorted, each once: what lies below systemd/system/ and systemd/user/, two deep,
 * and systemd/nspawn/. */
int local_unit_paths(const Root *etc, Strv *ret_paths, Error *reterr) must_check;
/* The same of changed configuration files; those that are missing are not among them. is_image: rpm
 * is not asked. A package manager that is not there has none. */
int local_conffiles(int root_fd,
                const Root *etc,
                const Packages *packages,
                bool is_image,
                Strv *ret_paths,
                Error *reterr) must_check;

/* All files and links that are not owned; none that begins with a dot, or lies below such a one. */
int local_own_paths(const Root *etc, const OwnedPaths *owned, Strv *ret_paths, Error *reterr)
                must_check;

/* A unit file, by "systemctl list-unit-files". */
typedef int (*TakeUnitFile)(
                void *userdata, const char *unit, const char *state, const char *preset);
/* root: of an image; NULL: the host's. Returns 0, or what take returned when that is negative. */
int local_unit_files(const char *root, TakeUnitFile take, void *userdata, Error *reterr) must_check;
