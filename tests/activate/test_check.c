/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/check.h"
#include "base/clock.h"
#include "base/strv.h"
#include "base/text.h"
#include "tests/support/cmocka.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define SECOND UINT64_C(1000000)

static const char *program; /* this one: it tries sockets from inside a check */

typedef struct Heard {
        Strv lines;
        char *mounts; /* the test's own, while the check runs */
} Heard;

static void heard_done(Heard *heard) {
        strv_done(&heard->lines);
        free(heard->mounts);
}

static char *read_all(const char *path) {
        cleanup(text_donep) Text text = { 0 };
        cleanup_file FILE *file = fopen(path, "re");
        assert_non_null(file);
        char part[4096];
        for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0;)
                text_add_n(&text, part, n);
        char *all = NULL;
        assert_int_equal(text_take(&text, &all), 0);
        return all;
}

static void hear(void *userdata, const char *line) {
        Heard *heard = userdata;
        assert_int_equal(strv_add(&heard->lines, line), 0);
        free(heard->mounts);
        heard->mounts = read_all("/proc/self/mountinfo");
}

/* Root in a container may be forbidden namespaces, and a kernel may lack overlays. */
static bool is_possible(void) {
        if (geteuid() != 0)
                return false;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET) < 0);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        cleanup_free char *types = read_all("/proc/filesystems");
        return status == 0 && strstr(types, "\toverlay\n");
}

static int run(CheckRun *check, Heard *heard, Error *error) {
        if (!is_possible())
                skip();
        check->output = hear;
        check->userdata = heard;
        if (check->timeout_usec == 0)
                check->timeout_usec = 60 * SECOND;
        return check_run(check, error);
}

static int run_shell(const char *script, Heard *heard) {
        Error error = { 0 };
        const char *const arguments[] = { "sh", "-c", script, NULL };
        CheckRun check = { .arguments = arguments };
        int r = run(&check, heard, &error);
        if (r < 0)
                fail_msg("%s", error.message);
        return r;
}

static void test_check__gives_output_and_status(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        assert_int_equal(run_shell("echo one; echo two >&2; exit 7", &heard), 7);
        assert_int_equal(heard.lines.n_items, 2);
        assert_string_equal(heard.lines.items[0], "one");
        assert_string_equal(heard.lines.items[1], "two");
        assert_int_equal(run_shell("kill -KILL $$", &heard), 128 + SIGKILL);
        assert_int_equal(run_shell("kill -TERM $$", &heard), 128 + SIGTERM);
}

static void test_check__sees_the_future_etc(void **state) {
        (void) state;
        if (!is_possible())
                skip();
        cleanup(heard_done) Heard heard = { 0 };
        Error error = { 0 };
        cleanup(contents_freep) Contents *contents = contents_new();
        Content *content = NULL;
        assert_int_equal(contents_add(contents, "new\n", 4, &content, &error), 0);
        const FutureFile files[] = {
                { .path = "passwd" },
                { .path = "check-test", .kind = FOUND_DIRECTORY, .mode = 0750, .gid = 34 },
                { .path = "check-test/a",
                                .kind = FOUND_FILE,
                                .mode = 0640,
                                .uid = 12,
                                .gid = 34,
                                .content = content },
                { .path = "check-test/b", .kind = FOUND_LINK, .target = "a" },
                { .path = "group", .kind = FOUND_FILE, .mode = 0644, .content = content },
        };
        const char *const arguments[] = { "sh", "-c",
                "cd /etc; stat -c '%n %a %u:%g' check-test check-test/a; cat check-test/b group; "
                "test ! -e passwd && test -e /etc/ld.so.cache",
                NULL };
        CheckRun check = { .arguments = arguments, .files = files, .n_files = N_ELEMENTS(files) };
        cleanup_free char *passwd = read_all("/etc/passwd"), *group = read_all("/etc/group");
        int r = run(&check, &heard, &error);
        if (r != 0)
                fail_msg("%d %s", r, error.message);
        assert_int_equal(heard.lines.n_items, 4);
        assert_string_equal(heard.lines.items[0], "check-test 750 0:34");
        assert_string_equal(heard.lines.items[1], "check-test/a 640 12:34");
        assert_string_equal(heard.lines.items[2], "new");
        assert_string_equal(heard.lines.items[3], "new");
        cleanup_free char *passwd_after = read_all("/etc/passwd");
        cleanup_free char *group_after = read_all("/etc/group");
        assert_string_equal(passwd, passwd_after);
        assert_string_equal(group, group_after);
        assert_int_equal(access("/etc/check-test", F_OK), -1);
}

