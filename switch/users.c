/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/users.h"

#include "activate/systemd.h"

#include <stdlib.h>

void users_done(Users *users) {
        for (size_t i = 0; i < users->n_items; i++)
                (void) unit_states_free(users->states[i]);
        free(users->states);
        free(users->items);
        *users = (Users){ 0 };
}

static int read_user(Users *users, uint32_t uid, Error *reterr) {
        cleanup(systemd_closep) Systemd *systemd = NULL;
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        if (!states)
                return error_oom(reterr);
        Error ignored;
        if (systemd_connect_user(uid, &systemd, &ignored) < 0)
                return 0;
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        if (strv_add(&patterns, "*") < 0)
                return error_oom(reterr);
        if (systemd_read_states(systemd, &names, &patterns, states, &ignored) < 0)
                return 0;
        users->items[users->n_items] = (UserStates){ .uid = uid, .states = states };
        users->states[users->n_items++] = TAKE(states);
        return 0;
}

int users_read(Users *ret_users, Error *reterr) {
        cleanup_free uint32_t *uids = NULL;
        size_t n_uids = 0;
        int r = systemd_running_users(&uids, &n_uids, reterr);
        if (r < 0)
                return r;
        cleanup(users_donep) Users users = {
                .items = calloc(n_uids + 1, sizeof(UserStates)),
                .states = calloc(n_uids + 1, sizeof(UnitStates *)),
        };
        if (!users.items || !users.states)
                return error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < n_uids; i++)
                r = read_user(&users, uids[i], reterr);
        if (r < 0)
                return r;
        *ret_users = users;
        users = (Users){ 0 };
        return 0;
}
