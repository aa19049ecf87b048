/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/engine.h"

#include "activate/bundle_prune.h"
#include "activate/bundle_store.h"
#include "activate/fit.h"
#include "switch/boot_entries.h"
#include "switch/containers.h"
#include "switch/gone_units.h"
#include "switch/hooks.h"
#include "switch/managers.h"
#include "switch/module_index.h"
#include "switch/output.h"
#include "switch/preflight.h"
#include "switch/recovery.h"
#include "switch/startup.h"
#include "switch/stop_request.h"
#include "switch/store.h"
#include "switch/target.h"
#include "switch/tools.h"
#include "switch/trial.h"
#include "switch/window.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

typedef struct Engine {
        const EngineOptions *options;
        Host *host;
        Prepared *prepared; /* the result's */
        EngineResult *result;
        Managers *managers;
        SwitchRecord record;
        LaidContainers containers;
} Engine;

static void say(const Engine *engine, const char *format, ...) printf_like(2, 3);
static void say(const Engine *engine, const char *format, ...) {
        if (!engine->options->step)
                return;
        char text[256];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(text, sizeof(text), format,
                        arguments); /* cut when too long: it is only told */
        va_end(arguments);
        engine->options->step(engine->options->userdata, text);
}

int engine_dry_run(Host *host,
                const char *reference,
                const EngineOptions *options,
                Prepared **ret_prepared,
                Error *reterr) {
        int r = host_connect(host, reterr);
        if (r >= 0)
                r = recovery_is_needed(host, reterr);
        bool is_open = r > 0;
        if (is_open)
                r = window_refuse(host, reterr);
        if (is_open && r == 0)
                return error_set(reterr, -EBUSY,
                                "A switch is under way, or was interrupted (sysswitch status): "
                                "what the next one does depends on how that ends");
        return r < 0 ? r : target_plan(host, reference, options, ret_prepared, reterr);
}

static int plan_switch(Engine *engine, const char *reference, Error *reterr) {
        int r = target_plan(engine->host, reference, engine->options, &engine->result->prepared,
                        reterr);
        if (r != 0)
                return r;
        engine->prepared = engine->result->prepared;
        engine->result->from_number = engine->result->to_number = engine->prepared->from_number;
        return preflight_refuse(engine->prepared, reterr);
}

static int stage(Engine *engine, Error *reterr) {
        int r = tools_make_users(engine->host, engine->prepared, engine->options, reterr);
        if (r < 0)
                return r;
        const UnitBefore *units = NULL;
        size_t n_units = 0;
        r = managers_before(engine->managers, &engine->prepared->arena, &units, &n_units, reterr);
        if (r < 0)
                return r;
        char id[24], from[24], to[24];
        (void) snprintf(id, sizeof(id), "%lld", (long long) engine->record.id); /* all three fit */
        (void) snprintf(from, sizeof(from), "%lld", (long long) engine->record.from_number);
        (void) snprintf(to, sizeof(to), "%lld", (long long) engine->record.to_number);
        const FitOptions options = {
                .contents = engine->host->contents,
                .owners = engine->host->owners,
                .switch_id = id,
                .from = from,
                .to = to,
                .units = units,
                .n_units = n_units,
        };
        /* what an earlier commit left to be done; or it would go with an undo of this switch */
        r = initrds_settle(engine->host, true, reterr);
        if (r >= 0)
                r = containers_lay(engine->host, engine->prepared, &engine->containers, reterr);
        if (r >= 0)
                r = store_sync(engine->host, reterr); /* or it is synced with what is staged */
        if (r >= 0)
                r = fit_stage(&engine->host->etc, engine->prepared->fit, &options, reterr);
        return r < 0 ? r : store_staged(engine->host, &engine->record, reterr);
}

static void tell_kept(const Engine *engine, const Strv *kept) {
        for (size_t i = 0; i < kept->n_items; i++)
                say(engine, "Kept beside, for it came meanwhile: %s", kept->items[i]);
}

