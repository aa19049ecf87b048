/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/paid.h"

#include "activate/bundle_store.h"
#include "activate/unit_look.h"
#include "diff/container.h"

#include <errno.h>
#include <string.h>

static bool is_paid(const Debt *debt, const UnitLook *look) {
        bool is_on = unit_look_is_on(look);
        if (debt->verb == VERB_STOP)
                return !is_on && strcmp(look->active_state, "deactivating") != 0;
        if (unit_look_is_failing(look) || strcmp(look->active_state, "activating") == 0)
                return false;
        if (debt->verb == VERB_START)
                return is_on;
        /* what is off runs no older text; but where our restart took it down, it is owed its start
         */
        if (!is_on)
                return debt->verb == VERB_RELOAD || debt->cause == DEBT_SKIPPED;
        return *debt->invocation_id && strcmp(look->invocation_id, debt->invocation_id) != 0;
}

typedef struct Seen {
        UnitLook look; /* without a unit: it was not to be had */
        bool has_gone; /* with the manager of its user */
} Seen;

static int look_at(Systemd *systemd, const Debt *debts, size_t n, Seen *seen, Error *reterr) {
        cleanup_free UnitLook *looks = calloc(n + 1, sizeof(UnitLook));
        if (!looks)
                return error_oom(reterr);
        for (size_t i = 0; i < n; i++)
                looks[i].unit = debts[i].unit;
        int r = unit_look(systemd, looks, n, LOOK_STATE, reterr);
        for (size_t i = 0; r >= 0 && i < n; i++)
                seen[i].look = looks[i];
        return r;
}

/* Without their manager, none of a user's units runs. */
static int look_at_user(uint32_t uid, const Debt *debts, size_t n, Seen *seen, Error *reterr) {
        cleanup(systemd_closep) Systemd *systemd = NULL;
        Error ignored;
        int r = systemd_connect_user(uid, &systemd, &ignored);
        if (r >= 0)
                return look_at(systemd, debts, n, seen, reterr);
        for (size_t i = 0; i < n; i++)
                seen[i].has_gone = r == -ENOENT || r == -ECONNREFUSED;
        return 0; /* what cannot be asked is owed still */
}

static int note_run(Arena *arena, const Seen *seen, Debt *debt) {
        if (*debt->invocation_id || !*seen->look.invocation_id)
                return 0;
        debt->invocation_id = arena_strdup(arena, seen->look.invocation_id);
        return debt->invocation_id ? 0 : -ENOMEM;
}

/* What changed inside a container was left alone, or its activation failed, and it was activated by
 * hand: nobody has to be asked. */
static bool is_activated(const Debt *debt) {
        char name[CONTAINER_NAME_SIZE], active[BUNDLE_TREE_SIZE], wanted[BUNDLE_TREE_SIZE];
        Error ignored; /* what cannot be told is owed still */
        return debt->verb == VERB_RELOAD && debt->uid == UINT32_MAX &&
               container_name_of(debt->unit, name) &&
               bundle_store_pointed(name, "active", active, &ignored) > 0 &&
               bundle_store_wanted(name, wanted, &ignored) >= 0 && strcmp(active, wanted) == 0 &&
               bundle_store_is_half_way(name, &ignored) == 0;
}

static int sort_out(
                Arena *arena, const Seen *seen, Debt *debts, size_t n_debts, size_t *ret_n_owed) {
        cleanup_free Debt *apart = calloc(n_debts + 1, sizeof(Debt));
        if (!apart)
                return -ENOMEM;
        size_t n_owed = 0, n_apart = 0;
        for (size_t i = 0; i < n_debts; i++) {
                if (seen[i].has_gone || is_activated(&debts[i]) ||
                                (seen[i].look.unit && is_paid(&debts[i], &seen[i].look))) {
                        apart[n_apart++] = debts[i];
                        continue;
                }
                debts[n_owed] = debts[i];
                if (note_run(arena, &seen[i], &debts[n_owed++]) < 0)
                        return -ENOMEM;
        }
        if (n_apart > 0)
                memcpy(debts + n_owed, apart, n_apart * sizeof(Debt));
        *ret_n_owed = n_owed;
        return 0;
}

int paid_find(Host *host,
                Arena *arena,
                Debt *debts,
                size_t n_debts,
                size_t *ret_n_owed,
                Error *reterr) {
        cleanup_free Seen *seen = calloc(n_debts + 1, sizeof(Seen));
        if (!seen)
                return error_oom(reterr);
        for (size_t i = 0, n = 0; host->systemd && i < n_debts; i += n) {
                uint32_t uid = debts[i].uid;
                for (n = 1; i + n < n_debts && debts[i + n].uid == uid;)
                        n++;
                int r = uid == UINT32_MAX ? look_at(host->systemd, debts + i, n, seen + i, reterr)
                                          : look_at_user(uid, debts + i, n, seen + i, reterr);
                if (r < 0)
                        return r;
        }
        return sort_out(arena, seen, debts, n_debts, ret_n_owed) < 0 ? error_oom(reterr) : 0;
}
