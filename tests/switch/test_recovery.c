/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A switch of a directory dies at each of its durable steps, and so does the next one while it sets
 * that right. What the database says is active is then what the files are, and nothing that was not
 * ours is lost. The linker's --wrap leads each such step here. */

#include "switch/recovery.h"

#include "state/displaced.h"
#include "state/record.h"
#include "switch/engine.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { DIED = 99, NEVER = INT32_MAX };

static int n_steps_left = NEVER;      /* then it dies */
static int n_renames_to_fail = NEVER; /* then one fails */

static void step(void) {
        if (n_steps_left == 0)
                _exit(DIED);
        if (n_steps_left != NEVER)
                n_steps_left--;
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
        step();
        if (n_renames_to_fail != NEVER && n_renames_to_fail-- == 0) {
                n_renames_to_fail = NEVER;
                errno = EIO;
                return -1;
        }
        return __real_renameat2(from_fd, from, to_fd, to, flags);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to) {
        step();
        return __real_renameat(from_fd, from, to_fd, to);
}

int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags) {
        step();
        return __real_unlinkat(fd, name, flags);
}

int __real_database_commit(Database *database, Error *reterr);
int __wrap_database_commit(Database *database, Error *reterr);
int __wrap_database_commit(Database *database, Error *reterr) {
        step();
        return __real_database_commit(database, reterr);
}

int __real_record_set_state(Database *database, int64_t id, SwitchState to, Error *reterr);
int __wrap_record_set_state(Database *database, int64_t id, SwitchState to, Error *reterr);
int __wrap_record_set_state(Database *database, int64_t id, SwitchState to, Error *reterr) {
        step();
        return __real_record_set_state(database, id, to, reterr);
}

static char directory[64];

static char *path_of(const char *name) {
        char *path = NULL;
        assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
        return path;
}

static void make_directory(const char *name) {
        cleanup_free char *path = path_of(name);
        assert_int_equal(mkdir(path, 0755), 0);
}

static void put(const char *name, const char *text) {
        cleanup_free char *path = path_of(name);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

/* "": nothing is there. */
static void get(const char *name, char text[32]) {
        cleanup_free char *path = path_of(name);
        cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, text, 31) : 0;
        assert_true(n >= 0);
        text[n] = 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *position) {
        (void) status;
        (void) kind;
        (void) position;
        return remove(path);
}

/* "one" and "two" are the profile's, "gone" is so in the first generation alone, "taken" and "new"
 * in the second; "gone" and "taken" were there before. */
static void make_world(void) {
        (void) snprintf(directory, sizeof(directory), "%s/test-recovery-XXXXXX",
                        access("/dev/shm", W_OK) == 0 ? "/dev/shm"
                                                      : "/tmp"); /* fits; syncing takes its time */
        assert_non_null(mkdtemp(directory));
        static const char *const directories[] = { "image", "image/etc", "a", "a/etc", "b",
                "b/etc" };
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                make_directory(directories[i]);
        static const char *const files[] = { "image/etc/gone", "image/etc/taken" };
        for (size_t i = 0; i < N_ELEMENTS(files); i++)
                put(files[i], "as found");
        static const char *const ours[] = { "a/etc/one", "a/etc/two", "a/etc/gone", "b/etc/one",
                "b/etc/two", "b/etc/taken", "b/etc/new" };
        for (size_t i = 0; i < N_ELEMENTS(ours); i++)
                put(ours[i], *ours[i] == 'a' ? "A" : "B");
}

static void remove_world(void) {
        assert_int_equal(nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int switch_to(const char *source, int *ret_exit_status, Error *reterr) {
        cleanup_free char *root = path_of("image");
        cleanup_free char *reference = path_of(source);
        cleanup(host_donep) Host host;
        assert_int_equal(host_open(root, "system", DATABASE_READ, &host, reterr), 0);
        const EngineOptions options = { .verb = "switch", .user = "root" };
        cleanup(engine_result_donep) EngineResult result = { 0 };
        int r = engine_switch(&host, reference, &options, &result, reterr);
        *ret_exit_status = result.exit_status;
        return r;
}

static void open_locked(const char *root, Host *ret_host) {
        Error error = { 0 };
        assert_int_equal(host_open(root, "system", DATABASE_READ, ret_host, &error), 0);
        assert_int_equal(host_lock(ret_host, "test", &error), 0);
        assert_int_equal(host_make_writable(ret_host, &error), 0);
}

static void close_it(void) {
        cleanup_free char *root = path_of("image");
        cleanup(host_donep) Host host;
        Error error = { 0 };
        open_locked(root, &host);
        const RecoveryOptions options = { .message = "interrupted",
                .exit_status = EXIT_ROLLED_BACK };
        cleanup(recovery_donep) Recovery recovery;
        int r = recovery_run(&host, &options, &recovery, &error);
        if (r < 0)
                fail_msg("%s", error.message);
        assert_int_equal(recovery_is_needed(&host, &error), 0);
}

/* Runs it in a child that dies after so many steps. Returns false when it came to its end before.
 */
static bool dies_after(int n_steps, void (*run)(void)) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                n_steps_left = n_steps;
                run();
                _exit(0);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED);
        return WEXITSTATUS(status) == DIED;
}

