/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/decide.h"

#include <assert.h>

typedef UnitFacts F;

/* Nothing but the text may have changed. */
static bool is_quiet(const F *f) {
        return !f->restart_trigger && !f->reload_trigger && !f->is_newly_bound;
}

static bool is_once_only_elapsed(const F *f) {
        return f->is_elapsed_timer && f->is_once_only;
}

/* The text changed in a way that this type of unit acts on. */
static bool text_counts(const F *f) {
        return f->change > CHANGE_LIVE && f->type != UNIT_TARGET && !f->is_type_wide_only &&
               !is_once_only_elapsed(f);
}

bool facts_ask_reload_alone(const F *f) {
        return f->reload_trigger && !f->restart_trigger && !f->is_newly_bound && !text_counts(f);
}

static bool can_reload(const F *f) {
        return f->can_reload && !f->is_activating;
}

/* Conditions of the change table, in its order. */

static bool nothing_to_act_on(const F *f) {
        return is_quiet(f) && f->change <= CHANGE_LIVE;
}
static bool is_never_restarted(const F *f) {
        return f->type == UNIT_SLICE || f->type == UNIT_SCOPE || f->type == UNIT_DEVICE;
}
static bool target_text(const F *f) {
        return is_quiet(f) && f->type == UNIT_TARGET;
}
static bool type_wide_text(const F *f) {
        return is_quiet(f) && f->is_type_wide_only;
}
static bool once_only_timer(const F *f) {
        return is_quiet(f) && is_once_only_elapsed(f);
}
static bool reload_trigger_kept_old(const F *f) {
        return facts_ask_reload_alone(f) && f->method == METHOD_KEEP_OLD;
}
static bool reload_trigger(const F *f) {
        return facts_ask_reload_alone(f) && can_reload(f);
}
static bool connection(const F *f) {
        return f->is_connection;
}
static bool oneshot_at_work(const F *f) {
        return f->is_oneshot && f->is_activating;
}
static bool root_mount_options(const F *f) {
        return f->is_root_mount && f->change_has_options;
}
static bool root_mount(const F *f) {
        return f->is_root_mount;
}
static bool deaf_socket(const F *f) {
        return f->is_ended_by_reload && f->type == UNIT_SOCKET;
}
static bool ended_by_reload(const F *f) {
        return f->is_ended_by_reload || f->is_newly_bound;
}
static bool hurried(const F *f) {
        return f->is_hurried;
}
static bool automount_in_use(const F *f) {
        return f->is_automount_in_use;
}
static bool method_keep_old(const F *f) {
        return f->method == METHOD_KEEP_OLD;
}
static bool method_restart_of_socket_service(const F *f) {
        return f->method == METHOD_RESTART && f->is_socket_service;
}
static bool method_restart(const F *f) {
        return f->method == METHOD_RESTART;
}
static bool method_stop_start(const F *f) {
        return f->method == METHOD_STOP_START;
}
static bool method_reload(const F *f) {
        return f->method == METHOD_RELOAD && can_reload(f);
}
static bool mount_options(const F *f) {
        return f->change == CHANGE_OPTIONS && !f->restart_trigger;
}
static bool flag_reload(const F *f) {
        return f->reload_if_changed && can_reload(f);
}
static bool no_restart_but_reload_trigger(const F *f) {
        return f->no_restart && f->reload_trigger && can_reload(f);
}
static bool no_restart(const F *f) {
        return f->no_restart != NULL;
}
static bool protected_unit(const F *f) {
        return f->is_protected;
}
static bool flag_stop(const F *f) {
        return f->stop_if_changed == 1;
}
static bool stopping_changed(const F *f) {
        return f->change == CHANGE_STOPPING && f->stop_if_changed != 0;
}
static bool socket_service(const F *f) {
        return f->is_socket_service;
}
static bool always(const F *f) {
        (void) f; /* the last row takes all that is left */
        return true;
}

