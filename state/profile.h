/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Profiles: named lines of generations. */

#include "base/error.h"
#include "state/database.h"

typedef struct Profile {
        char *name;     /* "system" */
        int64_t active; /* 0: the host as found */
        int64_t default_number;
        int64_t newest;        /* highest number given so far; the next one is one more */
        int64_t newest_stored; /* highest number that is there: not the same where it was pruned */
        char *source;          /* what the profile was last given; NULL: nothing yet */
} Profile;

void profile_done(Profile *profile);
static inline void profile_donep(Profile *profile) {
        profile_done(profile);
}

/* A profile that is not there yet is all zero with the name: no error. database: NULL likewise. */
int profile_load(Database *database, const char *name, Profile *ret_profile, Error *reterr)
                must_check;
/* Both make the profile when it is not there. -EINVAL: a number that was never given. */
int profile_set_active(Database *database,
                const char *name,
                int64_t active,
                int64_t default_number,
                Error *reterr) must_check;
int profile_set_source(
                Database *database, const char *name, const char *source, Error *reterr) must_check;

/* The row of a profile, made when it is not there. */
int profile_id(Database *database, const char *name, int64_t *ret_id, Error *reterr) must_check;