static int rename_to_fail = NEVER;

static void switch_to_b(void) {
        Error error = { 0 };
        int exit_status = -1;
        n_renames_to_fail = rename_to_fail;
        int r = switch_to("b", &exit_status, &error);
        assert_int_equal(r < 0, rename_to_fail != NEVER);
        assert_int_equal(exit_status, r < 0 ? EXIT_ROLLED_BACK : EXIT_DONE);
}

static void expect(const char *path, const char *text) {
        char found[32];
        get(path, found);
        assert_string_equal(found, text);
}

static void expect_displaced(const Host *host, const char *path) {
        cleanup(arena_donep) Arena arena = { 0 };
        Found *found = NULL;
        size_t n_found = 0;
        Error error = { 0 };
        assert_int_equal(displaced_load(host->database, "system", ROOT_ETC, host->contents, &arena,
                                         &found, &n_found, &error),
                        0);
        assert_int_equal(n_found, 1);
        assert_string_equal(found[0].path, path);
        assert_int_equal(content_load(host->contents, found[0].content, &error), 0);
        assert_string_equal(found[0].content->data, "as found");
}

/* One of the two, in the files and in the database alike. */
static int64_t expect_either(void) {
        cleanup_free char *root = path_of("image");
        cleanup(host_donep) Host host;
        open_locked(root, &host);
        int64_t active = host.profile.active;
        bool is_new = active != 1;
        expect("image/etc/one", is_new ? "B" : "A");
        expect("image/etc/two", is_new ? "B" : "A");
        expect("image/etc/new", is_new ? "B" : "");
        expect("image/etc/gone", is_new ? "as found" : "A");
        expect("image/etc/taken", is_new ? "B" : "as found");
        expect("image/etc/.sysswitch/manifest", "");
        expect_displaced(&host, is_new ? "taken" : "gone");
        return active;
}

static void begin(void) {
        make_world();
        Error error = { 0 };
        int exit_status = -1;
        assert_int_equal(switch_to("a", &exit_status, &error), 0);
        assert_int_equal(exit_status, EXIT_DONE);
}

/* Returns how many switches came to the second generation. */
static int die_everywhere(void) {
        int n_new = 0;
        for (int first = 0; first < 100; first++) {
                bool has_died = true, has_died_again = true;
                /* of the second deaths each third, another one each time */
                for (int second = first % 3; has_died && has_died_again; second += 3) {
                        begin();
                        has_died = dies_after(first, switch_to_b);
                        has_died_again = has_died && dies_after(second, close_it);
                        close_it();
                        n_new += expect_either() != 1;
                        remove_world();
                }
                if (!has_died)
                        return n_new;
        }
        fail();
        return 0;
}

static void test_recovery__is_old_or_new(void **state) {
        (void) state;
        rename_to_fail = NEVER;
        assert_true(die_everywhere() > 1);
}

static void test_recovery__an_undo_is_no_commit(void **state) {
        (void) state;
        rename_to_fail = 3;
        assert_int_equal(die_everywhere(), 0);
}

/* What cannot be put back is told as such, and stays open until it can. */
static void test_recovery__stays_open_while_it_cannot_be_undone(void **state) {
        (void) state;
        begin();
        rename_to_fail = NEVER;
        int first = 0;
        for (bool is_flipped = false; !is_flipped; first++) {
                char found[32];
                assert_true(dies_after(first, switch_to_b));
                get("image/etc/new", found);
                is_flipped = *found;
                if (!is_flipped)
                        close_it();
        }
        Error error = { 0 };
        int exit_status = -1;
        n_renames_to_fail = 0;
        assert_true(switch_to("a", &exit_status, &error) < 0);
        assert_int_equal(exit_status, EXIT_NEEDS_RECOVER);
        assert_int_equal(switch_to("a", &exit_status, &error), 0);
        assert_int_equal(expect_either(), 1);
        remove_world();
}

/* The last step of all is the record of the commit. What its actions and steps came to is not known
 * then: the next switch does not take them for done. */
static void test_recovery__a_late_commit_is_not_taken_for_done(void **state) {
        (void) state;
        rename_to_fail = NEVER;
        int n_steps = 0;
        begin();
        for (; dies_after(n_steps, switch_to_b); n_steps++) {
                remove_world();
                begin();
        }
        remove_world();
        begin();
        assert_true(dies_after(n_steps - 1, switch_to_b));
        close_it();
        assert_int_equal(expect_either(), 2);
        cleanup_free char *root = path_of("image");
        cleanup(host_donep) Host host;
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord record;
        Error error = { 0 };
        open_locked(root, &host);
        assert_int_equal(record_last_commit(host.database, "system", &arena, &record, &error), 1);
        assert_int_equal(record.to_number, 2);
        assert_int_equal(record.exit_status, EXIT_UNITS_FAILED);
        assert_string_equal(record.message, "interrupted");
        remove_world();
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_recovery__is_old_or_new),
                cmocka_unit_test(test_recovery__an_undo_is_no_commit),
                cmocka_unit_test(test_recovery__stays_open_while_it_cannot_be_undone),
                cmocka_unit_test(test_recovery__a_late_commit_is_not_taken_for_done),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