/* Of a unit that is on. Rows without a reason are explained by what changed or fired. */
static const Rule change_rules[] = {
        { "6", "nothing fired, and nothing changed but what a daemon-reload takes over",
                        nothing_to_act_on, VERDICT_NONE, NULL },
        { "7", "a slice: all in it would stop", is_never_restarted, VERDICT_NONE, NULL },
        { "7", "the text of a target", target_text, VERDICT_NONE, NULL },
        { "7", "a distribution unit that only a type-wide drop-in reaches", type_wide_text,
                        VERDICT_NONE, NULL },
        { "7", "an elapsed timer of OnBootSec= and the like alone: a restart would fire it again",
                        once_only_timer, VERDICT_NONE, NULL },
        { "9", "only a reload trigger fired, and X-SwitchMethod=keep-old", reload_trigger_kept_old,
                        VERDICT_SKIP, "X-SwitchMethod=keep-old" },
        { "9", "only a reload trigger fired, and it can reload", reload_trigger, VERDICT_RELOAD,
                        NULL },
        { "7", "an instance of a socket with Accept=yes", connection, VERDICT_SKIP,
                        "it is a connection, which goes on with the old text" },
        { "7", "a oneshot at work", oneshot_at_work, VERDICT_SKIP,
                        "a oneshot at work is let finish" },
        { "7", "-.mount or usr.mount, Options= changed", root_mount_options, VERDICT_RELOAD, NULL },
        { "7", "-.mount or usr.mount, anything else", root_mount, VERDICT_SKIP,
                        "never stopped under a running host" },
        { "flags", "the daemon-reload leaves the socket deaf: Listen…= changed", deaf_socket,
                        VERDICT_RESTART, NULL },
        { "flags",
                        "the daemon-reload would end it: BindsTo= a unit that is off, BusName=, "
                        "Type=dbus",
                        ended_by_reload, VERDICT_STOP_START, "the daemon-reload would end it" },
        { "flags", "it waits for its auto-restart, which comes with the daemon-reload", hurried,
                        VERDICT_STOP_START, "the daemon-reload would restart it as well" },
        { "7", "an automount that is mounted", automount_in_use, VERDICT_SKIP,
                        "it is mounted, and a restart would detach its mount" },
        { "flags", "X-SwitchMethod=keep-old", method_keep_old, VERDICT_SKIP,
                        "X-SwitchMethod=keep-old" },
        { "7", "X-SwitchMethod=restart, of a socket's service", method_restart_of_socket_service,
                        VERDICT_STOP_LATE, "its socket starts it again" },
        { "flags", "X-SwitchMethod=restart", method_restart, VERDICT_RESTART,
                        "X-SwitchMethod=restart" },
        { "flags", "X-SwitchMethod=stop-start", method_stop_start, VERDICT_STOP_START,
                        "X-SwitchMethod=stop-start" },
        { "flags", "X-SwitchMethod=reload, and it can reload", method_reload, VERDICT_RELOAD,
                        "X-SwitchMethod=reload" },
        { "7", "only Options= of a mount changed", mount_options, VERDICT_RELOAD, NULL },
        { "flags", "X-ReloadIfChanged=yes, and it can reload", flag_reload, VERDICT_RELOAD,
                        "X-ReloadIfChanged=yes" },
        { "flags", "it must not be restarted, but a reload trigger fired",
                        no_restart_but_reload_trigger, VERDICT_RELOAD, NULL },
        { "flags",
                        "X-RestartIfChanged=no, RefuseManualStop=yes, RefuseManualStart=yes, "
                        "X-OnlyManualStart=yes, or a container whose unit only sysswitch writes "
                        "otherwise",
                        no_restart, VERDICT_SKIP, NULL },
        { "7", "a protected unit", protected_unit, VERDICT_SKIP,
                        "never restarted under a running host" },
        { "flags", "X-StopIfChanged=yes", flag_stop, VERDICT_STOP_START, "X-StopIfChanged=yes" },
        { "8", "a key that governs stopping changed", stopping_changed, VERDICT_STOP_START,
                        "stopped as its old text has it" },
        { "7", "the service of a socket that is on", socket_service, VERDICT_STOP_LATE,
                        "its socket starts it again" },
        { "8", "changed, or a trigger fired", always, VERDICT_RESTART, NULL },
};

/* Conditions of the unit table, in its order. */

