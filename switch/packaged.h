/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the package manager did at managed paths between two switches. It puts its own version
 * there: that is no edit but the newest of what was displaced. It purges: what was displaced is
 * nobody's any more. docs/files.md has the rules. */

#include "activate/packages.h"
#include "switch/prepare.h"

/* Was anything done since the last switch? Then its files and links among the managed paths are
 * looked at whole. Reads them into prepared->packages, or leaves that NULL. */
int packaged_seek(Host *host, Prepared *prepared, Sought *sought, size_t n_sought, Error *reterr)
                must_check;

/* Tells of what was found whose it is, as far as it matters, and sets what is displaced right: what
 * is overtaken goes to prepared->superseded. */
int packaged_judge(Host *host, Prepared *prepared, Error *reterr) must_check;
