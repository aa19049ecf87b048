/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Early in a boot, when systemd has read its units and queued their jobs already, the files have
 * changed. This takes the boot over to the new ones, and waits for no job: those wait for us. */

#include "activate/systemd.h"

/* daemon-reload; then the units that nothing wants any more are taken out of the boot, those that
 * have read files early are started anew, and each target on its way is asked for again, so that it
 * pulls in what wants it now. A unit in dropped that is still wanted comes back with its target. */
int boot_take_over(Systemd *systemd, const Strv *dropped, const Strv *readers, Error *reterr)
                must_check;
