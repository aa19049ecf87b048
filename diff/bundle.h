/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a container is given of its tree, as text: each entry with its mode, its owner by name, and
 * the digest of its content, which lies beside it as a file of that name.
 *
 *   sysswitch bundle 1
 *   etc file MODE IMPLIED OWNER GROUP SIZE DIGEST PATH
 *   etc directory MODE IMPLIED OWNER GROUP PATH
 *   etc link PATH TARGET
 *   etc absent PATH
 *   profile file …
 *   end N_ENTRIES
 *
 * Paths and targets have %XX for what would break a line or a word. */

#include "base/error.h"
#include "diff/tree.h"

int bundle_format(const Tree *inside, char **ret_text) must_check;
/* Contents are known by their digests; their data come by the loader of contents. -EBADMSG: no
 * bundle, or a torn one. */
int bundle_parse(const char *text, Contents *contents, Tree **ret_tree, Error *reterr) must_check;
