/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/initrd.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A root with images, and a directory for the journal. */
typedef struct Files {
        char path[64], state[96];
        int fd;
        Arena arena;
        InitrdImage images[2]; /* one that is there, one that is not */
        Initrd initrd;
} Files;

static void run(const char *format, const char *path) {
        char command[256];
        (void) snprintf(command, sizeof(command), "set -e; cd %s; %s", path, format);
        assert_int_equal(system(command), 0);
}

static void put(Files *files, const char *path, const char *text) {
        char whole[PATH_MAX];
        (void) snprintf(whole, sizeof(whole), "%s/%s", files->path, path);
        FILE *file = fopen(whole, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void is_text(Files *files, const char *path, const char *want) {
        char whole[PATH_MAX], got[512] = "";
        (void) snprintf(whole, sizeof(whole), "%s/%s", files->path, path);
        FILE *file = fopen(whole, "r");
        if (!want) {
                assert_null(file);
                return;
        }
        assert_non_null(file);
        assert_true(fread(got, 1, sizeof(got) - 1, file) > 0);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(got, want);
}

static int set_up(void **state) {
        Files *files = calloc(1, sizeof(Files));
        assert_non_null(files);
        strcpy(files->path, "/tmp/test-initrd-XXXXXX");
        assert_non_null(mkdtemp(files->path));
        run("mkdir boot state etc usr usr/bin usr/sbin lib lib/modules lib/modules/6.1 efi",
                        files->path);
        (void) snprintf(files->state, sizeof(files->state), "%s/state", files->path);
        files->fd = open(files->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(files->fd >= 0);
        put(files, "boot/one", "old one");
        files->images[0] = (InitrdImage){
                .path = arena_printf(&files->arena, "%s/boot/one", files->path), .is_there = true
        };
        files->images[1] = (InitrdImage){ .path = arena_printf(&files->arena, "%s/boot/two",
                                                          files->path) };
        files->initrd = (Initrd){
                .maker = INITRD_DRACUT, .version = "6.1", .images = files->images, .n_images = 2
        };
        *state = files;
        return 0;
}

static int tear_down(void **state) {
        Files *files = *state;
        run("rm -rf \"$PWD\"", files->path);
        (void) close(files->fd);
        arena_done(&files->arena);
        free(files);
        return 0;
}

/* Nothing beside the images is left. */
static void is_tidy(Files *files) {
        run("test \"$(ls boot state | grep -cv '^one$\\|^two$\\|:$\\|^$')\" = 0", files->path);
}

static void make_new(Files *files) {
        put(files, "boot/one" INITRD_NEW, "new one");
        put(files, "boot/two" INITRD_NEW, "new two");
}

static const InitrdSettle commit = { .is_commit = true }, undo = { 0 };

static void test_initrd__placed_and_committed(void **state) {
        Files *files = *state;
        const InitrdRun options = { 0 };
        assert_int_equal(initrd_begin(files->state, &files->initrd, 1, NULL), 0);
        make_new(files);
        assert_int_equal(initrd_place(files->state, &files->initrd, 1, &options, NULL), 0);
        is_text(files, "boot/one", "new one");
        is_text(files, "boot/two", "new two");
        is_text(files, "boot/one" INITRD_OLD, "old one");
        assert_int_equal(initrd_settle(files->state, &commit, NULL), 0);
        is_text(files, "boot/one", "new one");
        is_text(files, "boot/two", "new two");
        is_tidy(files);
        assert_int_equal(initrd_settle(files->state, &undo, NULL), 0); /* no journal */
        is_text(files, "boot/one", "new one");
}

/* Whatever was done of it when it ended, and once more. */
static void test_initrd__taken_back_from_everywhere(void **state) {
        static const struct {
                const char *done, *why;
        } rows[] = {
                { "true", "nothing was made" },
                { "echo half > boot/one.sysswitch-new", "the maker was at work" },
                { "echo a > boot/one.sysswitch-new; echo b > boot/two.sysswitch-new", "made" },
                { "echo a > boot/one.sysswitch-new; ln boot/one boot/one.sysswitch-old;"
                  "echo b > boot/two.sysswitch-new",
                                "kept" },
                { "mv boot/one boot/one.sysswitch-old; echo a > boot/one;"
                  "touch boot/two.sysswitch-old; echo b > boot/two.sysswitch-new",
                                "the first is placed" },
                { "mv boot/one boot/one.sysswitch-old; echo a > boot/one;"
                  "touch boot/two.sysswitch-old; echo b > boot/two",
                                "both are" },
                { "touch boot/two.sysswitch-old; echo b > boot/two",
                                "the first is put back already" },
                { "echo half > boot/initrd.sysswitch-copy", "it was kept by a copy, on FAT" },
        };
        Files *files = *state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                assert_int_equal(initrd_begin(files->state, &files->initrd, 1, NULL), 0);
                run(rows[i].done, files->path);
                assert_int_equal(initrd_settle(files->state, &undo, NULL), 0);
                is_text(files, "boot/one", "old one");
                is_text(files, "boot/two", NULL);
                is_tidy(files);
        }
}

/* A package of a kernel makes its first initrd while we do. */
static void test_initrd__of_somebody_else(void **state) {
        Files *files = *state;
        const InitrdRun options = { 0 };
        assert_int_equal(initrd_begin(files->state, &files->initrd, 1, NULL), 0);
        put(files, "boot/two", "theirs");
        assert_int_equal(initrd_settle(files->state, &undo, NULL), 0); /* our maker failed */
        is_text(files, "boot/two", "theirs");
        is_tidy(files);
        assert_int_equal(initrd_begin(files->state, &files->initrd, 1, NULL), 0);
        make_new(files);
        assert_int_equal(initrd_place(files->state, &files->initrd, 1, &options, NULL), 0);
        is_text(files, "boot/two", "new two");
        assert_int_equal(initrd_settle(files->state, &undo, NULL), 0);
        is_text(files, "boot/two", "theirs");
        is_tidy(files);
}

/* One is killed, and a package has its image made before that is set right. */
static void test_initrd__of_somebody_else_since(void **state) {
        Files *files = *state;
        const InitrdRun options = { 0 };
        assert_int_equal(initrd_begin(files->state, &files->initrd, 1, NULL), 0);
        make_new(files);
        assert_int_equal(initrd_place(files->state, &files->initrd, 1, &options, NULL), 0);
        run("printf 'not ours' > boot/one; rm boot/two; printf 'not ours' > boot/two", files->path);
        assert_int_equal(initrd_settle(files->state, &undo, NULL), 0);
        is_text(files, "boot/one", "not ours");
        is_text(files, "boot/two", "not ours");
        is_tidy(files);
}

static void test_initrd__times(void **state) {
        (void) state;
        assert_true(initrd_is_same_time(1000000, 1000001));
        assert_false(initrd_is_same_time(1000000, 1000002));
        assert_true(initrd_is_same_time(1000000, 1000000 - 2 * 3600 + 1)); /* another zone */
        assert_false(initrd_is_same_time(1000000, 1000000 + 2 * 3600 + 60));
}

/* FAT would free the blocks of the old one before its name leads elsewhere. */
static bool holds_what_went;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd) {
        for (int other = 3; other < 64; other++) {
                char link[64], path[PATH_MAX];
                (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", other);
                ssize_t length = readlink(link, path, sizeof(path) - 1);
                path[length > 0 ? length : 0] = 0;
                holds_what_went |= strstr(path, "/boot/one (deleted)") != NULL;
        }
        return __real_fsync(fd);
}

static void test_initrd__held_until_its_name_is_on_the_disk(void **state) {
        Files *files = *state;
        const InitrdRun options = { 0 };
        assert_int_equal(initrd_begin(files->state, &files->initrd, 1, NULL), 0);
        make_new(files);
        holds_what_went = false;
        assert_int_equal(initrd_place(files->state, &files->initrd, 1, &options, NULL), 0);
        assert_true(holds_what_went);
        holds_what_went = false;
        assert_int_equal(initrd_settle(files->state, &undo, NULL), 0);
        assert_true(holds_what_went);
        is_text(files, "boot/one", "old one");
}

static void test_initrd__a_kernel_that_went_meanwhile(void **state) {
        Files *files = *state;
        assert_int_equal(initrd_begin(files->state, &files->initrd, 1, NULL), 0);
        run("rm -r boot", files->path);
        assert_int_equal(initrd_settle(files->state, &undo, NULL), 0);
        run("test ! -e state/initrds", files->path);
}

/* One that no run of ours wrote is as long as it is, and no more of it is read. */
static void test_initrd__a_journal_without_its_end(void **state) {
        Files *files = *state;
        Error error;
        put(files, "state/initrds", "dracut 6.1 /nowhere/one");
        assert_int_equal(initrd_settle(files->state, &undo, &error), 0);
        run("test ! -e state/initrds", files->path);
        put(files, "state/initrds", "dracut 6.1");
        assert_int_equal(initrd_settle(files->state, &undo, &error), -EBADMSG);
        run("test -e state/initrds", files->path);
}

/* What has its images is not mounted: what is below that path then is another file system. */
static void test_initrd__not_mounted(void **state) {
        Files *files = *state;
        Error error;
        struct stat root, own;
        char journal[512];
        assert_true(stat("/", &root) >= 0 && stat(files->path, &own) >= 0);
        const char *directory = root.st_dev == own.st_dev ? "boot" : "nowhere";
        (void) snprintf(journal, sizeof(journal), "dracut 6.1 7:8 mounted %s/%s/one\n", files->path,
                        directory);
        put(files, "state/initrds", journal);
        assert_int_equal(initrd_settle(files->state, &undo, &error), -ENXIO);
        assert_non_null(strstr(error.message, "/one: Its file system is not mounted"));
        is_text(files, "state/initrds", journal);
        assert_int_equal(initrd_settle(files->state, &commit, &error), 0);
        run("test ! -e state/initrds", files->path);
        is_text(files, "boot/one", "old one");
}

static void is_found(Files *files, InitrdMaker maker, const char *want, bool is_there) {
        Initrd initrd;
        assert_int_equal(initrd_find(files->fd, maker, "6.1", &files->arena, &initrd, NULL), 0);
        assert_string_equal(initrd.images[0].path, want);
        assert_int_equal(initrd.images[0].is_there, is_there);
        assert_string_equal(initrd.version, "6.1");
}

static void test_initrd__where_images_are(void **state) {
        Files *files = *state;
        is_found(files, INITRD_INITRAMFS_TOOLS, "/boot/initrd.img-6.1", false);
        is_found(files, INITRD_DRACUT, "/boot/initramfs-6.1.img", false);
        is_found(files, INITRD_MKINITCPIO, "/boot/initramfs-6.1.img", false);
        put(files, "etc/debian_version", "12\n");
        is_found(files, INITRD_DRACUT, "/boot/initrd.img-6.1", false);
        put(files, "etc/machine-id", "abc\n");
        run("mkdir -p efi/abc/6.1 boot/abc/6.1; touch efi/abc/6.1/initrd boot/abc/6.1/initrd",
                        files->path);
        is_found(files, INITRD_DRACUT, "/efi/abc/6.1/initrd", true);
        run("touch boot/initramfs-6.1.img", files->path);
        is_found(files, INITRD_DRACUT, "/boot/initramfs-6.1.img", true);
        put(files, "lib/modules/6.1/pkgbase", "linux\n");
        is_found(files, INITRD_MKINITCPIO, "/boot/initramfs-linux.img", false);
        run("touch boot/initramfs-linux.img boot/initramfs-linux-fallback.img", files->path);
        Initrd initrd;
        assert_int_equal(initrd_find(files->fd, INITRD_MKINITCPIO, "6.1", &files->arena, &initrd,
                                         NULL),
                        0);
        assert_int_equal(initrd.n_images, 2);
        assert_true(!initrd.images[0].is_fallback && initrd.images[1].is_fallback);
        run("mkdir -p etc/mkinitcpio.d etc/kernel", files->path);
        put(files, "etc/mkinitcpio.d/linux.preset",
                        "#default_image=\"/no\"\ndefault_image=\"/efi/arch/linux.img\"\n");
        run("rm boot/initramfs-linux-fallback.img", files->path);
        is_found(files, INITRD_MKINITCPIO, "/efi/arch/linux.img", false);
        assert_int_equal(initrd_find(files->fd, INITRD_MKINITCPIO, "6.1", &files->arena, &initrd,
                                         NULL),
                        0);
        assert_null(initrd.uki);
        put(files, "etc/mkinitcpio.d/linux.preset",
                        "PRESETS=('default' 'fallback')\n#default_image=\"/no\"\n"
                        "default_uki=\"/efi/EFI/Linux/arch-linux.efi\"\n");
        assert_int_equal(initrd_find(files->fd, INITRD_MKINITCPIO, "6.1", &files->arena, &initrd,
                                         NULL),
                        0);
        assert_string_equal(initrd.uki, "/efi/EFI/Linux/arch-linux.efi");
        assert_int_equal(initrd.n_images, 0); /* the one in /boot is of nobody any more */
        put(files, "etc/mkinitcpio.d/linux.preset",
                        "default_uki='/efi/EFI/Linux/arch-linux.efi'\ndefault_image=/boot/i.img\n");
        is_found(files, INITRD_MKINITCPIO, "/boot/i.img", false);
        assert_false(initrd_is_in_uki(files->fd));
        put(files, "etc/kernel/install.conf", "# layout=bls\nlayout=uki\n");
        assert_true(initrd_is_in_uki(files->fd));
}

static void test_initrd__which_maker(void **state) {
        Files *files = *state;
        assert_int_equal(initrd_maker_find(files->fd), INITRD_NO_MAKER);
        put(files, "usr/bin/mkinitcpio", "#!/bin/bash\n"); /* reads no directory */
        assert_int_equal(initrd_maker_find(files->fd), INITRD_NO_MAKER);
        put(files, "usr/bin/dracut", "");
        assert_int_equal(initrd_maker_find(files->fd), INITRD_DRACUT);
        put(files, "usr/bin/mkinitcpio", "#!/bin/bash\n_d_config=\"${_f_config}.d\"\n");
        assert_int_equal(initrd_maker_find(files->fd), INITRD_MKINITCPIO);
        put(files, "usr/sbin/mkinitramfs", ""); /* of initramfs-tools-core alone */
        assert_int_equal(initrd_maker_find(files->fd), INITRD_MKINITCPIO);
        put(files, "usr/sbin/update-initramfs", "");
        assert_int_equal(initrd_maker_find(files->fd), INITRD_INITRAMFS_TOOLS);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_initrd__placed_and_committed),
                TEST(test_initrd__taken_back_from_everywhere),
                TEST(test_initrd__of_somebody_else),
                TEST(test_initrd__of_somebody_else_since),
                TEST(test_initrd__times),
                TEST(test_initrd__held_until_its_name_is_on_the_disk),
                TEST(test_initrd__a_kernel_that_went_meanwhile),
                TEST(test_initrd__a_journal_without_its_end),
                TEST(test_initrd__not_mounted),
                TEST(test_initrd__where_images_are),
                TEST(test_initrd__which_maker),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
