/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* ROOT/.sysswitch, 0700: the manifest, and for each operation a slot, which has the staged one
 * before the flip and what was there before after it. */

#include "activate/root.h"
#include "base/error.h"

#include <stdbool.h>

enum { SLOT_NAME_SIZE = 24 };

/* Returns 0 and the descriptor, or -ENOENT when it is not there and not to be made. */
int slots_open(const Root *root, bool make, int *ret_slots_fd, Error *reterr) must_check;

/* Removes all slots (and a torn manifest), whole ones included: only without an open switch. */
int slots_clear(const Root *root, int slots_fd, Error *reterr) must_check;

/* Removes the manifest, synced: from then on no switch is open. -EUCLEAN: removed, but it could not
 * be synced. */
int slots_close_switch(const Root *root, int slots_fd, Error *reterr) must_check;

/* Renames the manifest, synced: no switch is open, but that it was undone is still to be noted. */
int slots_set_undone(const Root *root, int slots_fd, Error *reterr) must_check;
int slots_is_undone(const Root *root, int slots_fd, Error *reterr) must_check; /* 1 or 0 */

/* Clears, and removes the directory itself. What cannot be removed is cleared by the next
 * slots_clear(). */
void slots_remove(const Root *root, int slots_fd);

/* The same of the slots in root->lib, if it has any. */
void slots_remove_lib(const Root *root);

/* name has SLOT_NAME_SIZE bytes. Returns it. */
const char *slot_name(size_t slot, char *name);
