/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/fit.h"
#include "diff/quote.h"
#include "state/lock.h"
#include "switch/boot_entries.h"
#include "switch/commands.h"
#include "switch/engine.h"
#include "switch/output.h"
#include "switch/progress.h"
#include "switch/recovery.h"
#include "switch/startup.h"
#include "switch/switch_view.h"
#include "switch/window.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

/* The state first; where it cannot be had, files and units go back without it. */
static int open_host(const Options *options, Host *host, Error *reterr) {
        int r = host_open(options_root(options), options->profile, DATABASE_READ, host, reterr);
        if (r >= 0)
                r = host_lock(host, "recover", reterr);
        if (r == -EBUSY)
                return r;
        if (r >= 0)
                r = recovery_is_needed(host, reterr);
        if (r == 0) /* the slots of a switch that ended may be left all the same */
                return fit_forget(&host->etc, reterr);
        if (r > 0)
                r = host_make_writable(host, reterr);
        if (r >= 0)
                return 1;
        Error first = *reterr;
        host_done(host);
        r = host_open_files(options_root(options), options->profile, host, reterr);
        if (r >= 0)
                r = host_lock_files(host, "recover", reterr);
        if (r >= 0)
                r = recovery_is_needed(host, reterr);
        if (r == 0)
                *reterr = first;
        else if (r > 0)
                (void) fprintf(stderr, "Going on without the database: %s\n", first.message);
        return r == 0 ? first.code : r;
}

static void add_result(const Recovery *recovery, Text *text) {
        for (size_t i = 0; i < recovery->kept.n_items; i++)
                text_addf(text, "Kept beside, for it came meanwhile: %s\n",
                                recovery->kept.items[i]);
        const char *const warnings[] = { recovery->index_error, recovery->initrd_error };
        for (size_t i = 0; i < N_ELEMENTS(warnings); i++)
                if (warnings[i]) {
                        text_add_line(text, warnings[i]);
                        text_add(text, "\n");
                }
        for (size_t i = 0; i < recovery->n_failed; i++) {
                text_addf(text, "%s did not come back: ", recovery->failed[i].unit);
                text_add_line(text, recovery->failed[i].reason);
                text_add(text, "\n");
        }
        if (recovery->switch_id > 0)
                text_addf(text, "Switch %lld, from generation %lld to %lld, ",
                                (long long) recovery->switch_id, (long long) recovery->from_number,
                                (long long) recovery->to_number);
        else
                text_add(text, "A switch ");
        text_addf(text, "was %s: generation %lld%s%s is active.\n",
                        recovery->is_commit ? "complete, and is committed now" : "undone",
                        (long long) (recovery->is_commit ? recovery->to_number
                                                         : recovery->from_number),
                        recovery->profile ? " of " : "",
                        recovery->profile ? recovery->profile : "");
        if (!recovery->is_noted)
                text_add(text, "The database will say so when it can be opened: run sysswitch "
                               "recover again.\n");
}

static int tell(const Options *options, const Recovery *recovery, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        if (recovery->was_open)
                add_result(recovery, &text);
        if (text.error < 0)
                return error_oom(reterr);
        if (text.data && !option_is_given(options, OPTION_QUIET))
                (void) fputs(text.data, stdout); /* output_close() tells */
        return recovery->n_failed > 0 ? EXIT_UNITS_FAILED : EXIT_DONE;
}

static int recover(const Options *options, Host *host, Error *reterr) {
        int r = host_connect(host, reterr);
        if (r < 0 && !host->is_starting) /* then the files go back all the same */
                return r;
        Output output;
        output_init(&output, options);
        ProgressView view = { .output = &output, .silent = option_is_given(options, OPTION_QUIET) };
        const RecoveryOptions recovery_options = {
                .message = option_is_given(options, OPTION_UNCONFIRMED) ? "not confirmed"
                                                                        : "interrupted",
                .exit_status = EXIT_ROLLED_BACK,
                .run = { .timeout_usec = options->timeout_usec,
                                .progress = progress_view_progress,
                                .userdata = &view },
        };
        cleanup(recovery_donep) Recovery recovery;
        r = recovery_run(host, &recovery_options, &recovery, reterr);
        progress_view_clear(&view);
        if (r >= 0 && host_has_units(host)) {
                window_disarm(host);
                boot_entries_renew_last(host);
        }
        if (r < 0) {
                output_error(reterr);
                return EXIT_NEEDS_RECOVER;
        }
        return tell(options, &recovery, reterr);
}

/* Neither /var nor a lock: nothing else runs. */
static int recover_early(const Options *options, Error *reterr) {
        cleanup(host_donep) Host host = { 0 };
        cleanup(manifest_freep) Manifest *manifest = NULL;
        int r = host_open_files(options_root(options), options->profile, &host, reterr);
        host.is_starting = true;
        if (r >= 0)
                r = manifest_read(&host.etc, &manifest, reterr);
        if (r <= 0)
                return r;
        int status = recover(options, &host, reterr);
        if (status == EXIT_DONE)
                r = startup_take_over_undone(&host, manifest, reterr);
        return r < 0 ? r : status;
}

