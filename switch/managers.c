/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/managers.h"

#include <errno.h>

typedef struct Manager {
        Systemd *systemd; /* owned for users; the system's is the host's */
        uint32_t uid;     /* of users */
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
        manager->uid = user->uid;
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
        if (host_has_units(host)) {
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

static Manager *nth_manager(Managers *managers, size_t nth) {
        return nth == 0 ? &managers->system : &managers->users[nth - 1];
}

int managers_before(Managers *managers,
                Arena *arena,
                const UnitBefore **ret_units,
                size_t *ret_n_units,
                Error *reterr) {
        UnitBefore *all = NULL;
        size_t n_all = 0;
        for (size_t nth = 0; nth <= managers->n_users; nth++) {
                const Manager *manager = nth_manager(managers, nth);
                const UnitBefore *units = NULL;
                size_t n_units = 0;
                if (!manager->run)
                        continue;
                if (plan_run_before(manager->run, &units, &n_units) < 0)
                        return error_oom(reterr);
                all = arena_grow(arena, all, n_all, n_all + n_units, sizeof(UnitBefore));
                if (!all)
                        return error_oom(reterr);
                for (size_t i = 0; i < n_units; i++) {
                        all[n_all] = units[i];
                        all[n_all++].uid = nth == 0 ? UINT32_MAX : manager->uid;
                }
        }
        *ret_units = all;
        *ret_n_units = n_all;
        return 0;
}

/* Its user logged out: the next one reads the new files. */
static bool has_gone(const Manager *manager) {
        cleanup(systemd_closep) Systemd *systemd = NULL;
        Error ignored;
        int r = systemd_connect_user(manager->uid, &systemd, &ignored);
        return r == -ENOENT || r == -ECONNREFUSED;
}

typedef int (*RunStep)(PlanRun *run, Error *reterr);

/* Looked for before, as one that executes itself anew would be waited for. */
static int step_user(Manager *manager, RunStep step, Error *reterr) {
        if (!manager->run)
                return 0;
        int r = 0;
        bool is_gone = has_gone(manager);
        if (!is_gone) {
                r = step(manager->run, reterr);
                is_gone = r < 0 && has_gone(manager);
        }
        if (is_gone)
                manager->run = plan_run_free(manager->run);
        return is_gone ? 0 : r;
}

/* The first error is kept, the other managers still get their turn: none is left half-way for
 * another's sake. */
static int each(Managers *managers, RunStep step, Error *reterr) {
        int result = managers->system.run ? step(managers->system.run, reterr) : 0;
        for (size_t i = 0; i < managers->n_users; i++) {
                int r = step_user(&managers->users[i], step, result < 0 ? NULL : reterr);
                if (result >= 0)
                        result = r;
        }
        return result;
}

int managers_stop(Managers *managers, Error *reterr) {
        return each(managers, plan_run_stop, reterr);
}

int managers_activate(Managers *managers, Error *reterr) {
        return each(managers, plan_run_activate, reterr);
}

int managers_report(Managers *managers,
                Report **ret_report,
                Report ***ret_user_reports,
                Error *reterr) {
        Report **users = calloc(managers->n_users + 1, sizeof(Report *));
        if (!users)
                return error_oom(reterr);
        *ret_user_reports = users;
        int result = 0;
        if (managers->system.run)
                result = plan_run_report(managers->system.run, ret_report, reterr);
        for (size_t i = 0; i < managers->n_users; i++) {
                Manager *manager = &managers->users[i];
                if (!manager->run || has_gone(manager))
                        continue;
                int r = plan_run_report(manager->run, &users[i], result < 0 ? NULL : reterr);
                if (r < 0 && has_gone(manager))
                        users[i] = report_free(users[i]);
                else if (result >= 0)
                        result = r;
        }
        return result;
}
