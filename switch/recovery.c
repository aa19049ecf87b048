/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/recovery.h"

#include "activate/bundle_store.h"
#include "activate/fit.h"
#include "activate/manifest.h"
#include "base/clock.h"
#include "state/debt.h"
#include "state/displaced.h"
#include "state/packaged.h"
#include "state/record.h"
#include "switch/engine.h"
#include "switch/initrds.h"
#include "switch/module_index.h"
#include "switch/settle.h"
#include "switch/store.h"
#include "switch/units_back.h"

#include <string.h>

void recovery_done(Recovery *recovery) {
        strv_done(&recovery->kept);
        arena_done(&recovery->arena);
        *recovery = (Recovery){ 0 };
}

int recovery_is_needed(Host *host, Error *reterr) {
        int r = manifest_is_there(&host->etc, reterr);
        if (r == 0)
                r = fit_is_undone(&host->etc, reterr);
        if (r != 0 || !host->database)
                return r;
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord record;
        return record_open_switch(host->database, &arena, &record, reterr);
}

/* The commit point is the manifest's removal: a staged record without one is a commit whose row is
 * late. Which of its actions and steps did not work is not known any more: all of them are owed. */
static int end_commit(Host *host, SwitchRecord *record, Error *reterr) {
        bool was_held = record->confirm_by_usec > 0; /* it is all known, and settled */
        record->state = SWITCH_COMMITTED;
        if (!was_held)
                record->exit_status = EXIT_UNITS_FAILED;
        int r = record_finish(host->database, record, NULL, 0, reterr);
        if (r >= 0)
                r = store_moved(host, record, reterr);
        if (r >= 0)
                r = renewal_commit(host->database, record->id, reterr);
        if (r >= 0)
                r = displaced_drop_unmanaged(
                                host->database, host->profile_name, record->to_number, reterr);
        return r >= 0 && !was_held ? settle_late(host, record, reterr) : r;
}

static int owe_failed(
                Host *host, const Recovery *recovery, const SwitchRecord *record, Error *reterr) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < recovery->n_failed; i++) {
                Debt debt = recovery->failed[i];
                debt.since_usec = record->started_usec;
                debt.switch_id = record->id;
                r = debt_put(host->database, host->profile_name, &debt, reterr);
        }
        return r;
}

static int end_undone(Host *host, const Recovery *recovery, SwitchRecord *record, Error *reterr) {
        record->state = SWITCH_UNDONE;
        int r = record_finish(host->database, record, NULL, 0, reterr);
        if (r >= 0)
                r = displaced_undo(host->database, record->id, reterr);
        if (r >= 0)
                r = debt_undo(host->database, record->id, reterr);
        return r >= 0 ? owe_failed(host, recovery, record, reterr) : r;
}

static int end_record(Host *host,
                const RecoveryOptions *options,
                bool was_undone,
                Recovery *recovery,
                Error *reterr) {
        SwitchRecord record;
        int r = record_open_switch(host->database, &recovery->arena, &record, reterr);
        if (r <= 0)
                return r;
        recovery->was_open = true;
        recovery->profile = record.profile;
        recovery->switch_id = record.id;
        recovery->from_number = record.from_number;
        recovery->to_number = record.to_number;
        recovery->is_commit = record.state == SWITCH_STAGED && !was_undone;
        if (!recovery->is_commit || !record.confirm_by_usec) {
                record.message = options->message;
                record.exit_status = options->exit_status;
        }
        record.ended_usec = now_realtime_usec();
        r = database_begin(host->database, reterr);
        if (r < 0)
                return r;
        r = recovery->is_commit ? end_commit(host, &record, reterr)
                                : end_undone(host, recovery, &record, reterr);
        if (r >= 0)
                return database_commit(host->database, reterr);
        database_rollback(host->database);
        return r;
}

/* Before the first file goes back, the switch waits for no confirmation any more: what is half
 * undone cannot be confirmed. */
static int end_hold(Host *host, Recovery *recovery, Error *reterr) {
        SwitchRecord record;
        if (!host->database)
                return 0;
        int r = record_open_switch(host->database, &recovery->arena, &record, reterr);
        return r > 0 && record.confirm_by_usec ? record_end_hold(host->database, record.id, reterr)
                                               : r;
}

/* The files are what counts: what is derived from them can be made again at any time, and the way
 * back is not barred by the program that would not do it. */
static void renew_index(Host *host,
                const RecoveryOptions *options,
                const Manifest *manifest,
                Recovery *recovery) {
        Error error;
        if (module_index_of_manifest(host, manifest, options->run.timeout_usec, &error) >= 0)
                return;
        recovery->index_error = arena_printf(&recovery->arena, "%s; run depmod", error.message);
        if (!recovery->index_error)
                recovery->index_error = "The index of modules was not made; run depmod";
}

