/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the host remembers of containers beside their bundles, which they see: where their roots
 * are, also of those that are no longer declared. BUNDLES/.roots/NAME is a link to the root. */

#include "base/error.h"
#include "base/strv.h"

/* Synced. */
int bundle_roots_note(const char *name, const char *root, Error *reterr) must_check;
/* From malloc(); -ENOENT: it was never started. */
int bundle_roots_find(const char *name, char **ret_root, Error *reterr) must_check;
/* Names of all that have a bundle, sorted. */
int bundle_roots_list(Strv *ret_names, Error *reterr) must_check;
/* The bundle, and then what is remembered. */
int bundle_roots_forget(const char *name, Error *reterr) must_check;
