/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/commands.h"
#include "switch/switch_view.h"

#include <errno.h>
#include <string.h>

static int find_target(const char *argument, char **ret_reference, Error *reterr) {
        if (argument) {
                const char *digits = *argument == '@' ? argument + 1 : argument;
                if (!*digits || digits[strspn(digits, "0123456789")])
                        return error_set(reterr, USAGE_ERROR, "%s: Not the number of a generation",
                                        argument);
                if (asprintf(ret_reference, "@%s", digits) < 0)
                        return error_oom(reterr);
                return 0;
        }
        *ret_reference = strdup("@previous"); /* which that is, is looked up under the lock */
        return *ret_reference ? 0 : error_oom(reterr);
}

int cmd_rollback(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        cleanup(host_donep) Host host;
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        if (r < 0)
                return r;
        cleanup_free char *reference = NULL;
        r = find_target(n_arguments > 0 ? arguments[0] : NULL, &reference, reterr);
        if (r < 0)
                return r;
        const SwitchRequest request = {
                .verb = "rollback", .reference = reference, .is_rollback = true
        };
        return switch_view_run(&host, options, &request, reterr);
}
