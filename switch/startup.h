/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is done early in a boot, by the services sysswitch-undo and sysswitch-boot. systemd has read
 * its units by then, and queued their jobs: what changes is taken over into the boot under way. */

#include "activate/manifest.h"
#include "base/error.h"
#include "diff/fit_plan.h"
#include "switch/host.h"

/* The generation that this boot shall have: sysswitch.generation=N of the kernel's command line,
 * else the profile's default. */
int startup_wanted(const Host *host, int64_t *ret_number, Error *reterr) must_check;

/* Takes the files of a plan, or those that undoing a manifest has changed, over into the boot. */
int startup_take_over(Host *host, const FitPlan *fit, Error *reterr) must_check;
int startup_take_over_undone(Host *host, const Manifest *manifest, Error *reterr) must_check;
