/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reboot and activation are acts of systemd's on the container's unit, as a switch has them done.
 */

#include "activate/run_plan.h"
#include "base/clock.h"
#include "diff/quote.h"
#include "switch/container_verbs.h"
#include "switch/container_view.h"
#include "switch/engine.h"
#include "switch/output.h"
#include "switch/recovery.h"
#include "switch/summary.h"

#include <errno.h>

typedef struct Act {
        Verb verb;
        Phase phase;
        const char *name, *past;
} Act;

/* An open switch may still take another tree away: its own acts come first. */
static int open_host(const Act *act, const char *container, Host *host, Error *reterr) {
        char what[128];
        (void) snprintf(what, sizeof(what), "container %s %.64s", act->name, container); /* fits */
        int r = host_open("/", "system", DATABASE_READ, host, reterr);
        if (r >= 0)
                r = host_connect(host, reterr);
        if (r >= 0)
                r = host_lock(host, what, reterr);
        if (r >= 0)
                r = recovery_is_needed(host, reterr);
        return r > 0 ? error_set(reterr, -EBUSY,
                                       "A switch is open: sysswitch confirm, rollback or recover "
                                       "ends it")
                     : r;
}

static void add_log(const char *const *log, size_t n_log, Text *text) {
        for (size_t i = 0; i < n_log; i++) {
                text_add(text, "  ");
                text_add_line(text, log[i]);
                text_add(text, "\n");
        }
}

static int tell(const Options *options,
                const Act *act,
                const ContainerView *view,
                const Report *report,
                uint64_t duration_usec,
                Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        size_t n_caused = report_n_caused(report);
        if (n_caused == 0) {
                text_addf(&text, "Container %s was %s, in ", view->name, act->past);
                text_add_span(&text, duration_usec);
                text_add(&text, ".\n");
                if (!text.error && !option_is_given(options, OPTION_QUIET))
                        (void) fputs(text.data, stdout); /* output_close() tells */
                return EXIT_DONE;
        }
        const ActionReport *action = &report->actions[0];
        const UnitFailure *failure = report->n_failures > 0 ? &report->failures[0] : NULL;
        text_addf(&text, "%s: ", view->unit);
        if (failure)
                add_failure_state(failure, &text);
        else
                text_add_line(&text, action->message ? action->message
                                                     : job_outcome_to_string(action->outcome));
        text_add(&text, "\n");
        add_log(failure ? failure->log : action->log, failure ? failure->n_log : action->n_log,
                        &text);
        if (text.error >= 0)
                (void) fputs(text.data, stderr); /* there is nowhere else to tell it */
        return error_set(reterr, -ECHILD, "Container %s was not %s", view->name, act->past);
}

static int
run(const Options *options, const Act *act, Host *host, const ContainerView *view, Error *reterr) {
        static const char *const reasons[] = { "asked for" };
        UnitAction action = { .unit = view->unit,
                .verb = act->verb,
                .phase = act->phase,
                .reasons = reasons,
                .n_reasons = N_ELEMENTS(reasons) };
        const UnitPlan plan = { .actions = &action, .n_actions = 1 };
        const RunOptions run_options = { .timeout_usec = options->timeout_usec };
        cleanup(plan_run_freep) PlanRun *plan_run = NULL;
        cleanup(report_freep) Report *report = NULL;
        uint64_t begin_usec = now_usec();
        int r = plan_run_new(host->systemd, &plan, &run_options, &plan_run, reterr);
        if (r >= 0)
                r = plan_run_activate(plan_run, reterr);
        uint64_t duration_usec = now_usec() - begin_usec;
        if (r >= 0)
                r = plan_run_report(plan_run, &report, reterr);
        return r < 0 ? r : tell(options, act, view, report, duration_usec, reterr);
}

static int act_on(const Options *options, const Act *act, const char *name, Error *reterr) {
        cleanup(host_donep) Host host;
        cleanup(container_views_donep) ContainerViews views = { 0 };
        const ContainerView *view;
        int r = open_host(act, name, &host, reterr);
        if (r >= 0)
                r = container_views_find(&host, &views, reterr);
        if (r >= 0)
                r = container_view_of(&views, name, &view, reterr);
        if (r < 0)
                return r;
        if (!view->is_declared)
                return error_set(reterr, -ENOENT, "Container %s is not declared any more", name);
        if (view->look.leader == 0)
                return error_set(reterr, -ENOENT, "Container %s does not run: systemctl start %s",
                                name, view->unit);
        return run(options, act, &host, view, reterr);
}

int container_reboot(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) n_arguments; /* it is one */
        static const Act act = { VERB_RESTART, PHASE_RESTART, "reboot", "rebooted" };
        return act_on(options, &act, arguments[0], reterr);
}

int container_activate(
                const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) n_arguments; /* it is one */
        static const Act act = { VERB_RELOAD, PHASE_RELOAD, "activate", "activated" };
        return act_on(options, &act, arguments[0], reterr);
}