static int boot_to(const Options *options, int64_t number, Host *host, Error *reterr) {
        char reference[24];
        (void) snprintf(reference, sizeof(reference), "@%lld", (long long) number); /* fits */
        const SwitchRequest request = {
                .verb = "startup", .reference = reference, .is_rollback = true
        };
        return switch_view_run(host, options, &request, reterr);
}

static int boot(const Options *options, Error *reterr) {
        cleanup(host_donep) Host host;
        int64_t number = 0;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        host.is_starting = true;
        if (r >= 0)
                r = startup_wanted(&host, &number, reterr);
        if (r >= 0 && number != host.profile.active)
                r = boot_to(options, number, &host, reterr);
        boot_entries_renew_last(&host);
        return r;
}

enum { LOCK_TRIES = 300, LOCK_WAIT_USEC = 100 * 1000 };

/* Whoever has the lock for long when the time to confirm is over is a switch that hangs. */
static void end_holder(const char *directory) {
        LockHolder holder = { 0 }, again = { 0 };
        Error ignored;
        if (lock_query(directory, &holder, &ignored) <= 0 || holder.pid <= 0)
                return;
        cleanup_fd int pidfd = pidfd_open(holder.pid, 0);
        bool is_switch = strncmp(holder.what, "switch ", strlen("switch ")) == 0 ||
                         strncmp(holder.what, "test ", strlen("test ")) == 0;
        if (is_switch && pidfd >= 0 && lock_query(directory, &again, &ignored) > 0 &&
                        again.pid == holder.pid && again.since_usec == holder.since_usec)
                (void) pidfd_send_signal(pidfd, SIGKILL, NULL, 0); /* it may be gone already */
}

/* Mostly it is a service that recovers, which nobody stands beside: whoever had the lock when it
 * came, be it for as long as boot entries take, would leave the switch open that was interrupted.
 */
static int open_patiently(const Options *options, Host *host, Error *reterr) {
        bool ends_it = option_is_given(options, OPTION_UNCONFIRMED);
        int r = -EBUSY;
        for (unsigned i = 0; r == -EBUSY && i < (ends_it ? 2 : 1) * LOCK_TRIES; i++) {
                if (i == 1 && !option_is_given(options, OPTION_QUIET))
                        (void) fprintf(stderr, "Waiting: %s\n", reterr->message); /* as any text */
                if (i > 0) {
                        const struct timespec wait = { .tv_nsec = LOCK_WAIT_USEC * 1000 };
                        (void) nanosleep(&wait, NULL); /* a signal only shortens it */
                }
                if (i == LOCK_TRIES)
                        end_holder(host->state_directory);
                host_done(host);
                r = open_host(options, host, reterr);
        }
        return r;
}

static int open_for(const Options *options, bool is_starting, Host *host, Error *reterr) {
        bool is_late = option_is_given(options, OPTION_UNCONFIRMED);
        int r = open_patiently(options, host, reterr);
        int refused = r > 0 && !is_starting && !is_late ? window_refuse(host, reterr) : 0;
        return refused < 0 ? refused : r;
}

static int recover_now(const Options *options, bool is_starting, Error *reterr) {
        cleanup(host_donep) Host host = { 0 };
        cleanup(manifest_freep) Manifest *manifest = NULL;
        int r = open_for(options, is_starting, &host, reterr);
        if (r == 0 && !is_starting) { /* but what comes after the commit */
                boot_entries_renew_last(&host);
                if (!option_is_given(options, OPTION_QUIET))
                        printf("Nothing to recover.\n");
        }
        if (r <= 0)
                return r;
        host.is_starting = is_starting;
        int had_manifest = manifest_read(&host.etc, &manifest, reterr);
        if (had_manifest < 0)
                return had_manifest;
        int status = recover(options, &host, reterr);
        if (is_starting && had_manifest && status == EXIT_DONE)
                r = startup_take_over_undone(&host, manifest, reterr);
        return r < 0 ? r : status;
}

/* A switch that holds the lock renews them itself, when it is complete. */
static int renew_entries(const Options *options, Error *reterr) {
        cleanup(host_donep) Host host;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        if (r >= 0 && host.database) /* else nothing was ever switched */
                r = host_lock(&host, "recover --entries", reterr);
        if (r == -EBUSY)
                return EXIT_DONE;
        return r < 0 ? r : boot_entries_renew(&host, false, reterr);
}

int cmd_recover(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments; /* it takes none */
        (void) n_arguments;
        bool is_boot = option_is_given(options, OPTION_BOOT);
        if (option_is_given(options, OPTION_EARLY))
                return recover_early(options, reterr);
        if (option_is_given(options, OPTION_ENTRIES))
                return renew_entries(options, reterr);
        int status = recover_now(options, is_boot, reterr);
        return status == EXIT_DONE && is_boot ? boot(options, reterr) : status;
}
