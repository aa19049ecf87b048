/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A timer of systemd's own, for what shall happen though we are gone by then. */

#include "activate/systemd.h"

/* at_usec: an instant of CLOCK_MONOTONIC. It holds whatever is reloaded or set meanwhile: neither a
 * daemon-reload nor a step of the wall clock moves it. The service of the same name is started
 * then. A timer of that name is replaced. */
int timer_start(Systemd *systemd, const char *name, uint64_t at_usec, Error *reterr) must_check;
/* One that is not there is no error. */
int timer_stop(Systemd *systemd, const char *name, Error *reterr);
/* When something was, of systemd's own: a property of it, as "FinishTimestamp"; 0: not yet. */
int timer_read(Systemd *systemd, const char *property, uint64_t *ret_usec, Error *reterr)
                must_check;
