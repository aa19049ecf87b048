/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/sync.h"

#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static dev_t synced; /* the last one */
static unsigned n_syncs;
static int answer;

int __wrap_syncfs(int fd);
int __wrap_syncfs(int fd) {
        struct stat status;
        assert_int_equal(fstat(fd, &status), 0);
        synced = status.st_dev;
        n_syncs++;
        errno = EIO;
        return answer;
}

static int set_up(void **state) {
        (void) state;
        n_syncs = 0;
        answer = 0;
        return 0;
}

static dev_t device_of(const char *path) {
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        return status.st_dev;
}

static void test_sync__what_the_caller_syncs_is_left_to_it(void **state) {
        (void) state;
        Error error;
        cleanup_fd int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(sync_elsewhere("/proc/sys", fd, &error), 0);
        assert_int_equal(n_syncs, 0);
}

static void test_sync__another_file_system_is_synced(void **state) {
        (void) state;
        Error error;
        cleanup_fd int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(sync_elsewhere("/", fd, &error), 0);
        assert_int_equal(n_syncs, 1);
        assert_true(synced == device_of("/"));
        assert_int_equal(sync_elsewhere("/", -1, &error), 0); /* the caller has none */
        assert_int_equal(n_syncs, 2);
}

static void test_sync__what_is_not_there_is_on_the_disk(void **state) {
        (void) state;
        Error error;
        assert_int_equal(sync_elsewhere("/proc/self/nothing", -1, &error), 0);
        assert_int_equal(n_syncs, 0);
}

static void test_sync__a_failure_is_told(void **state) {
        (void) state;
        Error error;
        answer = -1;
        assert_int_equal(sync_elsewhere("/", -1, &error), -EIO);
        assert_non_null(strstr(error.message, "Cannot sync /"));
        assert_int_equal(sync_elsewhere("/proc/version", -1, &error), -ENOTDIR);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_sync__what_the_caller_syncs_is_left_to_it, set_up),
                cmocka_unit_test_setup(test_sync__another_file_system_is_synced, set_up),
                cmocka_unit_test_setup(test_sync__what_is_not_there_is_on_the_disk, set_up),
                cmocka_unit_test_setup(test_sync__a_failure_is_told, set_up),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
