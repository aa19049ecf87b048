/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rules look at, of one unit. */
#include "diff/container.h"
#include "diff/judge.h"
#include "diff/time_span.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static bool is(const char *left, const char *right) {
        return strcmp(left, right) == 0;
}

int chain_set(Arena *arena, Chain *chain, ...) {
        const char *items[8];
        size_t n = 0;
        va_list arguments;
        va_start(arguments, chain);
        for (const char *item; (item = va_arg(arguments, const char *)) != CHAIN_END;)
                if (item && n < N_ELEMENTS(items))
                        items[n++] = item;
        va_end(arguments);
        chain->items = arena_memdup(arena, items, n * sizeof(char *));
        chain->n = n;
        return chain->items ? 0 : -ENOMEM;
}

static const UnitText *text_of(const Subject *subject, Side side) {
        return &subject->units[side]->text;
}

static bool flag_is(const Subject *subject, Side side, const char *key, int value) {
        return unit_text_flag_boolean(text_of(subject, side), key) == value;
}

static bool is_root_mount(const Subject *subject) {
        return is(subject->name, "-.mount") || is(subject->name, "usr.mount");
}

/* Targets of systemd that come up only with what wants them: RefuseManualStart=yes.
 * (systemd.special(7), passive units) */
static bool is_passive(const Subject *subject) {
        static const char *const names[] = { "cryptsetup-pre", "final", "first-boot-complete",
                "integritysetup-pre", "local-fs-pre", "network-pre", "network", "nss-lookup",
                "nss-user-lookup", "remote-fs-pre", "rpcbind", "shutdown", "sleep",
                "system-update-pre", "time-set", "time-sync", "umount", "veritysetup-pre" };
        if (subject->type != UNIT_TARGET)
                return false;
        size_t length = strlen(subject->name) - strlen(".target");
        for (size_t i = 0; i < N_ELEMENTS(names); i++)
                if (strlen(names[i]) == length && memcmp(subject->name, names[i], length) == 0)
                        return true;
        return false;
}

/* Removed, masked, disabled, wanted (rules 1 to 3). */
static void set_presence(const Comparison *comparison, const Subject *subject, UnitFacts *facts) {
        const Unit *before = subject->units[BEFORE], *after = subject->units[AFTER];
        facts->is_masked = after->is_masked;
        facts->was_masked = before->is_masked;
        facts->is_disabled = subject->disable[AFTER];
        facts->was_disabled = subject->disable[BEFORE];
        facts->is_gone = before->is_defined && !after->is_defined && !after->is_masked &&
                         !subject->enable[AFTER] && !after->has_own_drop_in;
        facts->keeps_running = flag_is(subject, BEFORE, "X-StopOnRemoval", 0);
        facts->is_root_mount = is_root_mount(subject);
        facts->is_essential = facts->is_root_mount || subject->type == UNIT_SLICE ||
                              subject->type == UNIT_DEVICE || subject->type == UNIT_SCOPE;
        facts->old_refuses_stop = unit_text_boolean(&before->text, "Unit", "RefuseManualStop") == 1;
        facts->new_refuses_stop = unit_text_boolean(&after->text, "Unit", "RefuseManualStop") == 1;
        bool is_distribution = !before->is_defined && !after->is_defined;
        facts->is_unwanted = subject->wanted[BEFORE] && !subject->wanted[AFTER] &&
                             !(is_distribution && subject->wanted[BEFORE] == WANTED_DEPENDENCY) &&
                             !(facts->is_container && after->is_defined);
        facts->is_wanted = subject->wanted[AFTER] != 0;
        facts->is_newly_wanted = subject->wanted[AFTER] && !subject->wanted[BEFORE] &&
                                 (facts->is_on || !subject_counts_as_on(comparison, subject));
        facts->refuses_start = unit_text_boolean(&after->text, "Unit", "RefuseManualStart") == 1 ||
                               (!after->is_defined && is_passive(subject));
        facts->is_startable = subject->type != UNIT_SLICE && subject->type != UNIT_DEVICE &&
                              subject->type != UNIT_SCOPE &&
                              !flag_is(subject, AFTER, "X-OnlyManualStart", 1) &&
                              !facts->refuses_start;
        const char *load_state = subject->state ? subject->state->load_state : "";
        bool is_no_unit = is(load_state, "not-found") || is(load_state, "bad-setting") ||
                          is(load_state, "error") ||
                          (is(load_state, "masked") && !before->is_masked);
        facts->is_absent = is_no_unit && is_distribution && !subject->enable[AFTER];
}