static RunOptions run_options(const Engine *engine) {
        return (RunOptions){
                .timeout_usec = engine->options->timeout_usec,
                .progress = engine->options->progress,
                .should_stop = stop_request_is_made,
                .userdata = engine->options->userdata,
        };
}

/* What takes something back is not stopped: that would be neither the one nor the other. */
static RecoveryOptions recovery_options(
                const Engine *engine, const char *message, int exit_status) {
        RunOptions run = run_options(engine);
        run.should_stop = NULL;
        return (RecoveryOptions){
                .message = message,
                .exit_status = exit_status,
                .run = run,
        };
}

static void tell_recovery(const Engine *engine, const Recovery *recovery) {
        tell_kept(engine, &recovery->kept);
        if (recovery->index_error)
                say(engine, "%s", recovery->index_error);
        if (recovery->initrd_error)
                say(engine, "%s", recovery->initrd_error);
        for (size_t i = 0; i < recovery->n_failed; i++)
                say(engine, "%s did not come back: %s", recovery->failed[i].unit,
                                recovery->failed[i].reason);
}

/* Takes everything back that was done so far; what cannot be is said, and needs a person. */
static int undo(Engine *engine, Error *reterr) {
        Error second;
        say(engine, "Undoing: %s", reterr->message);
        engine->managers = managers_free(engine->managers); /* what they wait for is given up */
        if (engine->options->confirm_usec > 0)
                window_disarm(engine->host);
        const RecoveryOptions options =
                        recovery_options(engine, reterr->message, engine->result->exit_status);
        cleanup(recovery_donep) Recovery recovery;
        int r = recovery_run(engine->host, &options, &recovery, &second);
        tell_recovery(engine, &recovery);
        if (r < 0) {
                engine->result->exit_status = EXIT_NEEDS_RECOVER;
                const Error first = *reterr;
                return error_set(reterr, -EUCLEAN,
                                "%s; and undoing it: %s: sysswitch recover tries again",
                                first.message, second.message);
        }
        const Error first = *reterr;
        if (recovery.n_failed > 0)
                (void) error_set(reterr, first.code,
                                "%s; the switch was undone, but %s%s did not come back",
                                first.message, recovery.failed[0].unit,
                                recovery.n_failed > 1 ? " and others" : "");
        else
                (void) error_set(reterr, first.code, "%s; the switch was undone", first.message);
        return first.code;
}

/* After the flip nothing returns early, unless the whole is to be undone: each step is tried, and
 * what fails is told with the result. */
static void activate(Engine *engine) {
        Error error;
        EngineResult *result = engine->result;
        if (engine->host->is_starting) {
                if (startup_take_over(engine->host, engine->prepared->fit, &error) < 0)
                        engine_result_warn(engine->result, error.message);
                return;
        }
        if (tools_apply_tmpfiles(engine->host, engine->prepared, engine->options, &error) < 0)
                engine_result_warn(engine->result, error.message);
        const HookOptions hooks = {
                .verb = engine->options->verb,
                .from_number = engine->record.from_number,
                .to_number = engine->record.to_number,
                .timeout_usec = engine->options->timeout_usec,
                .step = engine->options->step,
                .output = engine->options->output,
                .userdata = engine->options->userdata,
        };
        if (hooks_run(engine->host, engine->prepared, &hooks, &error) < 0)
                engine_result_warn(engine->result, error.message);
        if (!engine->managers || stop_request_is_made())
                return;
        if (managers_activate(engine->managers, &error) < 0)
                engine_result_warn(engine->result, error.message);
        if (stop_request_is_made())
                return;
        if (managers_report(engine->managers, &result->report, &result->user_reports, &error) < 0)
                engine_result_warn(engine->result, error.message);
        result->n_user_reports = result->user_reports ? engine->prepared->plan->n_users : 0;
        if (result->report && report_n_caused(result->report) > 0)
                result->exit_status = EXIT_UNITS_FAILED;
        for (size_t i = 0; i < result->n_user_reports; i++)
                if (result->user_reports[i] && report_n_caused(result->user_reports[i]) > 0)
                        result->exit_status = EXIT_UNITS_FAILED;
}

