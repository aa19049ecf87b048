/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The files of a plan in short, as "git diff --stat" and "--name-only" have them. */

#include "base/error.h"
#include "base/text.h"
#include "diff/plan.h"

void plan_to_names(const Plan *plan, Text *text);
int plan_to_stat(const Plan *plan, Contents *contents, bool color, Text *text, Error *reterr)
                must_check;