/* Type=oneshot, said or implied. */
static bool is_oneshot(const UnitText *text) {
        const char *type = unit_text_value(text, "Service", "Type");
        if (type)
                return is(type, "oneshot");
        return text->is_whole && !unit_text_value(text, "Service", "ExecStart") &&
               !unit_text_value(text, "Service", "BusName");
}

/* RestartSec=; systemd's own default where it is not set, or no time span. */
static uint64_t restart_delay(const UnitText *text) {
        enum { DEFAULT_USEC = 100 * 1000 };
        uint64_t usec = 0;
        const char *value = unit_text_value(text, "Service", "RestartSec");
        return value && time_span_parse(value, &usec) == 0 ? usec : DEFAULT_USEC;
}

bool subject_is_hurried(const Comparison *comparison, const Subject *subject) {
        enum { AT_ONCE_USEC = 1000 * 1000 };
        if (subject->type != UNIT_SERVICE || subject->units[BEFORE] == subject->units[AFTER] ||
                        !subject_has_sub_state(comparison, subject, "auto-restart"))
                return false;
        uint64_t before = restart_delay(text_of(subject, BEFORE)),
                 after = restart_delay(text_of(subject, AFTER));
        return after < before && after <= AT_ONCE_USEC;
}

/* The socket, were there one, of which this instance is a connection. */
static int find_connection(
                const Comparison *comparison, const Subject *subject, bool *ret_is_connection) {
        *ret_is_connection = false;
        if (subject->type != UNIT_SERVICE || !unit_name_is_instance(subject->name))
                return 0;
        const char *at = strchr(subject->name, '@');
        const char *name = arena_printf(comparison->arena, "%.*s.socket",
                        (int) (at - subject->name), subject->name);
        if (!name)
                return -ENOMEM;
        const Subject *socket = comparison_find(comparison, name);
        for (Side side = 0; socket && side < N_SIDES; side++)
                *ret_is_connection |=
                                unit_text_boolean(text_of(socket, side), "Socket", "Accept") == 1;
        return 0;
}

/* Sockets, timers and paths of the tree that start it. */
static void set_starters(const Comparison *comparison, const Subject *subject, UnitFacts *facts) {
        bool has_socket = false;
        for (const Edge *edge = subject->in; edge; edge = edge->next_in) {
                if (edge->kind != RELATION_TRIGGERS || !(edge->sides & 1u << AFTER) ||
                                !edge->from->units[AFTER]->is_defined ||
                                edge->from->units[AFTER]->is_masked)
                        continue;
                facts->is_started_by_others = true;
                has_socket |= edge->from->type == UNIT_SOCKET &&
                              subject_is_on(comparison, edge->from);
        }
        facts->is_socket_service = has_socket && subject->type == UNIT_SERVICE &&
                                   !subject->wanted[AFTER] &&
                                   !flag_is(subject, AFTER, "X-NotSocketActivated", 1);
}

/* Units under which a running host is never pulled away. */
static bool is_protected(const Subject *subject) {
        static const char *const names[] = { "dbus.service", "dbus-broker.service",
                "systemd-logind.service", "display-manager.service", "console-getty.service",
                "sysswitch.service" };
        static const char *const prefixes[] = { "user@", "user-runtime-dir@", "getty@",
                "serial-getty@", "container-getty@", "sysswitch-", "sysswitch@" };
        if (subject->type != UNIT_SERVICE)
                return false;
        for (size_t i = 0; i < N_ELEMENTS(names); i++)
                if (subject_has_name(subject, names[i]))
                        return true;
        for (size_t i = 0; i < N_ELEMENTS(prefixes); i++)
                if (strncmp(subject->name, prefixes[i], strlen(prefixes[i])) == 0)
                        return true;
        return false;
}

/* By the new text; of a distribution unit, as the manager says. A systemd that does not know
 * Type=notify-reload says of a unit that has it for long that it cannot. */
static bool can_reload(const Subject *subject) {
        if (subject->type == UNIT_MOUNT)
                return true;
        if (subject->type != UNIT_SERVICE)
                return false;
        const UnitText *text = text_of(subject, AFTER);
        if (unit_text_value(text, "Service", "ExecReload"))
                return true;
        int live = subject->state ? subject->state->can_reload : -1;
        const char *type = unit_text_value(text, "Service", "Type");
        if (type && is(type, "notify-reload")) {
                const char *old = unit_text_value(text_of(subject, BEFORE), "Service", "Type");
                return !(live == 0 && old && is(old, type));
        }
        return !text->is_whole && live != 0;
}

