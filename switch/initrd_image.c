/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/initrd_image.h"

#include "activate/in_root.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static const int64_t sec_nsec = 1000000000;

enum { FAT_STEP_SEC = 2 };

static bool look(int root_fd, const char *path, struct stat *ret_status) {
        cleanup_fd int fd = in_root_open(root_fd, path, O_PATH);
        return fd >= 0 && fstat(fd, ret_status) >= 0;
}

void initrd_image_note(int root_fd, const Initrd *initrd, Text *text) {
        struct stat status;
        for (size_t i = 0; i < initrd->n_images; i++)
                if (look(root_fd, initrd->images[i].path + 1, &status))
                        text_addf(text, "image %lld %lld %s\n", (long long) status.st_size,
                                        (long long) status.st_mtim.tv_sec, initrd->images[i].path);
}

bool initrd_image_is_another(int root_fd, const Initrd *initrd, const char *note) {
        char path[PATH_MAX];
        int64_t size_bytes, seconds;
        struct stat status;
        for (const char *at = note; *at; at += strcspn(at, "\n"), at += *at == '\n') {
                if (sscanf(at, "image %" SCNd64 " %" SCNd64 " %4095[^\n]", &size_bytes, &seconds,
                                    path) != 3)
                        continue;
                for (size_t i = 0; i < initrd->n_images; i++)
                        if (strcmp(initrd->images[i].path, path) == 0 &&
                                        look(root_fd, path + 1, &status) &&
                                        (status.st_size != size_bytes ||
                                                        !initrd_is_same_time(status.st_mtim.tv_sec,
                                                                        seconds)))
                                return true;
        }
        return false;
}

static int64_t to_nsec(const struct timespec *time) {
        return time->tv_sec * sec_nsec + time->tv_nsec;
}

/* By the time of its change: what is put back by a rename has its old one of writing. */
static void take_later(int root_fd, const char *path, int64_t *nsec) {
        struct stat status;
        if (look(root_fd, path, &status) && to_nsec(&status.st_ctim) > *nsec)
                *nsec = to_nsec(&status.st_ctim);
}

static void take_later_module(int root_fd, const Entry *entry, int64_t *nsec) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "lib/%s", entry ? entry->path : ""); /* cut: is not
                                                                                    there */
        if (entry)
                take_later(root_fd, path, nsec);
}

static int64_t told_since(int root_fd, const InitrdTold *told) {
        static const char *const paths[] = { INITRD_INITRAMFS_TOOLS_PATH, INITRD_DRACUT_PATH,
                INITRD_MKINITCPIO_PATH, INITRD_MKINITCPIO_HOOK_PATH };
        char path[PATH_MAX];
        int64_t nsec = 0;
        for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
                (void) snprintf(path, sizeof(path), "etc/%s", paths[i]); /* fits */
                if (tree_find(told->tree, ROOT_ETC, paths[i]))
                        take_later(root_fd, path, &nsec);
        }
        for (size_t i = 0; nsec > 0 && i < told->contained->modules.n_items; i++) {
                const char *name = told->contained->modules.items[i];
                take_later_module(root_fd, map_get(told->own, name), &nsec);
        }
        for (size_t i = 0; i < told->contained->hiding.n_items; i++) {
                const char *file = told->contained->hiding.items[i];
                take_later_module(root_fd, map_get_n(told->own, file, strcspn(file, " ")), &nsec);
        }
        return nsec;
}

InitrdAge initrd_image_age(int root_fd, const Initrd *initrd, const InitrdTold *told) {
        int64_t since = told_since(root_fd, told);
        struct stat status;
        for (size_t i = 0; since > 0 && i < initrd->n_images; i++) {
                if (!look(root_fd, initrd->images[i].path + 1, &status))
                        return INITRD_AGE_UNKNOWN;
                if (to_nsec(&status.st_mtim) + FAT_STEP_SEC * sec_nsec < since)
                        return INITRD_OLDER;
        }
        return since > 0 ? INITRD_YOUNGER : INITRD_AGE_UNKNOWN;
}