static int commit(Engine *engine, Error *reterr) {
        int status = engine->result->exit_status;
        Error ignored;
        engine->result->exit_status = EXIT_NEEDS_RECOVER;
        int r = fit_commit(&engine->host->etc, reterr);
        if (r < 0 && manifest_is_there(&engine->host->etc, &ignored) > 0) {
                engine->result->exit_status = EXIT_ROLLED_BACK;
                return undo(engine, reterr);
        }
        if (r < 0)
                return error_prefix(reterr, "Generation %lld is active but could not be committed",
                                (long long) engine->record.to_number);
        engine->result->exit_status = status;
        Error late; /* the next switch does what is left of it */
        if (!engine->host->is_image && bundle_store_settle(true, &late) < 0)
                engine_result_warn(engine->result, late.message);
        if (initrds_settle(engine->host, true, &late) < 0)
                engine_result_warn(engine->result, late.message);
        r = store_committed(engine->host, engine->result, &engine->record, reterr);
        if (r >= 0 && gone_units_forget(engine->host, engine->prepared->old, engine->prepared->new,
                                      &engine->prepared->plan->units, &late) < 0)
                engine_result_warn(engine->result, late.message);
        if (r >= 0)
                return 0;
        /* the manifest is gone and the row says staged: the next switch reads it as the commit it
         * is */
        engine->result->exit_status = EXIT_NEEDS_RECOVER;
        return error_prefix(reterr,
                        "Generation %lld is active, but that could not be noted (sysswitch recover "
                        "tries again)",
                        (long long) engine->record.to_number);
}

/* What failed is the reason for undoing it all. */
static int fail_for_units(Engine *engine, Error *reterr) {
        const EngineResult *result = engine->result;
        const char *unit = engine_result_failed_unit(result);
        if (engine->options->failed)
                engine->options->failed(engine->options->userdata, result);
        return unit ? error_set(reterr, -ECHILD, "%s failed", unit)
                    : error_set(reterr, -ECHILD, "%s",
                                      result->warning ? result->warning : "A step failed");
}

/* It is complete, but not committed before somebody says that he can still reach the host. */
static int hold(Engine *engine, Error *reterr) {
        int r = window_open(engine->host, engine->options->confirm_usec,
                        &engine->record.confirm_by_usec, reterr);
        if (r >= 0)
                r = store_held(engine->host, engine->result, &engine->record, reterr);
        if (r >= 0)
                engine->result->confirm_by_usec = engine->record.confirm_by_usec;
        return r;
}

/* For the case that we do not live to see the end: all phases have their time by then. */
static int guard(Engine *engine, Error *reterr) {
        enum { FOR_ALL_ELSE_USEC = 10 * 60 * 1000000 };
        const EngineOptions *options = engine->options;
        if (options->confirm_usec == 0 || options->timeout_usec == 0) /* it may take for ever */
                return 0;
        return window_guard(engine->host,
                        options->confirm_usec + 2 * options->timeout_usec + FOR_ALL_ELSE_USEC +
                                        initrds_timeout_usec(engine->prepared),
                        reterr);
}