static SwitchMethod method_of(const Subject *subject) {
        const char *value = unit_text_flag(text_of(subject, AFTER), "X-SwitchMethod");
        if (!value)
                return METHOD_NOT_SET;
        return is(value, "keep-old")     ? METHOD_KEEP_OLD
               : is(value, "reload")     ? METHOD_RELOAD
               : is(value, "restart")    ? METHOD_RESTART
               : is(value, "stop-start") ? METHOD_STOP_START
                                         : METHOD_NOT_SET; /* of no source: that is refused */
}

static void set_flags(const Subject *subject, UnitFacts *facts) {
        static const struct {
                const char *key;
                int value;
                const char *shown;
        } no_restart[] = {
                { "X-RestartIfChanged", 0, "X-RestartIfChanged=no" },
                { "RefuseManualStop", 1, "RefuseManualStop=yes" },
                { "RefuseManualStart", 1, "RefuseManualStart=yes" },
                { "X-OnlyManualStart", 1, "X-OnlyManualStart=yes" },
        };
        facts->method = method_of(subject);
        facts->reload_if_changed = flag_is(subject, AFTER, "X-ReloadIfChanged", 1);
        facts->stop_if_changed = unit_text_flag_boolean(text_of(subject, AFTER), "X-StopIfChanged");
        for (size_t i = 0; !facts->no_restart && i < N_ELEMENTS(no_restart); i++)
                if (flag_is(subject, AFTER, no_restart[i].key, no_restart[i].value))
                        facts->no_restart = no_restart[i].shown;
}

static bool is_type_wide_only(const Subject *subject) {
        bool reaches = false;
        for (Side side = 0; side < N_SIDES; side++) {
                const Unit *unit = subject->units[side];
                if (unit->is_defined || unit->is_masked ||
                                (unit->text.n_parts > 0 && !unit->is_type_wide))
                        return false;
                reaches |= unit->is_type_wide;
        }
        return reaches;
}

static bool is_once_only(const UnitText *text) {
        static const char *const again[] = { "OnCalendar", "OnUnitActiveSec", "OnUnitInactiveSec",
                "OnClockChange", "OnTimezoneChange" };
        for (size_t i = 0; i < N_ELEMENTS(again); i++)
                if (unit_text_value(text, "Timer", again[i]))
                        return false;
        return true;
}

static void set_debt(const Subject *subject, UnitFacts *facts) {
        const Debt *debt = subject->debt;
        facts->has_debt = debt && debt->cause != DEBT_HELD_DOWN &&
                          (!subject_is_unknown(subject) || debt->verb == VERB_STOP);
        facts->owed = debt ? debt->verb : VERB_SKIP;
}

static int find_container(
                const Comparison *comparison, const Subject *subject, const char **ret_name) {
        const PlanInput *input = comparison->input;
        if (comparison->is_user || subject->type != UNIT_SERVICE)
                return 0;
        return container_of_unit(
                        comparison->arena, input->before, input->after, subject->name, ret_name);
}

static bool same_part(const TextPart *left, const TextPart *right) {
        return left->file == right->file &&
               (left->file || strcmp(left->identity, right->identity) == 0);
}

/* By which text of sysswitch it was written; "": by one before there were names for them. */
static const char *template_of(const Subject *subject, Side side) {
        const char *name = unit_text_value(text_of(subject, side), "Unit", CONTAINER_TEMPLATE_KEY);
        return name ? name : "";
}

/* All that its unit is made of is declared as it was, and another version of sysswitch writes it
 * otherwise. Of its own settings one would have fired. */
static bool is_rewritten(const Comparison *comparison, const Subject *subject, const char *name) {
        const Tree *trees[N_SIDES] = { comparison->input->before, comparison->input->after };
        const UnitText *before = text_of(subject, BEFORE), *after = text_of(subject, AFTER);
        const char *roots[N_SIDES];
        if (!before->is_whole || !after->is_whole || before->n_parts != after->n_parts)
                return false;
        for (Side side = 0; side < N_SIDES; side++) {
                const ContainerRule *rule = container_rule(comparison->pair->confs[side], name);
                roots[side] = rule && rule->root ? rule->root : "";
                if (!container_settings(trees[side], name))
                        return false;
        }
        for (size_t i = 1; i < after->n_parts; i++)
                if (!same_part(before->parts[i], after->parts[i]))
                        return false;
        return is(roots[BEFORE], roots[AFTER]) &&
               !is(template_of(subject, BEFORE), template_of(subject, AFTER));
}

