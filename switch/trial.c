/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/trial.h"

#include "switch/checks.h"
#include "switch/rehearsal.h"

int trial_run(Host *host, Prepared *prepared, const TrialOptions *options, Error *reterr) {
        const ChecksOptions checks = {
                .leave_out = options->leave_out_checks,
                .is_dry = options->is_dry,
                .step = options->step,
                .output = options->output,
                .userdata = options->userdata,
        };
        const RehearsalOptions rehearsal = {
                .timeout_usec = options->timeout_usec,
                .step = options->step,
                .userdata = options->userdata,
        };
        int r = checks_run(host, prepared, &checks, reterr);
        return r < 0 || !options->rehearses || host->is_of_containers
                               ? r
                               : rehearsal_run(host, prepared, &rehearsal, reterr);
}