static bool goes_down(const F *f) {
        return (f->is_masked && !f->was_masked) || (f->is_disabled && !f->was_disabled) ||
               f->is_unwanted;
}
static bool is_newly_wanted_and_off(const F *f) {
        return f->is_newly_wanted && !f->is_on;
}
static bool wishes_restart(const F *f) {
        return f->wish == VERDICT_RESTART || f->wish == VERDICT_STOP_START;
}

static bool gone_and_kept(const F *f) {
        return f->is_gone && f->is_on && (f->keeps_running || f->is_essential);
}
static bool gone_and_refuses(const F *f) {
        return f->is_gone && f->is_on && f->old_refuses_stop;
}
static bool gone_and_on(const F *f) {
        return f->is_gone && f->is_on;
}
static bool gone(const F *f) {
        return f->is_gone;
}
static bool down_and_essential(const F *f) {
        return goes_down(f) && f->is_on && f->is_essential;
}
static bool down_and_refuses_still(const F *f) {
        return goes_down(f) && f->is_on && f->old_refuses_stop && f->new_refuses_stop;
}
static bool down_and_refuses(const F *f) {
        return goes_down(f) && f->is_on && f->old_refuses_stop;
}
static bool down_and_on(const F *f) {
        return goes_down(f) && f->is_on;
}
static bool must_not_start(const F *f) {
        return f->is_masked || (!f->is_on && (f->is_disabled || f->is_unwanted));
}
static bool new_but_not_startable(const F *f) {
        return is_newly_wanted_and_off(f) && !f->is_startable;
}
static bool new_but_absent(const F *f) {
        return is_newly_wanted_and_off(f) && f->is_absent;
}
static bool new_and_pulled(const F *f) {
        return is_newly_wanted_and_off(f) && f->is_pulled;
}
static bool may_return(const F *f) {
        return !f->is_on && f->may_return && !f->refuses_start;
}
static bool boot_reader(const F *f) {
        return !f->is_on && f->trigger_starts && !f->is_absent;
}
static bool owes_start(const F *f) {
        return !f->is_on && f->has_debt && f->is_startable &&
               (f->owed == VERB_START || f->owed == VERB_RESTART);
}
static bool new_but_not_pulled(const F *f) {
        return is_newly_wanted_and_off(f);
}
static bool oneshot_that_ended(const F *f) {
        return !f->is_on && !f->is_failed && f->is_wanted && f->is_oneshot && !f->remains &&
               !f->is_started_by_others && wishes_restart(f);
}
static bool failed_and_wanted(const F *f) {
        return f->is_failed && f->is_wanted && (wishes_restart(f) || f->wish == VERDICT_RELOAD);
}
static bool container_off(const F *f) {
        return f->is_container && !f->is_on && f->wish != VERDICT_NONE;
}
static bool off(const F *f) {
        return !f->is_on;
}
static bool owes_stop(const F *f) {
        return f->has_debt && f->owed == VERB_STOP && !f->is_wanted && f->wish == VERDICT_NONE;
}
static bool owes_restart(const F *f) {
        return f->has_debt && f->owed == VERB_RESTART &&
               (f->wish == VERDICT_NONE || f->wish == VERDICT_RELOAD);
}
static bool owes_reload(const F *f) {
        return f->has_debt && f->owed == VERB_RELOAD && f->wish == VERDICT_NONE && can_reload(f);
}

