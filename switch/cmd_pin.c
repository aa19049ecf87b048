/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/pin.h"
#include "switch/commands.h"
#include "switch/host.h"
#include "switch/reference.h"

#include <errno.h>

static int
find(Host *host, const char *reference, char **ret_profile, int64_t *ret_number, Error *reterr) {
        if (!reference_is_generation(reference))
                return error_set(reterr, USAGE_ERROR,
                                "%s: Not a generation (@NUMBER, @active, @default or @previous)",
                                reference);
        int r = reference_resolve(host, reference, ret_profile, ret_number, reterr);
        if (r >= 0 && *ret_number == 0)
                return error_set(reterr, -EINVAL,
                                "Generation 0 is the host as found: it is never pruned");
        return r;
}

int cmd_pin(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        bool remove = option_is_given(options, OPTION_REMOVE);
        if (n_arguments == 0)
                return error_set(reterr, USAGE_ERROR, "Which generation? Write @NUMBER or @active");
        cleanup(host_donep) Host host;
        int r = host_open_switched(options_root(options), options->profile, &host, reterr);
        if (r < 0)
                return r;
        if (!host.database)
                return error_set(
                                reterr, -ENOENT, "%s: Nothing was switched here yet", arguments[0]);
        r = host_lock(&host, "pin", reterr);
        cleanup_free char *profile = NULL;
        int64_t number = 0;
        if (r >= 0)
                r = find(&host, arguments[0], &profile, &number, reterr);
        if (r >= 0)
                r = host_make_writable(&host, reterr);
        if (r >= 0)
                r = pin_set(host.database, profile, number, !remove, reterr);
        if (r < 0)
                return r;
        if (!option_is_given(options, OPTION_QUIET))
                printf("Generation %lld of %s is %s%s.\n", (long long) number, profile,
                                r == 0 ? "as before " : "", remove ? "not pinned" : "pinned");
        return 0;
}
