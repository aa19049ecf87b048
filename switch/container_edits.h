/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What was edited by hand inside running containers. Their files are read by the host, by
 * descriptors from the container's root on: nothing in there is asked, and no link of it followed.
 * Owners are left alone: seen from here they are those of the user namespace. */

#include "switch/prepare.h"

#include <sys/types.h>

/* One look at a container's /etc, against the tree that it has. */
typedef struct EtcLook {
        FitInput input;
        Scan *scan;
        FitPlan *fit; /* what would make it exact */
} EtcLook;

/* Outcomes. */
enum {
        ETC_LOOKED = 0,
        ETC_GONE = 1,   /* it went down meanwhile */
        ETC_IS_NONE = 2 /* something else is in the place of its /etc */
};

/* edits_max_bytes: how much is read of files of another size than the tree's; of one beyond that it
 * is known that it is another. */
int etc_look(pid_t leader,
                const Tree *tree,
                uint64_t edits_max_bytes,
                Contents *contents,
                EtcLook *ret_look,
                Error *reterr) must_check;
void etc_look_done(EtcLook *look);
static inline void etc_look_donep(EtcLook *look) {
        etc_look_done(look);
}

/* Of the entries of /etc that both trees have alike, those that are otherwise there, as they are:
 * what a switch changes besides that makes all exact; as if there were none, the ones that are too
 * large to be read. Returns 1; 0: there are none. */
int container_edits_find(pid_t leader,
                const Tree *old,
                const Tree *new,
                Contents *contents,
                Tree **ret_tree,
                Error *reterr) must_check;

/* The same of all running containers that this switch concerns, into prepared->effective.before;
 * who was edited is noted in prepared->forced. Of one that does not stop changing is warned. */
int container_edits_add(Host *host, Prepared *prepared, Error *reterr) must_check;
