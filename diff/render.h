/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Rendering: one pure function from a source to its tree. Everything becomes entries: files,
 * enablement links from [Install] and, for Enable=, from the distribution unit's text, masks, and
 * absent for the links that Disable= takes away. profile.conf is an entry of its own
 * (ROOT_PROFILE), so that all that follows works on entries alone. */

#include "base/error.h"
#include "diff/initrd.h"
#include "diff/source.h"
#include "diff/tree.h"

typedef enum DistributionAnswer {
        DISTRIBUTION_NO_UNIT,
        DISTRIBUTION_UNIT,
        DISTRIBUTION_SYSV_ONLY, /* only a script in init.d */
} DistributionAnswer;

/* The units that the distribution brings (not those in /etc), as values by name. NULL where there
 * is no host at hand: then Enable= and Disable= render no links and are known by profile.conf
 * alone. */
typedef struct Distribution {
        /* Returns a DistributionAnswer or a negative errno. path: as an enablement link shall name
         * it. */
        int (*read_unit)(void *userdata,
                        const char *unit,
                        const char **ret_path,
                        Content **ret_content,
                        Error *reterr);
        /* Has the host such a unit beside these and the source: in /etc, made by a generator …? May
         * be NULL. */
        bool (*has_own_unit)(void *userdata, const char *unit);
        /* Can a mount of that path show a container owners of its own? May be NULL: yes. below:
         * "/what/of/it", or "", in what somebody else may write: no link of it is followed. */
        bool (*can_map_owners)(void *userdata, const char *path, const char *below);
        /* Has a container's root directory a /usr of its own, with a systemd? May be NULL: no. */
        bool (*has_own_usr)(void *userdata, const char *root, const char *below);
        /* Belongs it to a user of the host's, as one does that is not there yet? May be NULL: yes.
         */
        bool (*is_hosts)(void *userdata, const char *root, const char *below);
        /* The units of that, which live as long as these. NULL only where has_own_usr is. */
        int (*of_root)(void *userdata,
                        const char *root,
                        const char *below,
                        const struct Distribution **ret_units,
                        Error *reterr);
        InitrdMaker initrd_maker; /* that the host has */
        void *userdata;
} Distribution;

/* Validates the source as a whole and renders it. Returns 0, or -EBADMSG with "SOURCE/FILE:LINE:
 * what, and what to do". What is odd and no error is in the tree's warnings. */
int render(const Source *source,
                Contents *contents,
                const Distribution *distribution,
                Tree **ret_tree,
                Error *reterr) must_check;
/* The same of what runs inside a container, which has no kernel, hooks and containers of its own.
 */
int render_inside(const Source *source,
                Contents *contents,
                const Distribution *distribution,
                Tree **ret_tree,
                Error *reterr) must_check;
