/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The managers of users that run, and the states of their units. */

#include "base/error.h"
#include "diff/plan.h"

typedef struct Users {
        UserStates *items;
        UnitStates **states; /* as items, owned */
        size_t n_items;
} Users;

/* A manager that goes away meanwhile is no error: its next start reads the new files. */
int users_read(Users *ret_users, Error *reterr) must_check;
void users_done(Users *users);
static inline void users_donep(Users *users) {
        users_done(users);
}
