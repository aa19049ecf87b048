/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/container_root.h"

#include "activate/removal.h"
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/container-root-XXXXXX";

static int set_up(void **state) {
        (void) state;
        return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        Error error;
        return removal_run(directory, &error);
}

/* names: of directories, or with '=' at the end of links, one after the other with spaces between;
 * what leads there is made as well. */
static void fill(int root_fd, const char *names) {
        while (*names) {
                char path[128];
                size_t length = strcspn(names, " ");
                (void) snprintf(path, sizeof(path), "%.*s", (int) length, names);
                bool is_link = path[length - 1] == '=';
                if (is_link)
                        path[length - 1] = 0;
                for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
                        *slash = 0;
                        (void) mkdirat(root_fd, path, 0755); /* it may be there */
                        *slash = '/';
                }
                if (is_link)
                        assert_int_equal(symlinkat("/nowhere", root_fd, path), 0);
                else
                        assert_int_equal(mkdirat(root_fd, path, 0755), 0);
                names += length + (names[length] == ' ');
        }
}

static void test_container_root__looks_at_what_is_in_it(void **state) {
        (void) state;
        static const struct {
                const char *names;
                ContainerRootKind kind;
        } rows[] = {
                { "", CONTAINER_ROOT_EMPTY },
                { "lost+found", CONTAINER_ROOT_EMPTY },
                { "usr etc root", CONTAINER_ROOT_UNFINISHED },
                { "usr var/lib/sysswitch", CONTAINER_ROOT_UNFINISHED },
                { "bin= usr", CONTAINER_ROOT_UNFINISHED },
                { "usr var/lib/sysswitch/bundle data", CONTAINER_ROOT_FITTED },
                { "usr/lib/systemd data", CONTAINER_ROOT_SYSTEM },
                { "sbin/init=", CONTAINER_ROOT_SYSTEM },
                { "etc/os-release= data", CONTAINER_ROOT_SYSTEM },
                { "accounts", CONTAINER_ROOT_FOREIGN },
                { "usr accounts=", CONTAINER_ROOT_FOREIGN },
        };
        cleanup_fd int host_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(container_root_look(host_fd, "/srv/none", ""), CONTAINER_ROOT_EMPTY);
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                char name[16];
                (void) snprintf(name, sizeof(name), "%zu", i);
                assert_int_equal(mkdirat(host_fd, name, 0755), 0);
                cleanup_fd int fd = openat(host_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                fill(fd, rows[i].names);
                int kind = container_root_look(host_fd, name, "");
                if (kind != (int) rows[i].kind)
                        fail_msg("'%s' is %d and not %d", rows[i].names, kind, rows[i].kind);
        }
        /* what root inside has put in the place of what PivotRoot= names */
        assert_int_equal(mkdirat(host_fd, "whole", 0755), 0);
        assert_int_equal(mkdirat(host_fd, "whole/empty", 0755), 0);
        assert_int_equal(mkdirat(host_fd, "other", 0755), 0);
        assert_int_equal(symlinkat("/other", host_fd, "whole/link"), 0);
        assert_int_equal(container_root_look(host_fd, "/whole", "/empty"), CONTAINER_ROOT_EMPTY);
        assert_int_equal(container_root_look(host_fd, "/whole", "/link"), CONTAINER_ROOT_FOREIGN);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_container_root__looks_at_what_is_in_it),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