static int carry_out(Engine *engine, Error *reterr) {
        const RunOptions run = run_options(engine);
        int r = managers_new(engine->host, engine->prepared, &run, &engine->managers, reterr);
        if (r >= 0)
                r = stage(engine, reterr);
        if (r >= 0)
                engine->result->exit_status =
                                EXIT_ROLLED_BACK; /* what an error means from here on */
        if (r >= 0)
                r = guard(engine, reterr);
        if (r >= 0)
                r = managers_stop(engine->managers, reterr);
        if (r >= 0)
                r = stop_request_check(reterr);
        if (r >= 0)
                r = containers_point(&engine->containers, reterr);
        if (r >= 0)
                r = store_sync(engine->host, reterr); /* or with the flip */
        if (r >= 0)
                r = fit_flip(&engine->host->etc, engine->prepared->fit, reterr);
        if (r >= 0)
                r = module_index_of_plan(engine->host, engine->prepared->fit,
                                engine->options->timeout_usec, reterr);
        if (r < 0)
                return undo(engine, reterr);
        engine->result->exit_status = EXIT_DONE;
        activate(engine);
        r = stop_request_check(reterr);
        if (r >= 0 && engine->options->takes_back_failed &&
                        engine->result->exit_status == EXIT_UNITS_FAILED)
                r = fail_for_units(engine, reterr);
        if (r >= 0)
                r = initrds_make(engine->host, engine->options, engine->result, reterr);
        if (r >= 0)
                r = stop_request_check(reterr); /* the last time: the commit is not taken back */
        if (r >= 0 && engine->options->confirm_usec > 0)
                r = hold(engine, reterr);
        if (r < 0) {
                engine->result->exit_status = EXIT_ROLLED_BACK;
                return undo(engine, reterr);
        }
        return engine->result->confirm_by_usec ? 0 : commit(engine, reterr);
}

static int note_nothing_to_do(Engine *engine, Error *reterr) {
        int r = host_make_writable(engine->host, reterr);
        if (r >= 0)
                r = store_nothing_to_do(engine->host, engine->result, engine->options,
                                &engine->record, reterr);
        if (r < 0)
                return r;
        engine->result->to_number = engine->record.to_number;
        engine->result->nothing_to_do = !engine->options->only_default;
        engine->result->becomes_default =
                        record_moves_default(&engine->record) &&
                        engine->result->from_number != engine->host->profile.default_number;
        engine->result->only_default = engine->options->only_default;
        engine->result->exit_status = EXIT_DONE;
        return 0;
}

/* A rollback of what waits for its confirmation: as if its time was over. */
static int take_back(Engine *engine, const char *reference, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord record;
        int r = window_is_open(engine->host, &arena, &record, reterr);
        if (r <= 0 || strcmp(record.profile, engine->host->profile_name) != 0)
                return r < 0 ? r : 0;
        char before[24];
        (void) snprintf(before, sizeof(before), "@%lld", (long long) record.from_number); /* fits */
        if (strcmp(reference, "@previous") != 0 && strcmp(reference, before) != 0)
                return 0;
        r = host_make_writable(engine->host, reterr);
        if (r < 0)
                return r;
        const RecoveryOptions options = recovery_options(engine, "not confirmed", EXIT_ROLLED_BACK);
        cleanup(recovery_donep) Recovery recovery;
        r = recovery_run(engine->host, &options, &recovery, reterr);
        tell_recovery(engine, &recovery);
        engine->result->exit_status = r < 0                   ? EXIT_NEEDS_RECOVER
                                      : recovery.n_failed > 0 ? EXIT_UNITS_FAILED
                                                              : EXIT_DONE;
        if (r < 0)
                return r;
        window_disarm(engine->host);
        engine->result->is_taken_back = true;
        engine->result->from_number = engine->result->to_number = record.from_number;
        return 1;
}

static int close_interrupted(Engine *engine, Error *reterr) {
        int r = recovery_is_needed(engine->host, reterr);
        if (r <= 0)
                return r;
        r = window_refuse(engine->host, reterr);
        if (r < 0)
                return r;
        say(engine, "An earlier switch was interrupted: setting that right first");
        r = host_make_writable(engine->host, reterr);
        if (r < 0)
                return r;
        const RecoveryOptions options = recovery_options(engine, "interrupted", EXIT_ROLLED_BACK);
        cleanup(recovery_donep) Recovery recovery;
        r = recovery_run(engine->host, &options, &recovery, reterr);
        tell_recovery(engine, &recovery);
        if (r < 0)
                engine->result->exit_status = EXIT_NEEDS_RECOVER;
        return r;
}

