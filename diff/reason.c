/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why each unit acts, in short and exact words, nearest cause first. */
#include "diff/container.h"
#include "diff/judge.h"

#include <errno.h>
#include <string.h>

static const char *removed(Arena *arena, const Subject *subject) {
        const TextPart *part = subject->units[BEFORE]->text.parts[0];
        return arena_printf(arena, "%s%s removed", part->prefix, part->path);
}

static int explain_down(Judge *judge, const Subject *subject, Chain *chain) {
        const UnitFacts *facts = &subject->judgement->facts;
        const char *what = "no longer wanted", *why = NULL;
        if (facts->is_gone)
                what = removed(judge->arena, subject);
        else if (facts->is_masked && !facts->was_masked)
                what = "masked";
        else if (facts->is_disabled && !facts->was_disabled)
                what = "Disable= in profile.conf";
        else if (facts->has_debt)
                what = "owed: its stop failed in a switch before";
        if (subject->judgement->skips)
                why = subject->judgement->decision.rule->reason;
        return what ? chain_set(judge->arena, chain, why, what, CHAIN_END) : -ENOMEM;
}

static int explain_wanted(Judge *judge, const Subject *subject, Chain *chain) {
        const Subject *by = subject->judgement->pulled_by;
        const char *why = by ? arena_printf(judge->arena, "by %s", by->name)
                             : "Enable= in profile.conf";
        return why ? chain_set(judge->arena, chain, "newly wanted", why, CHAIN_END) : -ENOMEM;
}

static int explain_debt(Judge *judge, const Subject *subject, Chain *chain) {
        const Debt *debt = subject->debt;
        static const char *const causes[] = { [DEBT_SKIPPED] = "was skipped",
                [DEBT_FAILED] = "failed",
                [DEBT_TIMEOUT] = "timed out",
                [DEBT_HELD_DOWN] = "was held down" };
        const char *what = arena_printf(judge->arena, "owed: its %s %s in a switch before",
                        verb_to_string(debt->verb), causes[debt->cause]);
        return what ? chain_set(judge->arena, chain, what, CHAIN_END) : -ENOMEM;
}

/* What the user wrote, where a flag is one of those that are rendered for a container. */
static const char *as_written(const Judge *judge, const Judgement *judgement, const char *reason) {
        static const char *const flags[] = {
                [ON_CHANGE_ACTIVATE] = "X-RestartIfChanged=no",
                [ON_CHANGE_NONE] = "X-SwitchMethod=keep-old",
        };
        static const char *const written[] = {
                [ON_CHANGE_ACTIVATE] = "OnChange=activate",
                [ON_CHANGE_NONE] = "OnChange=none",
        };
        const ContainerRule *rule =
                        judgement->container ? container_rule(judge->comparison->pair->confs[AFTER],
                                                               judgement->container)
                                             : NULL;
        OnChange change = rule ? rule->on_change : ON_CHANGE_DYNAMIC;
        return reason && flags[change] && strcmp(reason, flags[change]) == 0 ? written[change]
                                                                             : reason;
}

/* A reload was asked for, and a restart comes of it: why; NULL: none was, or none does. */
static const char *why_no_reload(const Subject *subject, const Chain *cause) {
        const UnitFacts *facts = &subject->judgement->facts;
        const UnitText *text = &subject->units[AFTER]->text;
        const TriggerReason *reload = subject->trigger ? &subject->trigger->reload : NULL;
        bool is_asked = facts->method == METHOD_RELOAD || facts->reload_if_changed ||
                        (reload && reload->what && cause->n > 0 && cause->items[0] == reload->what);
        if (!is_asked || subject->judgement->decision.change->verdict != VERDICT_RESTART)
                return NULL;
        if (facts->can_reload)
                return facts->is_activating ? "it is still starting" : NULL;
        const char *type = unit_text_value(text, "Service", "Type");
        bool lacks_key = subject->type == UNIT_SERVICE && text->is_whole &&
                         !(type && strcmp(type, "notify-reload") == 0);
        return lacks_key ? "it has no ExecReload=" : "it cannot reload";
}

