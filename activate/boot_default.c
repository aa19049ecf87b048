/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/boot_default.h"

#include "activate/in_root.h"
#include "activate/process.h"

#include <errno.h>
#include <string.h>

#define VARIABLES "sys/firmware/efi/efivars/"
#define OF_LOADER "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"

enum { VARIABLE_MAX_BYTES = 16 << 10, FILE_MAX_BYTES = 4 << 20, TOOL_USEC = 60 * 1000 * 1000 };

/* UTF-16 behind four bytes of attributes; what is not ASCII is no name of an entry of ours. */
static int read_variable(int root_fd, const char *path, Arena *arena, const char **ret_value) {
        enum { ATTRIBUTES_BYTES = 4 };
        cleanup_free char *data = NULL;
        size_t size = 0;
        int r = in_root_read(root_fd, path, VARIABLE_MAX_BYTES, &data, &size);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || size < ATTRIBUTES_BYTES)
                return 0; /* it is not set, or there are none */
        char *value = arena_alloc(arena, size);
        size_t length = 0;
        if (!value)
                return -ENOMEM;
        for (size_t i = ATTRIBUTES_BYTES; i + 1 < size && (data[i] || data[i + 1]); i += 2)
                value[length++] = data[i + 1] || data[i] < ' ' ? '?' : data[i];
        value[length] = 0;
        *ret_value = value;
        return 0;
}

static int read_text(int root_fd, const char *path, char **ret_text) {
        size_t size = 0;
        int r = in_root_read(root_fd, path, FILE_MAX_BYTES, ret_text, &size);
        return r == -ENOMEM ? r : 0; /* no such file */
}

/* "saved_entry=…" in a line of its own. */
static int find_saved(const char *environment, Arena *arena, const char **ret_entry) {
        static const char key[] = "\nsaved_entry=";
        const char *line = environment ? strstr(environment, key) : NULL;
        if (!line)
                return 0;
        line += strlen(key);
        *ret_entry = arena_strndup(arena, line, strcspn(line, "\n"));
        return *ret_entry ? 0 : -ENOMEM;
}

static int read_grub(int root_fd, Arena *arena, BootDefault *boot_default) {
        static const struct {
                const char *configuration, *environment;
        } places[] = {
                { "boot/grub2/grub.cfg", "boot/grub2/grubenv" },
                { "etc/grub2-efi.cfg", "boot/grub2/grubenv" },
                { "boot/grub/grub.cfg", "boot/grub/grubenv" },
        };
        for (size_t i = 0; i < N_ELEMENTS(places); i++) {
                cleanup_free char *configuration = NULL, *environment = NULL;
                if (read_text(root_fd, places[i].configuration, &configuration) < 0)
                        return -ENOMEM;
                if (!configuration || !strstr(configuration, "blscfg"))
                        continue;
                boot_default->is_grub = true;
                if (!strstr(configuration, "saved_entry"))
                        return 0;
                boot_default->kind = BOOT_DEFAULT_GRUB;
                boot_default->path = places[i].environment;
                if (read_text(root_fd, places[i].environment, &environment) < 0)
                        return -ENOMEM;
                return find_saved(environment, arena, &boot_default->entry);
        }
        return 0;
}

int boot_default_read(int root_fd, Arena *arena, BootDefault *ret_default, Error *reterr) {
        static const char name[] = "systemd-boot";
        BootDefault boot_default = { .kind = BOOT_DEFAULT_NONE };
        const char *loader = NULL;
        int r = read_variable(root_fd, VARIABLES "LoaderInfo" OF_LOADER, arena, &loader);
        if (r >= 0 && loader && strncmp(loader, name, strlen(name)) == 0) {
                boot_default.kind = BOOT_DEFAULT_SYSTEMD;
                r = read_variable(root_fd, VARIABLES "LoaderEntryDefault" OF_LOADER, arena,
                                &boot_default.entry);
        } else if (r >= 0)
                r = read_grub(root_fd, arena, &boot_default);
        if (r < 0)
                return error_oom(reterr);
        *ret_default = boot_default;
        return 0;
}

static void keep_line(void *userdata, const char *line) {
        Error *last = userdata;
        (void) error_set(last, -EIO, "%s", line); /* it is what is kept */
}

static int run(const char *const *arguments, Error *reterr) {
        Error said = { .message = "" };
        const ProcessOptions options = { .arguments = arguments,
                .program_fd = -1,
                .timeout_usec = TOOL_USEC,
                .output = keep_line,
                .userdata = &said };
        int r = process_run(&options, reterr);
        if (r < 0)
                return error_prefix(reterr, "%s", arguments[0]);
        return r == 0 ? 0
                      : error_set(reterr, -EIO, "%s ended with status %d%s%s", arguments[0], r,
                                        *said.message ? ": " : "", said.message);
}

int boot_default_set(const BootDefault *boot_default, const char *entry, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        if (boot_default->kind == BOOT_DEFAULT_NONE)
                return 0;
        if (boot_default->kind == BOOT_DEFAULT_SYSTEMD)
                return run((const char *const[]){ "bootctl", "set-default", entry, NULL }, reterr);
        const char *tool = process_finds("grub2-editenv") ? "grub2-editenv" : "grub-editenv";
        const char *path = arena_printf(&arena, "/%s", boot_default->path);
        const char *setting = arena_printf(&arena, "saved_entry=%s", entry);
        if (!path || !setting)
                return error_oom(reterr);
        return run(*entry ? (const char *const[]){ tool, path, "set", setting, NULL }
                          : (const char *const[]){ tool, path, "unset", "saved_entry", NULL },
                        reterr);
}
