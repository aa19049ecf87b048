/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysswitch-guest, the first program of a container. Static, as it comes from the host and the
 * container's libraries may be others'.
 *
 *   sysswitch-guest init [ARGUMENT…]   fits /etc to the bundle's tree 'active', becomes systemd
 *   sysswitch-guest activate TREE      fits /etc to that tree; run by the container's own systemd
 */

#include "activate/guest_fit.h"
#include "diff/nspawn.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void tell(const char *line) {
        (void) fprintf(stderr, "sysswitch-guest: %s\n", line); /* nobody else to tell */
}

static int fit(const char *tree, bool is_starting) {
        const GuestFit guest = { .etc = "/etc",
                .state = NSPAWN_STATE_DIRECTORY,
                .bundle = NSPAWN_BUNDLE,
                .root = "/",
                .tree = tree,
                .run_programs = true,
                .is_starting = is_starting,
                .tell = tell };
        Error error;
        int r = guest_fit(&guest, &error);
        if (r < 0)
                tell(error.message);
        return r;
}

static int become_systemd(char **arguments) {
        static const char *const programs[] = { "/usr/lib/systemd/systemd",
                "/lib/systemd/systemd" };
        char tree[NAME_MAX + 1];
        ssize_t length = readlink(NSPAWN_BUNDLE "/active", tree, sizeof(tree) - 1);
        if (length < 0) {
                tell("the bundle names no tree");
                return 1;
        }
        tree[length] = 0;
        if (fit(tree, true) < 0)
                return 1;
        for (size_t i = 0; i < N_ELEMENTS(programs); i++) {
                arguments[0] = (char *) (uintptr_t) programs[i]; /* only read */
                (void) execv(programs[i], arguments);
        }
        tell("there is no systemd in /usr/lib/systemd");
        return 1;
}

int main(int argc, char **argv) {
        if (argc >= 2 && strcmp(argv[1], "init") == 0)
                return become_systemd(argv + 1);
        if (argc == 3 && strcmp(argv[1], "activate") == 0 && !strchr(argv[2], '/'))
                return fit(argv[2], false) < 0;
        tell("this is run by sysswitch in its containers");
        return 2;
}
