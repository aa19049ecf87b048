/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a host is besides its files, as one file: "states" writes it there, --states= reads it
 * anywhere, so that a plan that is made elsewhere is the host's. By hand just the first rows are
 * written:
 *
 *   { "@schema": 1,                                     JSON_SCHEMA_VERSION; by hand not needed
 *     "nginx.service": { "ActiveState": "active", … },    a unit; what is not named is off
 *     "web:x.service": { … },                             a unit in container web
 *     "@1000": { "x.service": { … } },                    the units of a user's manager
 *     "@debt": [ { "unit", "user", "verb", "cause", "reason" } ],
 *     "@distribution": { "ssh.service": { "path": "/lib/systemd/system/ssh.service", "text": … },
 *                        "old.service": {} },             a SysV script only
 *     "@own": [ "x.service" ],                            in /etc, or made by a generator
 *     "@initrds": { "maker": "dracut", "kernels": { "6.1.0": [ "have loop" ] } },
 *     "@beneath": { "motd": { "kind", "mode", "owner", "group", "digest", "size" | "target" } } }
 *                                                         what was put away, and comes back;
                                                         links of units that nobody declared
 *
 * No unit's name begins with "@". Of /etc it has the names of units, and what is beneath: links,
 the
 * texts of units and of fstab, and digests of what else everybody may read. */

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/strv.h"
#include "diff/live_initrd.h"
#include "diff/plan.h"
#include "diff/render.h"

#include <jansson.h>

typedef struct LiveFile {
        Arena arena;
        UnitStates *states;
        UserStates *users;
        UnitStates **user_states; /* as users, owned */
        size_t n_users;
        Debt *debts;
        size_t n_debts;
        bool has_distribution; /* it was written by a host */
        Map distribution;      /* name -> LiveUnit */
        Strv own;
        LiveInitrds initrds;
        Tree *beneath;           /* NULL: nothing */
        Tree *in_the_way, *back; /* of live_file_lay_under() */
} LiveFile;

typedef struct LiveUnit {
        const char *path; /* NULL: a SysV script only */
        Content *content;
} LiveUnit;

/* name stands before errors. Returns 0 or -EBADMSG. */
int live_file_parse(const char *name,
                const char *text,
                size_t length,
                Contents *contents,
                LiveFile **ret_file,
                Error *reterr) must_check;
LiveFile *live_file_free(LiveFile *file);
DEFINE_CLEANUP(LiveFile, live_file_free);

/* As render() takes it; only of one that has_distribution. */
Distribution live_file_distribution(LiveFile *file);

/* What the host has and will have when it goes from old to new: these, and at the paths that only
 * the other has what is in its way, or comes back. Once for each file, which must outlive the
 * results, as must the trees. */
int live_file_lay_under(LiveFile *file,
                const Tree *old,
                const Tree *new,
                Tree **ret_old,
                Tree **ret_new,
                Error *reterr) must_check;

/* What is to be written. */
typedef struct LiveFacts {
        const UnitStates *states;
        const UserStates *users;
        size_t n_users;
        const Debt *debts;
        size_t n_debts;
        const Distribution *distribution;
        const Strv *distribution_names, *own_names;
        const LiveInitrds *initrds;
        const Tree *beneath; /* contents at hand where they are to be in it */
} LiveFacts;
/* New reference. */
int live_file_to_json(const LiveFacts *facts, json_t **ret_json, Error *reterr) must_check;
