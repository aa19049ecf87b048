/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How one unit hangs on another: "from KIND to", as a unit file of from says it. */

typedef enum RelationKind {
        RELATION_REQUIRES,
        RELATION_REQUISITE,
        RELATION_BINDS_TO,
        RELATION_WANTS,
        RELATION_UPHOLDS,
        RELATION_PART_OF,
        RELATION_STOP_PROPAGATED_FROM,
        RELATION_RELOAD_PROPAGATED_FROM,
        RELATION_CONFLICTS,
        RELATION_ON_SUCCESS,
        RELATION_TRIGGERS, /* a socket, timer, path or automount, and what it starts */
        RELATION_ALSO,     /* from [Install]: enabled along with it */
        N_RELATION_KINDS,
} RelationKind;

/* Sets of kinds. */
enum {
        KINDS_REQUIREMENT =
                        1 << RELATION_REQUIRES | 1 << RELATION_REQUISITE | 1 << RELATION_BINDS_TO,
        /* what a stop of to takes down, and what a restart of it restarts */
        KINDS_RESTART = KINDS_REQUIREMENT | 1 << RELATION_PART_OF,
        KINDS_STOP = KINDS_RESTART | 1 << RELATION_STOP_PROPAGATED_FROM,
        /* what goes down with to that ends by itself, without a job (systemd: retroactively) */
        KINDS_BOUND = 1 << RELATION_BINDS_TO | 1 << RELATION_STOP_PROPAGATED_FROM,
        /* what a start of from pulls in; what makes to wanted */
        KINDS_PULL = 1 << RELATION_REQUIRES | 1 << RELATION_BINDS_TO | 1 << RELATION_WANTS |
                     1 << RELATION_UPHOLDS,
        /* what holds up a unit that is StopWhenUnneeded= */
        KINDS_NEED = KINDS_PULL | 1 << RELATION_REQUISITE,
};

const char *relation_to_string(RelationKind kind); /* "Requires", as its key is named */
