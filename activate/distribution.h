/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The units that the distribution brings: files on the unit path but not below /etc and /run. */

#include "base/error.h"
#include "diff/render.h"

typedef struct DistributionUnits DistributionUnits;

/* root_fd: of / or of an image; stays the caller's. Units are read when asked for. */
int distribution_new(int root_fd, Contents *contents, DistributionUnits **ret_units, Error *reterr) must_check;
DistributionUnits *distribution_free(DistributionUnits *units);
DEFINE_CLEANUP(DistributionUnits, distribution_free);

/* As render() takes it. */
Distribution distribution_of(DistributionUnits *units);
