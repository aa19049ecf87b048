/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The images of initrds beside one another: journal, place, settle. */
#include "activate/boot_file.h"
#include "activate/bytes.h"
#include "activate/in_root.h"
#include "activate/initrd.h"
#include "activate/process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define JOURNAL "initrds"
#define POST_UPDATE "/etc/initramfs/post-update.d"

enum {
        JOURNAL_MAX_BYTES = 1 << 20,
        POST_UPDATE_USEC = 5 * 60 * 1000000,
        EARLY_USEC = 30 * 1000000
};

/* What copies an image; where it was ended, it is left. */
static const char copying[] = "initrd.sysswitch-copy";

static int open_directory_of(const char *path) {
        char copy[PATH_MAX];
        (void) snprintf(copy, sizeof(copy), "%s", path); /* fits: it was opened before */
        int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The name in its directory, with a suffix. */
static void name_of(const char *path, const char *suffix, char *name) {
        (void) snprintf(name, NAME_MAX + 1, "%s%s", strrchr(path, '/') + 1, suffix); /* cut: not
                                                                                        there */
}

static int write_journal(int dir_fd, const char *text) {
        static const char temporary[] = JOURNAL ".new";
        cleanup_fd int fd =
                        openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        int r = fd < 0 ? -errno : write_bytes(fd, text, strlen(text));
        if (r >= 0 && (fsync(fd) < 0 || renameat(dir_fd, temporary, dir_fd, JOURNAL) < 0 ||
                                      fsync(dir_fd) < 0))
                r = -errno;
        return r;
}

/* Is it a file system of its own, as it is mounted now? */
static bool is_of_root(int dir_fd) {
        struct stat directory, root;
        return fstat(dir_fd, &directory) >= 0 && stat("/", &root) >= 0 &&
               directory.st_dev == root.st_dev;
}

static const char mounted[] = "mounted ";

/* Of an image: "initramfs-tools 6.1.0 /boot/initrd.img-6.1.0"; before its path stand
 * "SIZE:SECONDS", once it is made, and "mounted", where that is no directory of the root's file
 * system. */
static int add_line(Text *text, const Initrd *initrd, const char *path, bool is_made) {
        char made[PATH_MAX];
        struct stat status;
        text_addf(text, "%s %s ", initrd_maker_to_string(initrd->maker), initrd->version);
        (void) snprintf(made, sizeof(made), "%s" INITRD_NEW, path); /* fits: it was made */
        if (is_made && stat(made, &status) < 0)
                return -errno;
        if (is_made)
                text_addf(text, "%lld:%lld ", (long long) status.st_size,
                                (long long) status.st_mtim.tv_sec);
        cleanup_fd int dir_fd = open_directory_of(path);
        bool is_mounted = dir_fd >= 0 && !is_of_root(dir_fd);
        text_addf(text, "%s%s\n", is_mounted ? mounted : "", path);
        return 0;
}

static int note_images(const char *state_directory,
                const Initrd *initrds,
                size_t n_initrds,
                bool are_made,
                Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        cleanup_free char *journal = NULL;
        cleanup_fd int dir_fd = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = dir_fd < 0 ? -errno : 0;
        for (size_t i = 0; i < n_initrds; i++)
                for (size_t j = 0; r >= 0 && j < initrds[i].n_images; j++)
                        r = add_line(&text, &initrds[i], initrds[i].images[j].path, are_made);
        if (r >= 0 && text_take(&text, &journal) < 0)
                return error_oom(reterr);
        if (r >= 0)
                r = write_journal(dir_fd, journal);
        return r < 0 ? error_set_errno(reterr, r, "%s/" JOURNAL, state_directory) : 0;
}

static int drop(int dir_fd, const char *name) {
        return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Nothing that is remembered: an image and its name stay. */
static int drop_beside(int dir_fd, const char *path) {
        char old[NAME_MAX + 1], new[NAME_MAX + 1];
        name_of(path, INITRD_OLD, old);
        name_of(path, INITRD_NEW, new);
        int r = drop(dir_fd, old);
        if (r >= 0)
                r = drop(dir_fd, new);
        return r < 0 ? r : drop(dir_fd, copying);
}

int initrd_begin(const char *state_directory,
                const Initrd *initrds,
                size_t n_initrds,
                Error *reterr) {
        int r = note_images(state_directory, initrds, n_initrds, false, reterr);
        for (size_t i = 0; r >= 0 && i < n_initrds; i++)
                for (size_t j = 0; r >= 0 && j < initrds[i].n_images; j++) {
                        const char *path = initrds[i].images[j].path;
                        cleanup_fd int dir_fd = open_directory_of(path);
                        r = dir_fd < 0 ? dir_fd : drop_beside(dir_fd, path);
                        if (r < 0)
                                return error_set_errno(reterr, r, "%s", path);
                }
        return r;
}

/* By which an image is known again. */
static int copy_time(int from_fd, int to_fd) {
        struct stat status;
        if (fstat(from_fd, &status) < 0)
                return -errno;
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, status.st_mtim };
        return futimens(to_fd, times) < 0 ? -errno : 0;
}

/* A whole one, or none. */
static int copy_image(int dir_fd, const char *from, const char *to) {
        enum { CHUNK_BYTES = 1 << 20 };
        cleanup_free char *chunk = malloc(CHUNK_BYTES);
        cleanup_fd int source = openat(dir_fd, from, O_RDONLY | O_CLOEXEC);
        cleanup_fd int target =
                        openat(dir_fd, copying, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        int r = chunk ? 0 : -ENOMEM;
        if (r >= 0 && (source < 0 || target < 0))
                r = -errno;
        ssize_t n = 0;
        while (r >= 0 && (n = read_bytes(source, chunk, CHUNK_BYTES)) > 0)
                r = write_bytes(target, chunk, (size_t) n);
        if (n < 0)
                r = (int) n;
        if (r >= 0 && (copy_time(source, target) < 0 || fsync(target) < 0 ||
                                      renameat(dir_fd, copying, dir_fd, to) < 0))
                r = -errno;
        if (r < 0)
                (void) unlinkat(dir_fd, copying, 0); /* it is r that is told */
        return r;
}

/* Where there is no image to be kept, an empty file says so: whether there is one, we go by now,
 * and not by what was seen before the makers ran. */
static int keep_none(int dir_fd, const char *old) {
        cleanup_fd int fd = openat(dir_fd, old, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : 0;
}

static int keep_image(int dir_fd, const InitrdImage *image) {
        char name[NAME_MAX + 1], old[NAME_MAX + 1];
        name_of(image->path, "", name);
        name_of(image->path, INITRD_OLD, old);
        if (linkat(dir_fd, name, dir_fd, old, 0) >= 0)
                return 0;
        if (errno == ENOENT)
                return keep_none(dir_fd, old);
        return errno == EPERM || errno == EOPNOTSUPP ? copy_image(dir_fd, name, old) : -errno;
}

/* All are kept before the first is replaced. */
static int place_image(const InitrdImage *image, bool only_keeps) {
        char name[NAME_MAX + 1], new[NAME_MAX + 1];
        cleanup_fd int dir_fd = open_directory_of(image->path);
        if (dir_fd < 0)
                return dir_fd;
        if (only_keeps) {
                int r = keep_image(dir_fd, image);
                return r < 0 ? r : syncfs(dir_fd) < 0 ? -errno : 0;
        }
        name_of(image->path, "", name);
        name_of(image->path, INITRD_NEW, new);
        int r = boot_file_rename(dir_fd, new, name);
        return r < 0 ? r : boot_file_settle(dir_fd);
}

/* As update-initramfs does: boot loaders that keep a copy of their own take it. */
static int tell_boot_loader(
                const char *version, const char *path, const InitrdRun *run, Error *reterr) {
        char version_argument[PATH_MAX], path_argument[PATH_MAX];
        if (access(POST_UPDATE, F_OK) < 0)
                return 0;
        (void) snprintf(version_argument, sizeof(version_argument), "--arg=%s", version); /* fit */
        (void) snprintf(path_argument, sizeof(path_argument), "--arg=%s", path);
        const char *const arguments[] = { "run-parts", version_argument, path_argument, POST_UPDATE,
                NULL };
        const ProcessOptions options = { .arguments = arguments,
                .program_fd = -1,
                .timeout_usec = run->timeout_usec,
                .should_stop = run->should_stop };
        int r = process_succeed(&options, reterr);
        return r < 0 ? error_prefix(reterr, "The initrd of %s", version) : 0;
}

int initrd_place(const char *state_directory,
                const Initrd *initrds,
                size_t n_initrds,
                const InitrdRun *run,
                Error *reterr) {
        int r = note_images(state_directory, initrds, n_initrds, true, reterr);
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < n_initrds; i++)
                        for (size_t j = 0; r >= 0 && j < initrds[i].n_images; j++) {
                                r = place_image(&initrds[i].images[j], pass == 0);
                                if (r < 0)
                                        return error_set_errno(
                                                        reterr, r, "%s", initrds[i].images[j].path);
                        }
        for (size_t i = 0; r >= 0 && i < n_initrds; i++)
                if (initrds[i].maker == INITRD_INITRAMFS_TOOLS)
                        r = tell_boot_loader(
                                        initrds[i].version, initrds[i].images[0].path, run, reterr);
        return r;
}

typedef struct JournalLine {
        char maker[32], version[NAME_MAX + 1], path[PATH_MAX];
        bool is_made, is_mounted;
        int64_t size_bytes, seconds; /* of what was made */
} JournalLine;

static int read_journal_line(const char *at, JournalLine *ret_line) {
        int n = 0;
        *ret_line = (JournalLine){ 0 };
        if (sscanf(at, "%31s %255s %n", ret_line->maker, ret_line->version, &n) != 2)
                return -EBADMSG;
        at += n;
        ret_line->is_made = isdigit((unsigned char) *at);
        if (ret_line->is_made && sscanf(at, "%" SCNd64 ":%" SCNd64 " %n", &ret_line->size_bytes,
                                                 &ret_line->seconds, &n) != 2)
                return -EBADMSG;
        at += ret_line->is_made ? n : 0;
        ret_line->is_mounted = strncmp(at, mounted, strlen(mounted)) == 0;
        at += ret_line->is_mounted ? strlen(mounted) : 0;
        return *at == '/' && sscanf(at, "%4095[^\n]", ret_line->path) == 1 ? 0 : -EBADMSG;
}

/* An image that somebody else has put there since ours was made. */
static bool is_of_another(const JournalLine *line, const struct stat *now) {
        return line->is_made &&
               (now->st_size != line->size_bytes ||
                               !initrd_is_same_time(now->st_mtim.tv_sec, line->seconds));
}

/* Without what keep_image() made, nothing was placed: an image that is there is of somebody else,
 * also where there was none. A rename to a link of the same file does nothing at all. */
static int
put_back(const JournalLine *line, int dir_fd, const char *name, const char *old, const char *new) {
        struct stat kept, now;
        if (fstatat(dir_fd, old, &kept, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno; /* it was not begun, or is done */
        bool is_there = fstatat(dir_fd, name, &now, AT_SYMLINK_NOFOLLOW) >= 0;
        if (is_there && is_of_another(line, &now))
                return 0;
        if (kept.st_size > 0) {
                if (is_there && kept.st_dev == now.st_dev && kept.st_ino == now.st_ino)
                        return 0;
                return boot_file_rename(dir_fd, old, name);
        }
        if (!is_there || faccessat(dir_fd, new, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                return 0;
        return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

/* A boot loader may have a copy of any image that was placed, or was to be. Whether that is the one
 * that is there now, nobody knows who comes after one that was killed: so it is told each time,
 * until the journal is gone. */
static bool owes_hook(
                const JournalLine *line, int dir_fd, const char *name, const InitrdSettle *settle) {
        return !settle->is_commit && line->is_made && strcmp(line->maker, "initramfs-tools") == 0 &&
               faccessat(dir_fd, name, F_OK, 0) >= 0;
}

/* Returns 1 when the boot loader's hook failed, which reterr tells then: of the two, a host that
 * cannot be recovered is worse. */
static int settle_image(const JournalLine *line, const InitrdSettle *settle, Error *reterr) {
        char name[NAME_MAX + 1], old[NAME_MAX + 1], new[NAME_MAX + 1];
        cleanup_fd int dir_fd = open_directory_of(line->path);
        if (!settle->is_commit && line->is_mounted && (dir_fd == -ENOENT || is_of_root(dir_fd)))
                return error_set(reterr, -ENXIO,
                                "%s: Its file system is not mounted: mount it, then sysswitch "
                                "recover",
                                line->path);
        if (dir_fd == -ENOENT) /* it went with its kernel */
                return 0;
        name_of(line->path, "", name);
        name_of(line->path, INITRD_OLD, old);
        name_of(line->path, INITRD_NEW, new);
        int r = dir_fd < 0          ? dir_fd
                : settle->is_commit ? 0
                                    : put_back(line, dir_fd, name, old, new);
        if (r >= 0)
                r = drop_beside(dir_fd, line->path);
        if (r >= 0)
                r = boot_file_settle(dir_fd);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", line->path);
        const InitrdRun run = { .timeout_usec = settle->is_starting ? EARLY_USEC
                                                                    : POST_UPDATE_USEC };
        return owes_hook(line, dir_fd, name, settle) &&
               tell_boot_loader(line->version, line->path, &run, reterr) < 0;
}

static int settle_all(int dir_fd, const char *journal, const InitrdSettle *settle, Error *reterr) {
        JournalLine line;
        int r = 0, told = 0;
        for (const char *at = journal; r >= 0 && *at; at += *at == '\n') {
                r = read_journal_line(at, &line);
                at += strcspn(at, "\n");
                r = r < 0 ? error_set_errno(reterr, r, "Its journal")
                          : settle_image(&line, settle, reterr);
                told |= r > 0;
        }
        if (r >= 0 && (unlinkat(dir_fd, JOURNAL, 0) < 0 || fsync(dir_fd) < 0))
                r = error_set_errno(reterr, -errno, "Its journal");
        return r < 0 ? r : told;
}

int initrd_settle(const char *state_directory, const InitrdSettle *settle, Error *reterr) {
        cleanup_free char *journal = NULL;
        size_t size = 0;
        cleanup_fd int dir_fd = open(state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = dir_fd < 0 ? -errno
                           : in_root_read(dir_fd, JOURNAL, JOURNAL_MAX_BYTES, &journal, &size);
        if (r == -ENOENT)
                return 0;
        r = r < 0 ? error_set_errno(reterr, r, "%s/" JOURNAL, state_directory)
                  : settle_all(dir_fd, journal, settle, reterr);
        return r < 0 ? error_prefix(reterr,
                                       settle->is_commit
                                                       ? "What was kept of the initrds does not go"
                                                       : "The initrds are not put back")
                     : r;
}
