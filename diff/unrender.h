/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way back from a tree to a source that renders to it. What the tree says by itself is written
 * out: files, links, directories, hooks, profile.conf as it was. Links that [Install] and
 * profile.conf make, as rendering shows, are left to them; those that these would not make, for one
 * because the distribution has another unit by now, are written as links. */

#include "base/error.h"
#include "diff/render.h"

/* One entry of the source, with what a source has no place for. */
typedef struct Unrendered {
        Source *source;       /* owned; sorted */
        const char **secrets; /* paths in the source whose contents are secret, sorted; of its
                                 arena */
        size_t n_secrets;
        TreeChange *changes; /* owned: where its rendering is another tree than the one given */
        size_t n_changes;
        Tree *rendered; /* owned; what changes[].after are of; NULL: it does not render at all */
        Error error;    /* then: why */
} Unrendered;

/* name: of the source, for messages. The tree's contents must be those of the pool; the data of
 * units and profile.conf must be at hand, or loadable. */
int unrender(const Tree *tree,
                const char *name,
                Contents *contents,
                const Distribution *distribution,
                Unrendered *ret_unrendered,
                Error *reterr) must_check;
void unrendered_done(Unrendered *unrendered);
static inline void unrendered_donep(Unrendered *unrendered) {
        unrendered_done(unrendered);
}
