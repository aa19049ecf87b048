/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The index of a kernel's modules (modules.dep and the like), which depmod derives from the files
 * below /lib/modules/VERSION: made anew each time a fit has changed them, be it there or back. A
 * kernel that is not installed has none; its own package makes it. */

#include "activate/manifest.h"
#include "base/strv.h"
#include "diff/fit_plan.h"
#include "switch/host.h"

/* The kernels whose modules the plan changes. Returns 0 or -ENOMEM. */
int module_index_versions(const FitPlan *fit, Strv *ret_versions) must_check;

/* Is this kernel's index one that depmod has to make? */
bool module_index_is_there(const Host *host, const char *version);

/* Of all kernels whose modules were changed by these operations, on the disk when it returns. All
 * are tried; the first error is told. */
int module_index_of_plan(const Host *host, const FitPlan *fit, uint64_t timeout_usec, Error *reterr)
                must_check;
int module_index_of_manifest(const Host *host,
                const Manifest *manifest,
                uint64_t timeout_usec,
                Error *reterr) must_check;
