/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the host remembers of containers beside their bundles, which they see: where their roots
 * are, also of those that are no longer declared. BUNDLES/.roots/NAME is a link to the root, and
 * .made-NAME the same where nothing was in it before the container. */

#include "base/error.h"
#include "base/strv.h"

#include <stdbool.h>

/* Where container_root_make() would put it: below NULL, or what of the root. Its owners come to be
 * the container's, so a root with somebody's data is none. Returns 1, or 0 where it has that. */
int bundle_roots_may_be(int host_fd,
                const char *name,
                const char *root,
                const char *below,
                Error *reterr) must_check;
/* Before the root is made. Synced. -EEXIST: it may not be one. */
int bundle_roots_note(
                const char *name, const char *root, const char *below, Error *reterr) must_check;
/* Nothing was in it before the container, and a container ran on it; or it is not there. */
bool bundle_roots_is_made(const char *name, const char *root);
/* From malloc(); -ENOENT: it was never started. */
int bundle_roots_find(const char *name, char **ret_root, Error *reterr) must_check;
/* Names of all that have a bundle, sorted. */
int bundle_roots_list(Strv *ret_names, Error *reterr) must_check;
/* The bundle, and then what is remembered. */
int bundle_roots_forget(const char *name, Error *reterr) must_check;
