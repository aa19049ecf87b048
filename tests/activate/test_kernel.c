/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/kernel.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* A root with some files of kernels. */
typedef struct Files {
        char path[64];
        int fd;
        Arena arena;
} Files;

static void begin(Files *files) {
        *files = (Files){ .path = "/tmp/test-kernel-XXXXXX" };
        assert_non_null(mkdtemp(files->path));
        files->fd = open(files->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(files->fd >= 0);
        static const char *const directories[] = { "proc", "boot", "lib", "lib/modules",
                "lib/modules/6.1.9", "lib/modules/6.1.10", "lib/modules/7.0" };
        for (size_t i = 0; i < N_ELEMENTS(directories); i++)
                assert_int_equal(mkdirat(files->fd, directories[i], 0755), 0);
}

static void end(Files *files) {
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -rf %s", files->path);
        assert_int_equal(system(command), 0);
        (void) close(files->fd);
        arena_done(&files->arena);
}

static void put(Files *files, const char *path, const char *text, bool is_compressed) {
        char whole[128];
        (void) snprintf(whole, sizeof(whole), "%s/%s", files->path, path);
        gzFile file = gzopen(whole, is_compressed ? "w" : "wT");
        assert_non_null(file);
        assert_int_equal(gzwrite(file, text, (unsigned) strlen(text)), strlen(text));
        assert_int_equal(gzclose(file), Z_OK);
}

static void has(Files *files, bool is_running, const char *path, const char *text) {
        KernelConfig config;
        Error error = { 0 };
        if (kernel_config_read(files->fd, "6.1.9", is_running, &files->arena, &config, &error) < 0)
                fail_msg("%s", error.message);
        assert_string_equal(config.path, path);
        if (text)
                assert_string_equal(config.text, text);
        else
                assert_null(config.text);
}

static void test_kernel__each_source_of_a_configuration(void **state) {
        (void) state;
        Files files;
        begin(&files);
        has(&files, true, "/proc/config.gz, /boot/config-6.1.9, /lib/modules/6.1.9/config", NULL);
        has(&files, false, "/boot/config-6.1.9, /lib/modules/6.1.9/config", NULL);
        put(&files, "lib/modules/6.1.9/config", "CONFIG_A=y\n", false);
        has(&files, true, "/lib/modules/6.1.9/config", "CONFIG_A=y\n");
        put(&files, "boot/config-6.1.9", "CONFIG_B=y\n", false);
        has(&files, true, "/boot/config-6.1.9", "CONFIG_B=y\n");
        put(&files, "boot/config-6.1.9", "CONFIG_C=y\n", true);
        has(&files, false, "/boot/config-6.1.9", "CONFIG_C=y\n");
        put(&files, "proc/config.gz", "CONFIG_D=y\n", true);
        has(&files, true, "/proc/config.gz", "CONFIG_D=y\n");
        has(&files, false, "/boot/config-6.1.9", "CONFIG_C=y\n");
        end(&files);
}

static void test_kernel__a_damaged_one_is_an_error(void **state) {
        (void) state;
        Files files;
        KernelConfig config;
        Error error;
        begin(&files);
        /* cut off, empty, of another compression, and what has no option: !X would be met by each
         */
        static const char *const texts[] = { "\x1f\x8b\x08 and no more", "",
                "\xfd"
                "7zXZ",
                "# CONFIG_A is not set\n" };
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                put(&files, "boot/config-6.1.9", texts[i], false);
                assert_int_equal(kernel_config_read(files.fd, "6.1.9", false, &files.arena, &config,
                                                 &error),
                                -EBADMSG);
                assert_string_equal(error.message,
                                "/boot/config-6.1.9: Is damaged, or no configuration of a kernel: "
                                "mend it, or move it away");
        }
        end(&files);
}

static void next_is(Files *files, const char *want) {
        const char *version = NULL;
        assert_int_equal(kernel_next_version(files->fd, &files->arena, &version, NULL), 0);
        if (want)
                assert_string_equal(version, want);
        else
                assert_null(version);
}

static void test_kernel__which_boots_next(void **state) {
        (void) state;
        Files files;
        begin(&files);
        next_is(&files, NULL); /* modules alone are no kernel */
        put(&files, "boot/vmlinuz-6.1.9", "", false);
        next_is(&files, "6.1.9");
        put(&files, "lib/modules/6.1.10/vmlinuz", "", false);
        next_is(&files, "6.1.10");
        assert_int_equal(symlinkat("vmlinuz-5", files.fd, "boot/vmlinuz"), 0);
        next_is(&files, "5");
        assert_int_equal(symlinkat("boot/vmlinuz-6.1.9", files.fd, "vmlinuz"), 0);
        next_is(&files, "6.1.9");
        end(&files);
}

static void test_kernel__the_running_one(void **state) {
        (void) state;
        Arena arena = { 0 };
        RunningKernel running;
        assert_int_equal(kernel_running(&arena, &running, NULL), 0);
        assert_true(*running.version);
        assert_true(running.command_line && *running.command_line);
        arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kernel__each_source_of_a_configuration),
                cmocka_unit_test(test_kernel__a_damaged_one_is_an_error),
                cmocka_unit_test(test_kernel__which_boots_next),
                cmocka_unit_test(test_kernel__the_running_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