/* Likewise, by a boot loader's hook that would not take the image that is back. */
static int put_initrds_back(Host *host, bool is_commit, Recovery *recovery, Error *reterr) {
        Error warning;
        int r = initrds_settle(host, is_commit, &warning);
        if (r < 0)
                return error_set(reterr, r, "%s", warning.message);
        if (r > 0)
                recovery->initrd_error = arena_printf(&recovery->arena,
                                "The boot loader has another initrd, run update-initramfs -u: %s",
                                warning.message);
        return r > 0 && !recovery->initrd_error ? error_oom(reterr) : 0;
}

/* Units go back even where a file did not: none is left down for it. */
static int take_back(Host *host,
                const RecoveryOptions *options,
                const Manifest *manifest,
                Recovery *recovery,
                Error *reterr) {
        int r = end_hold(host, recovery, reterr);
        if (r < 0)
                return r;
        int files = fit_put_back(&host->etc, &recovery->kept, reterr);
        if (files < 0)
                (void) error_prefix(reterr, "Cannot undo the open switch"); /* files is its code */
        else
                renew_index(host, options, manifest, recovery);
        int units = units_back(host, manifest, &options->run, &recovery->arena, &recovery->failed,
                        &recovery->n_failed, files < 0 ? NULL : reterr);
        return files < 0 ? files : units;
}

static int64_t number_of(const char *text) {
        char *end = NULL;
        long long number = strtoll(text, &end, 10);
        return *text && !*end ? number : -1;
}

/* The record first: a manifest that goes before it would make a commit of it. */
static int close_switch(Host *host,
                const RecoveryOptions *options,
                bool was_undone,
                Recovery *recovery,
                Error *reterr) {
        if (!host->database)
                return fit_set_undone(&host->etc, reterr);
        int r = end_record(host, options, was_undone, recovery, reterr);
        if (r < 0)
                return r;
        recovery->is_noted = true;
        if (was_undone)
                r = fit_set_undone(&host->etc, reterr);
        return r < 0 ? r : fit_forget(&host->etc, reterr); /* what was staged for it, too */
}

/* The open switch may be of another profile than the one that we work on. */
static int enter_profile(Host *host, Recovery *recovery, Error *reterr) {
        SwitchRecord record;
        int r = host->database ? record_open_switch(
                                                 host->database, &recovery->arena, &record, reterr)
                               : 0;
        if (r <= 0 || strcmp(record.profile, host->profile_name) == 0)
                return r;
        host_set_profile(host, record.profile);
        return host_refresh(host, reterr);
}

static int run(Host *host, const RecoveryOptions *options, Recovery *ret_recovery, Error *reterr) {
        Manifest *manifest = NULL;
        int is_open = manifest_read(&host->etc, &manifest, reterr);
        if (is_open < 0)
                return is_open;
        int was_undone = is_open ? 1 : fit_is_undone(&host->etc, reterr);
        int r = was_undone < 0 ? was_undone : 0;
        if (was_undone > 0 && !host->is_image)
                r = bundle_store_settle(false, reterr);
        if (r >= 0)
                r = put_initrds_back(host, was_undone == 0, ret_recovery, reterr);
        int settled = r; /* what containers take at their next start is part of what goes back */
        if (is_open) {
                ret_recovery->was_open = true;
                ret_recovery->switch_id = number_of(manifest->switch_id);
                ret_recovery->from_number = number_of(manifest->from);
                ret_recovery->to_number = number_of(manifest->to);
                r = take_back(host, options, manifest, ret_recovery, settled < 0 ? NULL : reterr);
                if (settled < 0)
                        r = settled;
        }
        if (r >= 0)
                r = close_switch(host, options, was_undone > 0, ret_recovery, reterr);
        manifest_free(manifest); /* names of units that failed are copied */
        return r;
}

int recovery_run(
                Host *host, const RecoveryOptions *options, Recovery *ret_recovery, Error *reterr) {
        *ret_recovery = (Recovery){ .from_number = -1, .to_number = -1 };
        const char *profile_name = host->profile_name;
        int r = enter_profile(host, ret_recovery, reterr);
        if (r >= 0)
                r = run(host, options, ret_recovery, reterr);
        host_set_profile(host, profile_name);
        if (!host->database)
                return r;
        int refreshed = host_refresh(host, r < 0 ? NULL : reterr);
        return r < 0 ? r : refreshed;
}
