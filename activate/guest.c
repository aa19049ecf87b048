/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sysswitch-guest, the first program of a container. Static, as it comes from the host and the
 * container's libraries may be others'.
 *
 *   sysswitch-guest init [ARGUMENT…]   fits /etc to the bundle's tree 'active', becomes systemd
 *   sysswitch-guest activate TREE      fits /etc to that tree; run by the container's own systemd
 *
 * Where the root is read-only, or made anew at each start, so is /etc: a layer of its own in /run,
 * which is gone with the container, and what is known of it is there as well. */

#include "activate/guest_fit.h"
#include "diff/nspawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LAYER "/run/sysswitch"
#define LAYER_STATE LAYER "/state"

static void tell(const char *line) {
        (void) fprintf(stderr, "sysswitch-guest: %s\n", line); /* nobody else to tell */
}

/* A link of the bundle names a tree. */
static int read_link(const char *link, char ret_tree[NAME_MAX + 1]) {
        ssize_t length = readlink(link, ret_tree, NAME_MAX);
        if (length < 0)
                return -errno;
        ret_tree[length] = 0;
        return 0;
}

static int fit(const char *tree, bool is_starting) {
        char forced[NAME_MAX + 1];
        bool is_forced = read_link(NSPAWN_BUNDLE "/force", forced) >= 0 && !strcmp(forced, tree);
        bool is_layer = access(LAYER_STATE, F_OK) == 0;
        const GuestFit guest = { .etc = "/etc",
                .state = is_layer ? LAYER_STATE : NSPAWN_STATE_DIRECTORY,
                .bundle = NSPAWN_BUNDLE,
                .root = "/",
                .tree = tree,
                .run_programs = true,
                .is_starting = is_starting,
                .force = is_forced,
                .tell = tell };
        Error error;
        int r = guest_fit(&guest, &error);
        if (r < 0)
                tell(error.message);
        return r;
}

/* In a root that nspawn makes at each start there is nothing but /usr. Without the file systemd
 * takes it for a machine's first boot, enables all that the distribution presets, and asks. */
static void make_bare(void) {
        static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                char target[16], path[16];
                (void) snprintf(target, sizeof(target), "/usr/%s", names[i]); /* fits, both */
                (void) snprintf(path, sizeof(path), "/%s", names[i]);
                if (access(target, F_OK) == 0)
                        (void) symlink(target + 1, path); /* it may be there */
        }
        int fd = open("/etc/machine-id", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
        if (fd >= 0)
                (void) close(fd); /* empty */
}

static int make_etc_writable(void) {
        static const char *const directories[] = { LAYER, LAYER "/upper", LAYER "/work",
                LAYER_STATE };
        static const char options[] =
                        "lowerdir=/etc,upperdir=" LAYER "/upper,workdir=" LAYER "/work,userxattr";
        struct statvfs etc;
        if (statvfs("/etc", &etc) < 0 || !(etc.f_flag & ST_RDONLY))
                return 0;
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                if (mkdir(directories[i], i == 1 ? 0755 : 0700) < 0 && errno != EEXIST)
                        return -errno;
        return mount("overlay", "/etc", "overlay", 0, options) < 0 ? -errno : 0;
}

static int become_systemd(char **arguments) {
        static const char *const programs[] = { "/usr/lib/systemd/systemd",
                "/lib/systemd/systemd" };
        char tree[NAME_MAX + 1];
        if (read_link(NSPAWN_BUNDLE "/active", tree) < 0) {
                tell("the bundle names no tree");
                return 1;
        }
        int r = make_etc_writable();
        if (r < 0)
                tell("/etc is read-only, and no layer can be put over it");
        make_bare();
        if (r < 0 || fit(tree, true) < 0)
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
