/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/lock.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static int take(void **state, const char *what) {
        Error error;
        int fd = lock_take(scratch_path(state, "lib/sysswitch"), what, NULL, &error);
        assert_ok(fd);
        return fd;
}

static int query(void **state, LockHolder *ret_holder) {
        Error error;
        int r = lock_query(scratch_path(state, "lib/sysswitch"), ret_holder, &error);
        assert_ok(r);
        return r;
}

static void test_lock_query__is_free_at_first(void **state) {
        LockHolder holder = { .pid = -1 };
        assert_int_equal(query(state, &holder), 0);
        assert_false(scratch_exists(state, "lib")); /* asking makes nothing */
        assert_int_equal(holder.pid, -1);
}

static void test_lock_take__excludes_and_names_the_holder(void **state) {
        uint64_t before = (uint64_t) time(NULL) * 1000000;
        cleanup_fd int fd = take(state, "switch examples/edge1 by root");
        Error error;
        LockHolder holder = { 0 };
        assert_error(lock_take(scratch_path(state, "lib/sysswitch"), "rollback", &holder, &error),
                        -EBUSY);
        assert_int_equal(holder.pid, getpid());
        assert_string_equal(holder.what, "switch examples/edge1 by root");
        assert_in_range(holder.since_usec, before, before + 60 * 1000000);
        assert_contains(error.message, "switch examples/edge1 by root");
        char process[32];
        (void) snprintf(process, sizeof(process), "process %d", (int) getpid()); /* fits */
        assert_contains(error.message, process);
        assert_error(lock_take(scratch_path(state, "lib/sysswitch"), "rollback", NULL, &error),
                        -EBUSY);
}

static void test_lock_take__is_private(void **state) {
        cleanup_fd int fd = take(state, "switch");
        struct stat status;
        assert_int_equal(stat(scratch_path(state, "lib/sysswitch"), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0700);
        assert_int_equal(stat(scratch_path(state, "lib/sysswitch/lock"), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
}

static void test_lock_query__does_not_take_it(void **state) {
        LockHolder holder = { 0 };
        int fd = take(state, "first");
        assert_int_equal(query(state, &holder), 1);
        assert_string_equal(holder.what, "first");
        assert_int_equal(close(fd), 0);
        assert_int_equal(query(state, &holder), 0);
        cleanup_fd int again = take(state, "second, shorter");
        assert_int_equal(query(state, &holder), 1);
        assert_string_equal(holder.what, "second, shorter");
}

static void test_lock__ends_with_its_process(void **state) {
        int ready[2];
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                Error error;
                int fd = lock_take(scratch_path(state, "lib/sysswitch"), "child", NULL, &error);
                (void) !write(ready[1], "", fd >= 0); /* the parent waits for the byte */
                (void) pause();
                _exit(0);
        }
        char byte;
        assert_int_equal(read(ready[0], &byte, 1), 1);
        LockHolder holder = { 0 };
        assert_int_equal(query(state, &holder), 1);
        assert_int_equal(holder.pid, child);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(query(state, &holder), 0); /* though the file still names it */
        cleanup_fd int fd = take(state, "parent");
        assert_int_equal(close(ready[0]), 0);
        assert_int_equal(close(ready[1]), 0);
}

static void test_lock_query__a_text_that_cannot_be_read_is_unknown(void **state) {
        static const char *const texts[] = { "", "garbage", "12", "12 x y", "-",
                "99999999999999999999 1 a" };
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                cleanup_fd int fd = take(state, "switch");
                assert_int_equal(ftruncate(fd, 0), 0);
                assert_int_equal(pwrite(fd, texts[i], strlen(texts[i]), 0), strlen(texts[i]));
                LockHolder holder = { .pid = -1 };
                assert_int_equal(query(state, &holder), 1);
                assert_int_equal(holder.since_usec, 0);
                assert_int_equal(holder.pid, 0);
        }
}

static void test_lock_take__a_long_text_is_cut(void **state) {
        char what[1000];
        memset(what, 'w', sizeof(what) - 1);
        what[sizeof(what) - 1] = 0;
        cleanup_fd int fd = take(state, what);
        LockHolder holder = { 0 };
        assert_int_equal(query(state, &holder), 1);
        assert_int_equal(strlen(holder.what), sizeof(holder.what) - 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_lock_query__is_free_at_first),
                TEST(test_lock_take__excludes_and_names_the_holder),
                TEST(test_lock_take__is_private),
                TEST(test_lock_query__does_not_take_it),
                TEST(test_lock__ends_with_its_process),
                TEST(test_lock_query__a_text_that_cannot_be_read_is_unknown),
                TEST(test_lock_take__a_long_text_is_cut),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
