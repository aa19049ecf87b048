/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/managers.h"

#include <errno.h>

typedef struct Manager {
        Systemd *systemd; /* owned for users; the system's is the host's */
        PlanRun *run;     /* NULL: nothing to do here, or the manager has gone */
} Manager;

struct Managers {
        Manager system;
        Manager *users;
        size_t n_users;
};

Managers *managers_free(Managers *managers) {
        if (!managers)
                return NULL;
        managers->system.run = plan_run_free(managers->system.run);
        for (size_t i = 0; i < managers->n_users; i++) {
                managers->users[i].run = plan_run_free(managers->users[i].run);
                managers->users[i].systemd = systemd_close(managers->users[i].systemd);
        }
        free(managers->users);
        free(managers);
        return NULL;
}

static bool user_plan_is_empty(const UserPlan *user) {
        return user->units.n_actions == 0 && user->units.daemon == DAEMON_NONE;
}

static int add_user(
                Manager *manager, const UserPlan *user, const RunOptions *options, Error *reterr) {
        if (user_plan_is_empty(user))
                return 0;
        int r = systemd_connect_user(user->uid, &manager->systemd, reterr);
        if (r == -ENOENT || r == -ECONNREFUSED)
                return 0; /* logged out since the plan was made: the next manager reads the new
                             files */
        if (r < 0)
                return error_prefix(reterr, "Manager of user %u", user->uid);
        return plan_run_new(manager->systemd, &user->units, options, &manager->run, reterr);
}

int managers_new(Host *host,
                const Prepared *prepared,
                const RunOptions *options,
                Managers **ret_managers,
                Error *reterr) {
        const Plan *plan = prepared->plan;
        cleanup(managers_freep) Managers *managers = calloc(1, sizeof(Managers));
        if (!managers)
                return error_oom(reterr);
        if (!host->is_image) {
                int r = plan_run_new(host->systemd, &plan->units, options, &managers->system.run,
                                reterr);
                if (r < 0)
                        return r;
                managers->users = calloc(plan->n_users + 1, sizeof(Manager));
                if (!managers->users)
                        return error_oom(reterr);
                managers->n_users = plan->n_users;
        }
        for (size_t i = 0; i < managers->n_users; i++) {
                int r = add_user(&managers->users[i], &plan->users[i], options, reterr);
                if (r < 0)
                        return r;
        }
        *ret_managers = TAKE(managers);
        return 0;
}

typedef int (*RunStep)(PlanRun *run, Error *reterr);

/* The first error is kept, the other managers still get their turn: none is left half-way for
 * another's sake. */
static int each(Managers *managers, RunStep step, Error *reterr) {
        int result = managers->system.run ? step(managers->system.run, reterr) : 0;
        for (size_t i = 0; i < managers->n_users; i++) {
                if (!managers->users[i].run)
                        continue;
                int r = step(managers->users[i].run, result < 0 ? NULL : reterr);
                if (result >= 0)
                        result = r;
        }
        return result;
}

int managers_stop(Managers *managers, Error *reterr) {
        return each(managers, plan_run_stop, reterr);
}

int managers_restore(Managers *managers, Error *reterr) {
        return each(managers, plan_run_restore, reterr);
}

int managers_activate(Managers *managers, Error *reterr) {
        return each(managers, plan_run_activate, reterr);
}

int managers_report(Managers *managers,
                Report **ret_report,
                Report ***ret_user_reports,
                Error *reterr) {
        cleanup(report_freep) Report *report = NULL;
        if (managers->system.run) {
                int r = plan_run_report(managers->system.run, &report, reterr);
                if (r < 0)
                        return r;
        }
        Report **users = calloc(managers->n_users + 1, sizeof(Report *));
        if (!users)
                return error_oom(reterr);
        for (size_t i = 0; i < managers->n_users; i++) {
                if (!managers->users[i].run)
                        continue;
                int r = plan_run_report(managers->users[i].run, &users[i], reterr);
                if (r < 0) {
                        for (size_t j = 0; j < i; j++)
                                report_free(users[j]);
                        free(users);
                        return r;
                }
        }
        *ret_report = TAKE(report);
        *ret_user_reports = users;
        return 0;
}
