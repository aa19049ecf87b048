/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/commands.h"
#include "switch/switch_view.h"

/* A dry run that goes as far as one can without changing this host. */
int cmd_rehearse(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        cleanup(host_donep) Host host;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        if (r < 0)
                return r;
        const SwitchRequest request = { .verb = "rehearse",
                .reference = n_arguments > 0 ? arguments[0] : NULL };
        return switch_view_run(&host, options, &request, reterr);
}
