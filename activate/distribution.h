/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The units that the distribution brings: files on the unit path but not below /etc and /run. A
 * unit is asked for by the exact name of its file: who wants foo@x.service asks for foo@.service
 * next. An alias is answered with the file that it leads to; a mask and an empty file are no unit.
 */

#include "base/error.h"
#include "base/strv.h"
#include "diff/render.h"

typedef struct DistributionUnits DistributionUnits;

/* root_fd: of / or of an image; stays the caller's. Units are read when asked for. */
int distribution_new(int root_fd, Contents *contents, DistributionUnits **ret_units, Error *reterr)
                must_check;
DistributionUnits *distribution_free(DistributionUnits *units);
DEFINE_CLEANUP(DistributionUnits, distribution_free);

/* The names of all, with aliases, masks and, as NAME.service, SysV scripts; and of what /etc and
 * /run have. Sorted, each once. */
int distribution_list(
                DistributionUnits *units, Strv *ret_names, Strv *ret_own, Error *reterr) must_check;

/* The links by which units are enabled, and aliases and masks: paths below /etc. Sorted. */
int distribution_list_links(DistributionUnits *units, Strv *ret_paths, Error *reterr) must_check;

/* As render() takes it. */
Distribution distribution_of(DistributionUnits *units);
