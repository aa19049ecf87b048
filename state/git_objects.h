/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: libgit2's objects, each freed where its variable ends. */

#include "base/cleanup.h"
#include "diff/git.h"
#include "state/origin.h"

extern const Git *git; /* from a git_begin() that was true */

/* false: it is not installed. Owner checks are off: objects are only read. */
bool git_begin(void) must_check;
void git_end(void);

#define DEFINE_GIT_CLEANUP(name)                                                                   \
        static inline void name##_free(git_##name *object) {                                       \
                git->name##_free(object);                                                          \
        }                                                                                          \
        DEFINE_CLEANUP(git_##name, name##_free)

DEFINE_GIT_CLEANUP(blob);
DEFINE_GIT_CLEANUP(commit);
DEFINE_GIT_CLEANUP(object);
DEFINE_GIT_CLEANUP(odb);
DEFINE_GIT_CLEANUP(repository);
DEFINE_GIT_CLEANUP(status_list);
DEFINE_GIT_CLEANUP(tree);
DEFINE_GIT_CLEANUP(tree_entry);

/* Returns 0 or -ENOMEM; what was set already is the caller's in both cases. */
int origin_set_commit(git_commit *commit, Origin *origin) must_check;
