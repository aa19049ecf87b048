/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/boot_directory.h"

#include "activate/boot_file.h"
#include "activate/in_root.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRY_MAX_BYTES = 64 << 10, ENTRIES_MAX = 4096, ID_LENGTH = 32 };

static int read_machine_id(int root_fd, Arena *arena, const char **ret_id) {
        cleanup_free char *data = NULL;
        size_t size = 0;
        int r = in_root_read(root_fd, "etc/machine-id", ENTRY_MAX_BYTES, &data, &size);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || strspn(data, "0123456789abcdef") != ID_LENGTH)
                return 0; /* it has none, or is "uninitialized" */
        *ret_id = arena_strndup(arena, data, ID_LENGTH);
        return *ret_id ? 0 : -ENOMEM;
}

static bool is_entry(const char *name) {
        size_t length = strlen(name), suffix = strlen(BOOT_SPEC_SUFFIX);
        return *name != '.' && length > suffix &&
               strcmp(name + length - suffix, BOOT_SPEC_SUFFIX) == 0;
}

static int add_file(int dir_fd, const char *name, Arena *arena, BootDirectory *directory) {
        cleanup_free char *data = NULL;
        size_t size = 0;
        int r = in_root_read(dir_fd, name, ENTRY_MAX_BYTES, &data, &size);
        if (r == -ENOENT) /* gone meanwhile, or a link to nowhere */
                return 0;
        if (r < 0 && r != -EISDIR && r != -EFBIG && r != -ENXIO)
                return r;
        BootFile *grown = arena_grow(arena, (BootFile *) (uintptr_t) directory->files,
                        directory->n_files, directory->n_files + 1, sizeof(BootFile));
        if (!grown)
                return -ENOMEM;
        directory->files = grown;
        BootFile *file = &grown[directory->n_files];
        file->name = arena_strdup(arena, name);
        file->text = arena_strdup(arena, data ? data : "");
        directory->n_files++;
        return file->name && file->text ? 0 : -ENOMEM;
}

static int read_files(int root_fd, const char *path, Arena *arena, BootDirectory *directory) {
        cleanup_fd int dir_fd = in_root_open(root_fd, path, O_RDONLY | O_DIRECTORY);
        int fd = dir_fd < 0 ? dir_fd : in_root_open(dir_fd, ".", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
        cleanup_dir DIR *stream = fdopendir(fd);
        if (!stream) {
                (void) close(fd); /* only read from */
                return -ENOMEM;
        }
        directory->path = path;
        int r = 0;
        for (struct dirent *entry; r == 0 && (errno = 0, entry = readdir(stream));)
                if (is_entry(entry->d_name))
                        r = directory->n_files < ENTRIES_MAX
                                            ? add_file(dir_fd, entry->d_name, arena, directory)
                                            : -EOVERFLOW;
        return r < 0 ? r : -errno;
}

static bool has_ours(const BootDirectory *directory, const char *machine_id) {
        for (size_t i = 0; i < directory->n_files; i++)
                if (boot_spec_is_ours(&directory->files[i], machine_id))
                        return true;
        return false;
}

int boot_directory_read(int root_fd, Arena *arena, BootDirectory *ret_directory, Error *reterr) {
        static const char *const paths[] = { "efi/loader/entries", "boot/loader/entries",
                "boot/efi/loader/entries" };
        BootDirectory found = { 0 };
        const char *machine_id = NULL;
        int r = read_machine_id(root_fd, arena, &machine_id);
        if (r < 0)
                return error_set_errno(reterr, r, "/etc/machine-id");
        for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
                BootDirectory directory = { .machine_id = machine_id };
                r = read_files(root_fd, paths[i], arena, &directory);
                if (r < 0)
                        return error_set_errno(reterr, r, "/%s", paths[i]);
                int has_own = boot_spec_has_own(directory.files, directory.n_files, machine_id);
                if (has_own < 0)
                        return error_oom(reterr);
                if (has_own || (!found.path && has_ours(&directory, machine_id)))
                        found = directory;
                if (has_own)
                        break;
        }
        *ret_directory = found;
        return 0;
}

int boot_directory_change(int root_fd,
                const char *path,
                const BootFile *changes,
                size_t n_changes,
                Error *reterr) {
        cleanup_fd int dir_fd = in_root_open(root_fd, path, O_RDONLY | O_DIRECTORY);
        if (dir_fd < 0)
                return error_set_errno(reterr, dir_fd, "/%s", path);
        for (size_t i = 0; i < n_changes; i++) {
                const BootFile *change = &changes[i];
                int r = 0;
                if (change->text)
                        r = boot_file_replace(dir_fd, change->name, change->text);
                else if (unlinkat(dir_fd, change->name, 0) < 0 && errno != ENOENT)
                        r = -errno;
                if (r < 0)
                        return error_set_errno(reterr, r, "/%s/%s", path, change->name);
        }
        int r = n_changes > 0 ? boot_file_settle(dir_fd) : 0;
        return r < 0 ? error_set_errno(reterr, r, "/%s", path) : 0;
}
