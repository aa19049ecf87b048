/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the run of a plan asks of units, beyond what activate/systemd.h has. */

#include "activate/systemd.h"
#include "base/arena.h"

/* Which of the names are loaded. ret_is_loaded has room for one each. */
int live_loaded(Systemd *systemd, const Strv *names, bool *ret_is_loaded, Error *reterr) must_check;

/* Their states, as by systemd_read_states(); but what is not loaded is loaded. */
int live_load(Systemd *systemd, const Strv *names, UnitStates *states, Error *reterr) must_check;

/* The units whose ActiveState is that one. */
int live_in_state(Systemd *systemd,
                const char *state,
                Arena *arena,
                const char *const **ret_units,
                size_t *ret_n_units,
                Error *reterr) must_check;
/* The units that are failed now. */
int live_failed(Systemd *systemd,
                Arena *arena,
                const char *const **ret_units,
                size_t *ret_n_units,
                Error *reterr) must_check;
