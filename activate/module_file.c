/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/module_file.h"

#include "activate/bytes.h"

#include <errno.h>
#include <libkmod.h>
#include <string.h>
#include <sys/mman.h>

/* Its first word; the others are how it was built. */
static int find_release(const struct kmod_list *info, Arena *arena, const char **ret_release) {
        for (const struct kmod_list *at = info; at; at = kmod_list_next(info, at)) {
                const char *value = kmod_module_info_get_value(at);
                if (strcmp(kmod_module_info_get_key(at), "vermagic") != 0 || !value)
                        continue;
                *ret_release = arena_strndup(arena, value, strcspn(value, " "));
                return *ret_release ? 0 : -ENOMEM;
        }
        return 0;
}

static int read_info(struct kmod_ctx *kmod, int fd, Arena *arena, const char **ret_release) {
        struct kmod_module *module = NULL;
        struct kmod_list *info = NULL;
        char path[64];
        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fits */
        if (kmod_module_new_from_path(kmod, path, &module) < 0)
                return -ENOMEM;
        int r = 0;
        if (kmod_module_get_info(module, &info) >= 0) /* else it is none that libkmod can read */
                r = find_release(info, arena, ret_release);
        kmod_module_info_free_list(info);
        (void) kmod_module_unref(module); /* the last one */
        return r;
}

int module_file_release(
                const Content *content, Arena *arena, const char **ret_release, Error *reterr) {
        static const char *const no_config[] = { NULL };
        cleanup_fd int fd = memfd_create("module", MFD_CLOEXEC);
        int r = fd < 0 ? -errno : write_bytes(fd, content->data, content->size_bytes);
        if (r < 0)
                return error_set_errno(reterr, r, "Looking at a module");
        struct kmod_ctx *kmod = kmod_new("/", no_config);
        if (!kmod)
                return error_oom(reterr);
        r = read_info(kmod, fd, arena, ret_release);
        (void) kmod_unref(kmod); /* the last one */
        return r < 0 ? error_oom(reterr) : 0;
}