static const Rule unit_rules[] = {
        { "1", "gone, but X-StopOnRemoval=no, a slice, -.mount or usr.mount", gone_and_kept,
                        VERDICT_NONE, NULL },
        { "1", "gone, and RefuseManualStop=yes until the daemon-reload", gone_and_refuses,
                        VERDICT_STOP_LATE, NULL },
        { "1", "gone", gone_and_on, VERDICT_STOP, NULL },
        { "1", "gone, and off", gone, VERDICT_NONE, NULL },
        { "2", "newly masked, disabled or unwanted, but a slice, -.mount or usr.mount",
                        down_and_essential, VERDICT_NONE, NULL },
        { "2", "newly masked, disabled or unwanted, but RefuseManualStop=yes",
                        down_and_refuses_still, VERDICT_SKIP, "RefuseManualStop=yes" },
        { "2",
                        "newly masked, disabled or unwanted, and RefuseManualStop=yes until the "
                        "daemon-reload",
                        down_and_refuses, VERDICT_STOP_LATE, NULL },
        { "2", "newly masked, disabled or unwanted", down_and_on, VERDICT_STOP, NULL },
        { "2", "masked; or off, and disabled or unwanted", must_not_start, VERDICT_NONE, NULL },
        { "3",
                        "newly wanted, but a device, slice or scope, X-OnlyManualStart=yes or "
                        "RefuseManualStart=yes",
                        new_but_not_startable, VERDICT_NONE, NULL },
        { "3", "newly wanted as a dependency, but the host has no such unit", new_but_absent,
                        VERDICT_NONE, NULL },
        { "3", "newly wanted, by Enable= or what is reached", new_and_pulled, VERDICT_START, NULL },
        { "4", "off, taken down by a switch before, and what it hangs on is up", may_return,
                        VERDICT_START, NULL },
        { "4", "off, and a file that it reads at boot changed", boot_reader, VERDICT_START, NULL },
        { "5", "off, and a switch before owes its start", owes_start, VERDICT_START, NULL },
        { "3", "newly wanted, but by nothing that is reached", new_but_not_pulled, VERDICT_NONE,
                        NULL },
        { "4", "a wanted oneshot that ran and ended, where a change would restart it",
                        oneshot_that_ended, VERDICT_START, NULL },
        { "5", "failed and wanted, where a change would restart or reload it", failed_and_wanted,
                        VERDICT_START, NULL },
        { "4", "a container that is off, where a change would reboot it or be activated",
                        container_off, VERDICT_SKIP, "it is off, and has it at its next start" },
        { "4", "off: an administrator's stop stands", off, VERDICT_NONE, NULL },
        { "5", "a switch before owes its stop", owes_stop, VERDICT_STOP, NULL },
        { "5", "a switch before owes its restart", owes_restart, VERDICT_RESTART, NULL },
        { "5", "a switch before owes its reload", owes_reload, VERDICT_RELOAD, NULL },
        { "6-9", "on: as its change asks", always, VERDICT_AS_CHANGED, NULL },
};

static const Rule *first_that_fits(const Rule *rules, size_t n_rules, const UnitFacts *facts) {
        for (size_t i = 0; i < n_rules; i++)
                if (rules[i].fits(facts))
                        return &rules[i];
        assert(false); /* the last row of either table takes all */
        return NULL;
}

Decision decide(const UnitFacts *facts) {
        UnitFacts all = *facts;
        Decision decision = { .change = first_that_fits(
                                              change_rules, N_ELEMENTS(change_rules), &all) };
        all.wish = decision.change->verdict;
        decision.rule = first_that_fits(unit_rules, N_ELEMENTS(unit_rules), &all);
        decision.verdict = decision.rule->verdict == VERDICT_AS_CHANGED ? all.wish
                                                                        : decision.rule->verdict;
        return decision;
}

bool decision_leaves_restart(const Decision *decision) {
        return decision->verdict == VERDICT_RELOAD &&
               decision->change->fits == no_restart_but_reload_trigger;
}

const Rule *decide_unit_rules(size_t *ret_n) {
        *ret_n = N_ELEMENTS(unit_rules);
        return unit_rules;
}

const Rule *decide_change_rules(size_t *ret_n) {
        *ret_n = N_ELEMENTS(change_rules);
        return change_rules;
}

const char *verdict_to_string(Verdict verdict) {
        static const char *const names[N_VERDICTS] = {
                [VERDICT_NONE] = "none",
                [VERDICT_START] = "start",
                [VERDICT_STOP] = "stop",
                [VERDICT_STOP_LATE] = "stop, after the daemon-reload",
                [VERDICT_STOP_START] = "stop and start",
                [VERDICT_RESTART] = "restart",
                [VERDICT_RELOAD] = "reload",
                [VERDICT_SKIP] = "skip",
                [VERDICT_AS_CHANGED] = "as the change asks",
        };
        return names[verdict];
}
