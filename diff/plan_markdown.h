/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan for a comment of a review, as GitHub and GitLab show Markdown: a line that sums it up, a
 * table of the actions with their reasons, and the patch of each file, folded. */

#include "base/error.h"
#include "base/text.h"
#include "diff/plan.h"

/* title: what is compared, "main:hosts/edge1 → HEAD:hosts/edge1". Of a secret is told that it
 * changed, and no more. */
int plan_to_markdown(const Plan *plan,
                Contents *contents,
                const char *title,
                Text *text,
                Error *reterr) must_check;
