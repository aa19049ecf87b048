/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which layer of its source each path of a generation came from. Apart from the entries: it is no
 * part of what a host has, and only who asks for it reads it. */

#include "base/error.h"
#include "diff/tree.h"
#include "state/database.h"

/* Notes, in the open transaction, where the layers of the tree, which is generation number, are not
 * those that are known. */
int entry_layers_store(Database *database,
                const char *profile,
                int64_t number,
                const Tree *tree,
                Error *reterr) must_check;
/* Sets the layers of a tree that was loaded as that generation. */
int entry_layers_load(Database *database,
                const char *profile,
                int64_t number,
                Tree *tree,
                Error *reterr) must_check;
