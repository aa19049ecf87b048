/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd's own tools that make a switch's users and volatile files. */

#include "switch/engine.h"

/* Before anything is staged, for its owners: nothing is undone when the switch is (users stay). */
int tools_make_users(Host *host, Prepared *prepared, const EngineOptions *options, Error *reterr);
/* After the flip: of the changed files only, and of all when an earlier switch still owes it. */
int tools_apply_tmpfiles(
                Host *host, const Prepared *prepared, const EngineOptions *options, Error *reterr);
