/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch came to, as JSON: the plan's "result" (docs/plan.schema.json). */

#include "switch/engine.h"

/* One object, from malloc(). */
int result_to_json(const EngineResult *result, char **ret_json, Error *reterr) must_check;