/* What changed or fired, and the rule that makes this of it. */
static int explain_change(Judge *judge, const Subject *subject, const char *more, Chain *chain) {
        const Judgement *judgement = subject->judgement;
        Chain cause = { 0 };
        if (facts_cause(judge->comparison, subject, judgement, &cause) < 0)
                return -ENOMEM;
        const char *reason = judgement->decision.change->reason;
        const char *first = cause.n > 0 ? cause.items[0] : NULL,
                   *second = cause.n > 1 ? cause.items[1] : NULL;
        if (!judgement->skips && !more && !reason)
                more = why_no_reload(subject, &cause);
        if (decision_leaves_restart(&judgement->decision))
                subject->judgement->leaves_restart =
                                as_written(judge, judgement, judgement->facts.no_restart);
        if (!judgement->skips)
                return chain_set(judge->arena, chain, first, second, more ? more : reason,
                                CHAIN_END);
        if (!reason)
                reason = judgement->facts.no_restart;
        return chain_set(judge->arena, chain, as_written(judge, judgement, reason), first, second,
                        CHAIN_END);
}

/* What a container that is off does not act on. */
static int explain_off(Judge *judge, const Subject *subject, Chain *chain) {
        const Judgement *judgement = subject->judgement;
        Chain cause = { 0 };
        if (facts_cause(judge->comparison, subject, judgement, &cause) < 0)
                return -ENOMEM;
        return chain_set(judge->arena, chain, judgement->decision.rule->reason,
                        cause.n > 0 ? cause.items[0] : NULL, cause.n > 1 ? cause.items[1] : NULL,
                        CHAIN_END);
}

/* By the row of the unit table that decided. */
static int explain_rule(Judge *judge, const Subject *subject, Chain *chain) {
        const Judgement *judgement = subject->judgement;
        const UnitFacts *facts = &judgement->facts;
        Verdict verdict = judgement->decision.rule->verdict;
        if (verdict == VERDICT_AS_CHANGED)
                return explain_change(judge, subject, NULL, chain);
        if (verdict == VERDICT_SKIP && facts->is_container && !facts->is_on)
                return explain_off(judge, subject, chain);
        if (verdict != VERDICT_START)
                return facts->has_debt && verdict != VERDICT_STOP && verdict != VERDICT_STOP_LATE &&
                                                       verdict != VERDICT_SKIP
                                       ? explain_debt(judge, subject, chain)
                                       : explain_down(judge, subject, chain);
        if (facts->is_newly_wanted && facts->is_pulled)
                return explain_wanted(judge, subject, chain);
        if (facts->may_return)
                return chain_set(judge->arena, chain, "taken down by a switch before",
                                "what it hangs on is up again", CHAIN_END);
        if (facts->trigger_starts)
                return explain_change(judge, subject, "it runs at boot", chain);
        if (facts->has_debt)
                return explain_debt(judge, subject, chain);
        return explain_change(judge, subject,
                        facts->is_failed ? "it had failed" : "it ran and ended", chain);
}

static int explain(Judge *judge, const Subject *subject) {
        Judgement *judgement = subject->judgement;
        Chain *stop = &judgement->stop_reasons, *rest = &judgement->reasons;
        if (stop->n > 0) { /* set where it was made to stop: by others */
                const char *more = judgement->came_along ? "it comes back" : NULL;
                return chain_set(judge->arena, rest, stop->items[0],
                                stop->n > 1 ? stop->items[1] : NULL, more, CHAIN_END);
        }
        if (explain_rule(judge, subject, rest) < 0)
                return -ENOMEM;
        *stop = *rest;
        return 0;
}

int judge_explain(Judge *judge) {
        for (size_t i = 0; i < judge->n_subjects; i++) {
                const Judgement *judgement = judge->subjects[i]->judgement;
                bool acts = judgement->stops || judgement->starts || judgement->restarts ||
                            judgement->reloads || judgement->skips;
                if (acts && explain(judge, judge->subjects[i]) < 0)
                        return -ENOMEM;
        }
        return 0;
}
