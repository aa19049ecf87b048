/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What would make a switch fail, or do harm, looked for before anything is changed: all of it, so
 * that it is told at once. */

#include "switch/engine.h"

/* Fills prepared->problems, whether the switch is then refused or only looked at. Returns 0,
 * problems or none. */
int preflight_run(Host *host, Prepared *prepared, const EngineOptions *options, Error *reterr)
                must_check;

/* What has problems is refused: -EEXIST, with the one there is, or how many. */
int preflight_refuse(const Prepared *prepared, Error *reterr) must_check;
