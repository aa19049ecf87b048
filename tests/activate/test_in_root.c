/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/in_root.h"

#include "activate/removal.h"
#include "tests/support/cmocka.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/in-root-XXXXXX";

static int set_up(void **state) {
        (void) state;
        return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state) {
        (void) state;
        Error error;
        return removal_run(directory, &error);
}

/* Anywhere: the kernel looks at no more than that somebody did. */
static _Noreturn void rename_for_ever(int fd) {
        for (;;)
                if (renameat(fd, "one", fd, "two") < 0 || renameat(fd, "two", fd, "one") < 0)
                        _exit(1);
}

static void test_in_root__others_rename_meanwhile(void **state) {
        (void) state;
        cleanup_fd int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(fd, "one", 0755), 0);
        assert_int_equal(mkdirat(fd, "real", 0755), 0);
        assert_int_equal(mkdirat(fd, "real/below", 0755), 0);
        char path[256] = ""; /* long enough to be caught on the way, and not always */
        while (strlen(path) < sizeof(path) - 64)
                (void) strcat(path, "real/below/../../");
        (void) strcat(path, "real/below");
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
                rename_for_ever(fd);
        int r = 0;
        for (int i = 0; r >= 0 && i < 20000; i++) {
                cleanup_fd int below = in_root_open(fd, path, O_PATH);
                r = below;
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        if (r < 0)
                fail_msg("%s", strerror(-r));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_in_root__others_rename_meanwhile),
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