int facts_of(const Comparison *comparison, Subject *subject, Judgement *judgement) {
        UnitFacts *facts = &judgement->facts;
        const Trigger *trigger = subject->trigger;
        *facts = (UnitFacts){ .type = subject->type };
        if (find_container(comparison, subject, &judgement->container) < 0 ||
                        change_of(comparison, subject, &judgement->change) < 0 ||
                        find_connection(comparison, subject, &facts->is_connection) < 0)
                return -ENOMEM;
        facts->is_on = subject_is_on(comparison, subject);
        facts->is_failed = subject_is_failed(comparison, subject);
        facts->is_activating = subject_is_activating(comparison, subject);
        facts->is_automount_in_use = subject->type == UNIT_AUTOMOUNT &&
                                     subject_has_sub_state(comparison, subject, "running");
        facts->is_elapsed_timer = subject->type == UNIT_TIMER &&
                                  subject_has_sub_state(comparison, subject, "elapsed");
        facts->is_hurried = subject_is_hurried(comparison, subject);
        facts->is_container = judgement->container != NULL;
        set_presence(comparison, subject, facts);
        facts->change = judgement->change.level;
        facts->change_has_options = judgement->change.has_options;
        facts->is_ended_by_reload = judgement->change.is_ended;
        facts->restart_trigger = trigger && trigger->restart.what;
        facts->reload_trigger = trigger && trigger->reload.what;
        facts->trigger_starts = trigger && trigger->starts;
        facts->is_once_only = subject->type == UNIT_TIMER && is_once_only(text_of(subject, AFTER));
        facts->is_type_wide_only = is_type_wide_only(subject);
        bool by_old_text = facts->is_on && subject->units[BEFORE]->text.is_whole;
        facts->is_oneshot = subject->type == UNIT_SERVICE &&
                            is_oneshot(text_of(subject, by_old_text ? BEFORE : AFTER));
        facts->remains = unit_text_boolean(text_of(subject, AFTER), "Service", "RemainAfterExit") ==
                         1;
        set_starters(comparison, subject, facts);
        facts->is_protected = is_protected(subject);
        facts->can_reload = can_reload(subject);
        set_flags(subject, facts);
        if (!facts->no_restart && !facts->restart_trigger && facts->is_container &&
                        is_rewritten(comparison, subject, judgement->container))
                facts->no_restart = "this version of sysswitch writes its unit otherwise";
        set_debt(subject, facts);
        return 0;
}

/* BindsTo= of a unit that is off, which the daemon-reload would answer by a stop. */
static const char *bound_cause(const Comparison *comparison, const Subject *subject) {
        for (const Edge *edge = subject->out; edge; edge = edge->next_out)
                if (edge->kind == RELATION_BINDS_TO && edge->sides == 1u << AFTER)
                        return arena_printf(comparison->arena, "newly BindsTo=%s, which is off",
                                        edge->to->name);
        return "newly bound to a unit that is off";
}

int facts_cause(const Comparison *comparison,
                const Subject *subject,
                const Judgement *judgement,
                Chain *ret_chain) {
        const UnitFacts *facts = &judgement->facts;
        const Change *change = &judgement->change;
        const Trigger *trigger = subject->trigger;
        Verdict wish = judgement->decision.change->verdict;
        if (facts->is_newly_bound && wish == VERDICT_STOP_START)
                return chain_set(comparison->arena, ret_chain, bound_cause(comparison, subject),
                                CHAIN_END);
        bool text_counts = change->level > CHANGE_LIVE && subject->type != UNIT_TARGET &&
                           !facts->is_type_wide_only;
        if (facts->is_container && facts->restart_trigger) /* who wrote that did not write a unit */
                text_counts = false;
        bool by_reload_trigger = facts->reload_trigger &&
                                 (wish == VERDICT_RELOAD || !facts->restart_trigger);
        if (text_counts && !(by_reload_trigger && facts->no_restart && wish == VERDICT_RELOAD))
                return chain_set(comparison->arena, ret_chain, change->reasons[0],
                                change->n_reasons > 1 ? change->reasons[1] : NULL, CHAIN_END);
        const TriggerReason *reason = !trigger            ? NULL
                                      : by_reload_trigger ? &trigger->reload
                                                          : &trigger->restart;
        if (reason && reason->what)
                return chain_set(
                                comparison->arena, ret_chain, reason->what, reason->why, CHAIN_END);
        return chain_set(comparison->arena, ret_chain, CHAIN_END);
}
