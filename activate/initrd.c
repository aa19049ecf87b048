/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/initrd.h"

#include "activate/in_root.h"
#include "activate/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { MKINITCPIO_MAX_BYTES = 1 << 20, NAME_MAX_BYTES = 256, CONF_MAX_BYTES = 1 << 16 };

static bool is_there(int root_fd, const char *path) {
        cleanup_fd int fd = in_root_open(root_fd, path, O_PATH);
        return fd >= 0;
}

/* Before version 38 it reads no directory of configuration files. */
static bool reads_directory(int root_fd) {
        cleanup_free char *text = NULL;
        size_t size = 0;
        return in_root_read(root_fd, "usr/bin/mkinitcpio", MKINITCPIO_MAX_BYTES, &text, &size) >=
                               0 &&
               strstr(text, "_d_config");
}

/* Debian has programs of initramfs-tools without the package, and distributions of mkinitcpio have
 * dracut beside it. */
InitrdMaker initrd_maker_find(int root_fd) {
        if (is_there(root_fd, "usr/sbin/mkinitramfs") &&
                        is_there(root_fd, "usr/sbin/update-initramfs"))
                return INITRD_INITRAMFS_TOOLS;
        if (reads_directory(root_fd))
                return INITRD_MKINITCPIO;
        static const char *const dracut[] = { "usr/bin/dracut", "usr/sbin/dracut",
                "usr/local/bin/dracut", "usr/local/sbin/dracut" };
        for (size_t i = 0; i < N_ELEMENTS(dracut); i++)
                if (is_there(root_fd, dracut[i]))
                        return INITRD_DRACUT;
        return INITRD_NO_MAKER;
}

static int read_line(int root_fd, const char *path, char *line, size_t line_bytes) {
        cleanup_free char *text = NULL;
        size_t size = 0;
        *line = 0;
        int r = in_root_read(root_fd, path, NAME_MAX_BYTES, &text, &size);
        if (r >= 0)
                (void) snprintf(line, line_bytes, "%.*s", (int) strcspn(text, "\n"),
                                text); /* fits */
        return r == -ENOMEM ? r : 0;
}

typedef struct Finding {
        int root_fd;
        Arena *arena;
        Initrd *initrd;
        const char *first; /* that was looked for */
} Finding;

/* What frees room when it goes: not one of several names. */
static uint64_t bytes_left(const Finding *finding, const char *path) {
        static const char *const suffixes[] = { INITRD_NEW, INITRD_OLD };
        uint64_t n_bytes = 0;
        for (size_t i = 0; i < N_ELEMENTS(suffixes); i++) {
                char left[PATH_MAX];
                struct stat status;
                (void) snprintf(left, sizeof(left), "%s%s", path + 1, suffixes[i]); /* cut: not
                                                                                       there */
                cleanup_fd int fd = in_root_open(finding->root_fd, left, O_PATH | O_NOFOLLOW);
                if (fd >= 0 && fstat(fd, &status) >= 0 && status.st_nlink == 1)
                        n_bytes += (uint64_t) status.st_size;
        }
        return n_bytes;
}

/* Returns 1 when the image is there. */
static int look(Finding *finding, const char *path, bool is_fallback) {
        Initrd *initrd = finding->initrd;
        if (!path)
                return -ENOMEM;
        if (!finding->first)
                finding->first = path;
        struct stat status;
        cleanup_fd int fd = in_root_open(finding->root_fd, path + 1, O_PATH);
        if (fd < 0 || fstat(fd, &status) < 0)
                return 0;
        initrd->images[initrd->n_images++] = (InitrdImage){ .path = path,
                .is_there = true,
                .size_bytes = (uint64_t) status.st_size,
                .left_bytes = bytes_left(finding, path),
                .is_fallback = is_fallback };
        return 1;
}

/* As its own code has it, and distributions that call it with a path. */
static int look_for_dracut(Finding *finding) {
        char machine_id[NAME_MAX_BYTES + 1];
        const char *version = finding->initrd->version;
        bool is_debian = is_there(finding->root_fd, "etc/debian_version");
        int r = read_line(finding->root_fd, "etc/machine-id", machine_id, sizeof(machine_id));
        if (r < 0)
                return r;
        const char *const names[] = { is_debian ? "/boot/initrd.img-" : "/boot/initramfs-",
                is_debian ? "" : ".img", "/boot/initramfs-", ".img", "/boot/initrd.img-", "",
                "/boot/initrd-", "", "/lib/modules/", "/initrd" };
        static const char *const directories[] = { "/efi", "/boot", "/boot/efi" };
        for (size_t i = 0; r == 0 && i + 1 < N_ELEMENTS(names); i += 2)
                r = look(finding,
                                arena_printf(finding->arena, "%s%s%s", names[i], version,
                                                names[i + 1]),
                                false);
        for (size_t i = 0; r == 0 && *machine_id && i < N_ELEMENTS(directories); i++)
                r = look(finding,
                                arena_printf(finding->arena, "%s/%s/%s/initrd", directories[i],
                                                machine_id, version),
                                false);
        return r;
}

/* The value of "KEY=VALUE" or "KEY='VALUE'", the last one of a file that a shell reads; "": none.
 */