/* What is gone back to was checked when it came, and the way back is never barred. */
static int try_out(Engine *engine, Error *reterr) {
        const TrialOptions options = {
                .leave_out_checks = engine->options->no_check,
                .rehearses = engine->options->rehearses,
                .timeout_usec = engine->options->timeout_usec,
                .step = engine->options->step,
                .output = engine->options->output,
                .userdata = engine->options->userdata,
        };
        if (engine->options->is_rollback)
                return 0;
        int r = trial_run(engine->host, engine->prepared, &options, reterr);
        /* what checks inside containers were run on, which may be a secret that nobody has */
        if (r < 0 && !engine->host->is_image)
                bundle_prune();
        return r;
}

static int hand_over(Engine *engine) {
        engine->result->exit_status = EXIT_HAND_OVER;
        return 0;
}

static int run(Engine *engine, const char *reference, Error *reterr) {
        bool only_compares = engine->options->only_looks && !engine->options->saved;
        int r = only_compares ? 0 : host_connect(engine->host, reterr);
        if (r >= 0 && engine->options->only_looks) {
                r = recovery_is_needed(engine->host, reterr);
                if (r > 0)
                        return hand_over(engine);
        }
        if (r >= 0 && engine->options->is_rollback && reference)
                r = take_back(engine, reference, reterr);
        if (r > 0)
                return 0;
        if (r >= 0)
                r = close_interrupted(engine, reterr);
        if (r < 0)
                return r;
        r = plan_switch(engine, reference, reterr);
        if (r != 0)
                return r < 0 ? r : hand_over(engine);
        if (prepared_has_nothing_to_do(engine->prepared))
                return note_nothing_to_do(engine, reterr);
        if (engine->options->only_looks)
                return hand_over(engine);
        r = try_out(engine, reterr);
        if (r < 0)
                return r;
        if (engine->options->only_default)
                return note_nothing_to_do(engine, reterr);
        if (engine->options->prepared)
                engine->options->prepared(engine->options->userdata, engine->prepared);
        r = stop_request_check(reterr);
        if (r >= 0)
                r = host_make_writable(engine->host, reterr);
        if (r >= 0)
                r = store_intent(engine->host, engine->result, engine->options, &engine->record,
                                reterr);
        if (r < 0)
                return r;
        engine->result->to_number = engine->record.to_number;
        engine->result->switch_id = engine->record.id;
        return carry_out(engine, reterr);
}

/* The default has moved, or what it asks of a boot. */
static void renew_boot_entries(Engine *engine) {
        const EngineResult *result = engine->result;
        const Prepared *prepared = result->prepared;
        const SwitchRecord record = { .verb = engine->options->verb };
        bool is_asked = prepared && prepared->plan->n_of_boot_loader > 0 &&
                        record_moves_default(&record);
        Error error;
        bool is_done = result->exit_status == EXIT_DONE || result->exit_status == EXIT_UNITS_FAILED;
        if (!is_done || result->confirm_by_usec ||
                        boot_entries_renew(engine->host, is_asked, &error) >= 0)
                return;
        if (engine->prepared)
                engine_result_warn(engine->result, error.message);
        else
                output_warning(error.message);
}

int engine_switch(Host *host,
                const char *reference,
                const EngineOptions *options,
                EngineResult *ret_result,
                Error *reterr) {
        *ret_result = (EngineResult){ .exit_status = EXIT_REFUSED };
        Engine engine = { .options = options, .host = host, .result = ret_result };
        char what[128];
        (void) snprintf(what, sizeof(what), "%s %s by %s", options->verb,
                        reference ? reference : "(the last source)", options->user);
        int r = host_lock(host, what, reterr);
        if (r == -EBUSY && options->only_looks)
                return hand_over(&engine);
        if (r >= 0)
                r = run(&engine, reference, reterr);
        if (r >= 0)
                renew_boot_entries(&engine);
        engine.managers = managers_free(engine.managers);
        containers_done(&engine.containers);
        return r;
}