static void test_check__what_it_writes_is_thrown_away(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        static const char *const directories[] = { "/etc", "/run", "/tmp", "/usr", "/var",
                "/root" };
        assert_int_equal(
                        run_shell("for d in /etc /run /tmp /usr /var /root; do echo x > "
                                  "$d/check-test-wrote && cat $d/check-test-wrote || exit 1; done; "
                                  "rm -r /etc/ssl /var/lib/dpkg 2>&1; mkdir /etc/ssl",
                                        &heard),
                        0);
        assert_int_equal(heard.lines.n_items, N_ELEMENTS(directories));
        for (size_t i = 0; i < N_ELEMENTS(directories); i++) {
                char path[64];
                (void) snprintf(path, sizeof(path), "%s/check-test-wrote",
                                directories[i]); /* fits */
                assert_int_equal(access(path, F_OK), -1);
        }
}

/* Looked at while the check is there, and after it. */
static void test_check__its_mounts_are_not_seen_outside(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        cleanup_free char *before = read_all("/proc/self/mountinfo");
        assert_int_equal(run_shell("cat /proc/self/mountinfo; echo", &heard), 0);
        assert_non_null(heard.mounts);
        assert_string_equal(heard.mounts, before);
        cleanup_free char *after = read_all("/proc/self/mountinfo");
        assert_string_equal(after, before);
        assert_non_null(strstr(heard.lines.items[0], " overlay "));
}

static void test_check__has_a_loopback_only(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        assert_int_equal(run_shell("tail -n +3 /proc/net/dev | sed 's/:.*//; s/ //g'", &heard), 0);
        assert_int_equal(heard.lines.n_items, 1);
        assert_string_equal(heard.lines.items[0], "lo");
}

static int listen_at(const char *name) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", name); /* fits */
        socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name));
        if (*name == '@')
                address.sun_path[0] = 0;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, size), 0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static int connect_to(const char *name) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "%s", name); /* fits */
        socklen_t size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(name));
        if (*name == '@')
                address.sun_path[0] = 0;
        cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return connect(fd, (const struct sockaddr *) &address, size) < 0 ? errno : 0;
}

static int bind_to(const char *address) {
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80) };
        cleanup_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
                return EINVAL;
        return bind(fd, (const struct sockaddr *) &to, sizeof(to)) < 0 ? errno : 0;
}

/* What is bound in /run, on another file system, and to no file at all: none can be reached. */
static void test_check__reaches_no_socket_of_the_host(void **state) {
        (void) state;
        if (!is_possible())
                skip();
        char abstract[64], in_run[64], in_var[64];
        (void) snprintf(abstract, sizeof(abstract), "@check-test-%d", getpid()); /* all fit */
        (void) snprintf(in_run, sizeof(in_run), "/run/check-test-%d.sock", getpid());
        (void) snprintf(in_var, sizeof(in_var), "/var/tmp/check-test-%d.sock", getpid());
        const char *const names[] = { abstract, in_run, in_var };
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                cleanup(heard_done) Heard heard = { 0 };
                Error error = { 0 };
                cleanup_fd int fd = listen_at(names[i]);
                assert_int_equal(connect_to(names[i]), 0); /* from here it can */
                const char *const arguments[] = { program, "--connect", names[i], NULL };
                CheckRun check = { .arguments = arguments };
                int r = run(&check, &heard, &error);
                if (*names[i] != '@')
                        assert_int_equal(unlink(names[i]), 0);
                if (r < 0)
                        fail_msg("%s", error.message);
                if (names[i] == in_run)
                        assert_int_equal(r, ENOENT);
                else
                        assert_int_equal(r, ECONNREFUSED);
        }
}