static void value_of(const char *text, const char *key, char *value, size_t value_bytes) {
        size_t length = strlen(key);
        *value = 0;
        for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
                const char *line = at + strspn(at, " \t");
                if (strncmp(line, key, length) != 0 || line[length] != '=')
                        continue;
                line += length + 1;
                line += *line == '"' || *line == '\'';
                (void) snprintf(value, value_bytes, "%.*s", (int) strcspn(line, "\"' \t\n"),
                                line); /* cut: not there */
        }
}

bool initrd_is_in_uki(int root_fd) {
        static const char *const paths[] = { "etc/kernel/install.conf",
                "usr/lib/kernel/install.conf" };
        char layout[NAME_MAX_BYTES];
        for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
                cleanup_free char *text = NULL;
                size_t size = 0;
                if (in_root_read(root_fd, paths[i], CONF_MAX_BYTES, &text, &size) < 0)
                        continue;
                value_of(text, "layout", layout, sizeof(layout));
                return strcmp(layout, "uki") == 0;
        }
        return false;
}

/* Where a preset has an image elsewhere; one in another place is nobody's. */
static const char *path_in_preset(const Finding *finding, const char *package, const char *key) {
        char value[PATH_MAX];
        cleanup_free char *text = NULL;
        size_t size = 0;
        const char *path = arena_printf(finding->arena, "etc/mkinitcpio.d/%s.preset", package);
        if (!path || in_root_read(finding->root_fd, path, CONF_MAX_BYTES, &text, &size) < 0)
                return NULL;
        value_of(text, key, value, sizeof(value));
        return *value == '/' ? arena_strdup(finding->arena, value) : NULL;
}

/* Named after the package that brings the kernel. */
static int look_for_mkinitcpio(Finding *finding) {
        Arena *arena = finding->arena;
        char package[NAME_MAX_BYTES + 1];
        const char *version = finding->initrd->version;
        const char *path = arena_printf(arena, "lib/modules/%s/pkgbase", version);
        int r = path ? read_line(finding->root_fd, path, package, sizeof(package)) : -ENOMEM;
        if (r < 0)
                return r;
        const char *name = *package ? package : version;
        const char *image = path_in_preset(finding, name, "default_image");
        const char *fallback = path_in_preset(finding, name, "fallback_image");
        const char *uki = path_in_preset(finding, name, "default_uki");
        finding->initrd->uki = uki ? uki : path_in_preset(finding, name, "default_efi_image");
        if (finding->initrd->uki && !image)
                return 0;
        r = look(finding, image ? image : arena_printf(arena, "/boot/initramfs-%s.img", name),
                        false);
        if (r < 0)
                return r;
        return look(finding,
                        fallback ? fallback
                                 : arena_printf(arena, "/boot/initramfs-%s-fallback.img", name),
                        true);
}

int initrd_find(int root_fd,
                InitrdMaker maker,
                const char *version,
                Arena *arena,
                Initrd *ret_initrd,
                Error *reterr) {
        enum { MAX_IMAGES = 2 };
        Initrd initrd = { .maker = maker,
                .version = arena_strdup(arena, version),
                .images = arena_new(arena, InitrdImage, MAX_IMAGES) };
        Finding finding = { .root_fd = root_fd, .arena = arena, .initrd = &initrd };
        if (!initrd.version || !initrd.images)
                return error_oom(reterr);
        int r = maker == INITRD_DRACUT ? look_for_dracut(&finding)
                : maker == INITRD_MKINITCPIO
                                ? look_for_mkinitcpio(&finding)
                                : look(&finding,
                                                  arena_printf(arena, "/boot/initrd.img-%s",
                                                                  version),
                                                  false);
        if (r < 0)
                return error_oom(reterr);
        if (initrd.n_images == 0 && finding.first)
                initrd.images[initrd.n_images++] = (InitrdImage){ .path = finding.first };
        *ret_initrd = initrd;
        return 0;
}

static int
make_image(const Initrd *initrd, const InitrdImage *image, const InitrdRun *run, Error *reterr) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "%s" INITRD_NEW, image->path); /* cut: cannot be made */
        const char *const commands[N_INITRD_MAKERS][10] = {
                [INITRD_INITRAMFS_TOOLS] = { "mkinitramfs", "-o", path, initrd->version },
                [INITRD_DRACUT] = { "dracut", "--quiet", "--force", path, initrd->version },
                [INITRD_MKINITCPIO] = { "mkinitcpio", "-k", initrd->version, "-g", path,
                                image->is_fallback ? "-S" : NULL, "autodetect" },
        };
        const ProcessOptions options = { .arguments = commands[initrd->maker],
                .program_fd = -1,
                .timeout_usec = run->timeout_usec,
                .should_stop = run->should_stop };
        struct stat status;
        int r = process_succeed(&options, reterr);
        if (r >= 0 && (stat(path, &status) < 0 || status.st_size == 0))
                r = error_set(reterr, -EIO, "%s made no image", commands[initrd->maker][0]);
        return r;
}

bool initrd_is_same_time(int64_t left, int64_t right) {
        enum { FAT_STEP_SEC = 2, QUARTER_SEC = 15 * 60 };
        int64_t apart = left > right ? left - right : right - left;
        int64_t rest = apart % QUARTER_SEC;
        return rest < FAT_STEP_SEC || rest > QUARTER_SEC - FAT_STEP_SEC;
}

int initrd_make(const Initrd *initrd, const InitrdRun *run, Error *reterr) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < initrd->n_images; i++)
                r = make_image(initrd, &initrd->images[i], run, reterr);
        return r < 0 ? error_prefix(reterr, "The initrd of %s", initrd->version) : 0;
}
