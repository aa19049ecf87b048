/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/fit.h"
#include "state/generation.h"
#include "switch/boot_entries.h"
#include "switch/commands.h"
#include "switch/engine.h"
#include "switch/gone_units.h"
#include "switch/output.h"
#include "switch/recovery.h"
#include "switch/window.h"

#include <errno.h>
#include <string.h>

/* The manifest goes, which is the commit; what remains is a record that is late. */
static int confirm(Host *host, Recovery *recovery, Error *reterr) {
        int r = host_make_writable(host, reterr);
        if (r >= 0)
                r = fit_commit(&host->etc, reterr);
        if (r < 0)
                return r;
        const RecoveryOptions options = { .exit_status = EXIT_DONE };
        return recovery_run(host, &options, recovery, reterr);
}

/* The switch is kept, whatever comes of this. */
static void forget_gone_units(Host *host, const SwitchRecord *record) {
        cleanup(tree_freep) Tree *before = NULL, *after = NULL;
        Error error;
        if (strcmp(record->profile, host->profile_name) != 0) /* it is one of containers */
                return;
        int r = generation_compare(host->database, record->profile, record->from_number,
                        record->to_number, host->contents, &before, &after, &error);
        if (r >= 0)
                r = gone_units_forget(host, before, after, NULL, &error);
        if (r < 0)
                output_warning(error.message);
}

int cmd_confirm(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments; /* it takes none */
        (void) n_arguments;
        cleanup(host_donep) Host host;
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(recovery_donep) Recovery recovery = { 0 };
        SwitchRecord record;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        if (r >= 0)
                r = host_connect(&host, reterr);
        if (r >= 0)
                r = host_lock(&host, "confirm", reterr);
        if (r >= 0)
                r = window_is_open(&host, &arena, &record, reterr);
        if (r == 0)
                return error_set(reterr, -ENOENT,
                                "No switch waits for its confirmation (sysswitch log shows what "
                                "became of the last one)");
        if (r >= 0)
                r = confirm(&host, &recovery, reterr);
        if (r < 0)
                return r;
        window_disarm(&host);
        boot_entries_renew_last(&host);
        forget_gone_units(&host, &record);
        if (!option_is_given(options, OPTION_QUIET))
                printf("Generation %lld of %s is confirmed.\n", (long long) record.to_number,
                                record.profile);
        return EXIT_DONE;
}