/* A service that listens on an address of the host is not wrong for that. */
static void test_check__may_bind_any_address(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        Error error = { 0 };
        assert_int_equal(bind_to("192.0.2.7"), EADDRNOTAVAIL);
        const char *const arguments[] = { program, "--bind", "192.0.2.7", NULL };
        CheckRun check = { .arguments = arguments };
        assert_int_equal(run(&check, &heard, &error), 0);
}

static void test_check__cannot_touch_processes_of_the_host(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        char script[256];
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                for (;;)
                        (void) pause();
        (void) snprintf(script, sizeof(script), "kill -KILL %d %d; ls -d /proc/[0-9]* | wc -l", pid,
                        getpid()); /* fits */
        assert_int_equal(run_shell(script, &heard), 0);
        int n_seen = atoi(heard.lines.items[heard.lines.n_items - 1]);
        assert_in_range(n_seen, 2, 5); /* the first, the shell, ls, wc */
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_check__has_not_the_rights_of_root(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        static const char *const scripts[] = {
                "mount -t tmpfs tmpfs /mnt",
                "umount /proc",
                "mount -o remount,rw /proc",
                "mount -o remount,rw /sys",
                "mknod /tmp/disk b 253 0",
                "mknod /tmp/mem c 1 1",
                "echo 1 > /proc/sys/vm/drop_caches",
                "unshare --mount true",
                "nsenter --target 1 --mount true",
                "ls /proc/1/root/",
                "ls /dev/sda /dev/vda /dev/loop0 /dev/mem /dev/kmsg /dev/tty",
                "date -s 2001-01-01",
        };
        for (size_t i = 0; i < N_ELEMENTS(scripts); i++)
                if (run_shell(scripts[i], &heard) == 0)
                        fail_msg("a check may: %s", scripts[i]);
        assert_int_equal(run_shell("echo > /dev/null && head -c 1 /dev/urandom > /dev/shm/x && "
                                   "hostname check-test",
                                         &heard),
                        1); /* the name is its own, and yet not to be set */
}

/* How many processes have the word among their arguments: it is seen here under another pid. */
static unsigned count_processes(const char *word) {
        unsigned n = 0;
        DIR *directory = opendir("/proc");
        assert_non_null(directory);
        for (struct dirent *entry; (entry = readdir(directory));) {
                char path[300], text[4096];
                (void) snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name); /* fits */
                FILE *file = atoi(entry->d_name) > 0 ? fopen(path, "re") : NULL;
                if (!file)
                        continue;
                size_t length = fread(text, 1, sizeof(text), file);
                n += memmem(text, length, word, strlen(word)) != NULL;
                assert_int_equal(fclose(file), 0);
        }
        assert_int_equal(closedir(directory), 0);
        return n;
}

static void test_check__the_deadline_ends_all_of_it(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        Error error = { 0 };
        char word[32], script[256];
        (void) snprintf(word, sizeof(word), "98765.%d", getpid()); /* both fit */
        (void) snprintf(script, sizeof(script),
                        "trap '' TERM; setsid sleep %s & sleep %s & echo started; wait", word,
                        word);
        const char *const arguments[] = { "sh", "-c", script, NULL };
        CheckRun check = { .arguments = arguments, .timeout_usec = SECOND };
        uint64_t begin = now_usec();
        assert_int_equal(run(&check, &heard, &error), -ETIMEDOUT);
        assert_true(now_usec() - begin < 20 * SECOND);
        assert_int_equal(heard.lines.n_items, 1);
        assert_int_equal(count_processes(word), 0);
}

static bool should_stop(void) {
        return true;
}

