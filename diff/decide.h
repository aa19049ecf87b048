/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is done with one unit: the rules of docs/plan.md as two tables, each read from the top,
 * where the first row that fits decides. Pure: facts in, a verdict out. */

#include "base/cleanup.h"
#include "diff/change.h"
#include "diff/plan.h"

typedef enum Verdict {
        VERDICT_NONE,
        VERDICT_START,
        VERDICT_STOP,       /* before the flip, with the old text */
        VERDICT_STOP_LATE,  /* after the daemon-reload */
        VERDICT_STOP_START, /* stop with the old text, then start */
        VERDICT_RESTART,
        VERDICT_RELOAD,
        VERDICT_SKIP,
        VERDICT_AS_CHANGED, /* in the unit table: what the change table says */
        N_VERDICTS,
} Verdict;

typedef enum SwitchMethod {
        METHOD_NOT_SET,
        METHOD_KEEP_OLD,
        METHOD_RELOAD,
        METHOD_RESTART,
        METHOD_STOP_START,
} SwitchMethod;

/* All that the rules look at. */
typedef struct UnitFacts {
        UnitType type;
        /* live */
        bool is_on, is_failed, is_activating; /* activating: with a job at work */
        bool is_automount_in_use, is_elapsed_timer;
        bool is_hurried; /* it waits for its auto-restart, which comes with the daemon-reload:
                            RestartSec= is short now */
        /* there, and wanted */
        bool is_gone;       /* the tree had its file, and nothing names it any more */
        bool keeps_running; /* X-StopOnRemoval=no in the old text */
        bool is_essential;  /* slices, -.mount, usr.mount: never stopped */
        bool old_refuses_stop, new_refuses_stop;
        bool is_upheld; /* by a unit that is up until the daemon-reload: stopped before it, it
                           would be back at once, by its old text */
        bool is_masked, is_disabled; /* now */
        bool was_masked, was_disabled;
        bool is_unwanted; /* wanted before and not now */
        bool is_wanted, is_newly_wanted;
        bool is_startable;  /* no device, slice, scope; neither X-OnlyManualStart= nor
                               RefuseManualStart= */
        bool refuses_start; /* RefuseManualStart= in the new text */
        bool is_absent;     /* only a dependency, and the manager knows no such unit */
        bool is_pulled; /* Enable= says so, a target that wants it is reached, or a unit that wants
                           it is up */
        /* changed */
        ChangeLevel change;
        bool change_has_options, is_ended_by_reload, is_newly_bound;
        bool restart_trigger, reload_trigger, trigger_starts;
        /* what it is */
        bool is_root_mount;     /* -.mount, usr.mount */
        bool is_once_only;      /* a timer of OnBootSec= and the like alone */
        bool is_type_wide_only; /* a distribution unit that only service.d/ reaches */
        bool is_connection;     /* an instance of a socket with Accept=yes */
        bool is_oneshot, remains;
        bool is_socket_service; /* of a socket of the tree that is on, and neither wanted itself nor
                                   X-NotSocketActivated= */
        bool is_started_by_others; /* by a timer, path or socket of the tree */
        bool is_protected;
        bool can_reload;
        bool is_container; /* it runs one */
        /* flags */
        SwitchMethod method;
        bool reload_if_changed;
        const char *no_restart; /* the flag that forbids it, as it is shown, or that nobody but
                                   sysswitch changed anything; NULL: none */
        int stop_if_changed;    /* 1, 0, -1 not set */
        /* what a switch before owes */
        bool has_debt;
        Verb owed;
        bool may_return; /* taken down by a switch before, and what it hangs on is up again */
        Verdict wish;    /* set by decide(): what the change table says */
} UnitFacts;

typedef struct Rule {
        const char *number; /* as docs/plan.md has it */
        const char *text;
        bool (*fits)(const UnitFacts *facts);
        Verdict verdict;
        const char *reason; /* shown beside the cause; NULL: the cause is enough */
} Rule;

/* What is done with the unit (rules 1 to 5), and, of one that is on, what its change asks for
 * (rules 6 to 9, and the flags). The rules are never NULL. */
typedef struct Decision {
        Verdict verdict;
        const Rule *rule;   /* of the unit table */
        const Rule *change; /* of the change table */
} Decision;
Decision decide(const UnitFacts *facts);

/* It takes a restart, which a flag forbids: the reload that it is leaves that owed. */
bool decision_leaves_restart(const Decision *decision);

/* The tables, for docs and tests. */
/* Something changed that takes a reload, and nothing that takes more. */
bool facts_ask_reload_alone(const UnitFacts *facts);

const Rule *decide_unit_rules(size_t *ret_n);
const Rule *decide_change_rules(size_t *ret_n);

const char *verdict_to_string(Verdict verdict);
