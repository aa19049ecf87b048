/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A switch that ended half-way (killed, power lost) is closed before another begins: its files go
 * back by the manifest, its record is ended, and what it may have done to units becomes debt, so
 * that the next plan sets it right. */

#include "base/error.h"
#include "base/strv.h"
#include "switch/host.h"

/* Is there one? Reads only: a manifest, or a record that has not ended. 1, 0 or a negative errno.
 */
int interrupted_is(Host *host, Error *reterr) must_check;

/* Under the lock, database opened for writing. Returns 1 when something was put right, 0 when
 * nothing was open. ret_kept: as of fit_undo(). On failure it is still open. */
int interrupted_close(Host *host, Strv *ret_kept, Error *reterr) must_check;