static void test_check__it_can_be_stopped(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        Error error = { 0 };
        const char *const arguments[] = { "sleep", "1000", NULL };
        CheckRun check = { .arguments = arguments, .should_stop = should_stop };
        uint64_t begin = now_usec();
        assert_int_equal(run(&check, &heard, &error), -EINTR);
        assert_true(now_usec() - begin < 20 * SECOND);
}

static void test_check__leaves_no_process_behind(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        char word[32], script[256];
        (void) snprintf(word, sizeof(word), "98764.%d", getpid()); /* both fit */
        (void) snprintf(script, sizeof(script), "setsid sleep %s & echo started; exit 3", word);
        assert_int_equal(run_shell(script, &heard), 3);
        assert_int_equal(count_processes(word), 0);
}

static void test_check__a_program_that_is_not_there_is_an_error(void **state) {
        (void) state;
        cleanup(heard_done) Heard heard = { 0 };
        Error error = { 0 };
        const char *const arguments[] = { "check-test-no-such-program", NULL };
        CheckRun check = { .arguments = arguments };
        assert_int_equal(run(&check, &heard, &error), -ENOENT);
        assert_false(check_is_installed("check-test-no-such-program"));
        assert_false(check_is_installed("/usr/bin/check-test-no-such-program"));
        assert_true(check_is_installed("sh"));
        assert_true(check_is_installed("/bin/sh"));
}

static void test_check__what_is_hidden_is_empty(void **state) {
        (void) state;
        if (!is_possible())
                skip();
        cleanup(heard_done) Heard heard = { 0 };
        Error error = { 0 };
        char path[] = "/var/tmp/check-test-XXXXXX", file[64];
        assert_non_null(mkdtemp(path));
        (void) snprintf(file, sizeof(file), "%s/state.db", path); /* fits */
        FILE *made = fopen(file, "wxe");
        assert_non_null(made);
        assert_int_equal(fclose(made), 0);
        const char *const arguments[] = { "sh", "-c",
                "ls -A \"$0\"; ! touch \"$0/x\" && test -d /run/of-it", path, NULL };
        CheckRun check = { .arguments = arguments, .hidden = path, .directory = "/run/of-it" };
        int r = run(&check, &heard, &error);
        assert_int_equal(unlink(file), 0);
        assert_int_equal(rmdir(path), 0);
        if (r != 0)
                fail_msg("%d %s", r, error.message);
        assert_int_equal(heard.lines.n_items, 1); /* what touch says */
        assert_null(strstr(heard.lines.items[0], "state.db"));
        assert_int_equal(access("/run/of-it", F_OK), -1);
}

int main(int argc, char **argv) {
        char path[4096];
        ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
        if (argc == 3 && strcmp(argv[1], "--connect") == 0)
                return connect_to(argv[2]);
        if (argc == 3 && strcmp(argv[1], "--bind") == 0)
                return bind_to(argv[2]);
        if (length < 0)
                return EXIT_FAILURE;
        path[length] = 0;
        program = path;
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check__gives_output_and_status),
                cmocka_unit_test(test_check__sees_the_future_etc),
                cmocka_unit_test(test_check__what_it_writes_is_thrown_away),
                cmocka_unit_test(test_check__its_mounts_are_not_seen_outside),
                cmocka_unit_test(test_check__has_a_loopback_only),
                cmocka_unit_test(test_check__reaches_no_socket_of_the_host),
                cmocka_unit_test(test_check__may_bind_any_address),
                cmocka_unit_test(test_check__cannot_touch_processes_of_the_host),
                cmocka_unit_test(test_check__has_not_the_rights_of_root),
                cmocka_unit_test(test_check__the_deadline_ends_all_of_it),
                cmocka_unit_test(test_check__it_can_be_stopped),
                cmocka_unit_test(test_check__leaves_no_process_behind),
                cmocka_unit_test(test_check__a_program_that_is_not_there_is_an_error),
                cmocka_unit_test(test_check__what_is_hidden_is_empty),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
