/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/kernel.h"

#include "activate/bytes.h"
#include "activate/in_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

enum {
        COMMAND_LINE_MAX_BYTES = 64 * 1024,
        MODULES_MAX_BYTES = 1 << 20,
        CONFIG_MAX_BYTES = 8 << 20,
};

/* *ret_text stays NULL for a file that is not there. */
static int read_text(int root_fd,
                const char *path,
                size_t max_bytes,
                Arena *arena,
                const char **ret_text,
                size_t *ret_size) {
        cleanup_free char *data = NULL;
        int r = in_root_read(root_fd, path, max_bytes, &data, ret_size);
        if (r == -ENOENT || r == -ENOTDIR)
                return 0;
        if (r < 0)
                return r;
        *ret_text = arena_memdup(arena, data, *ret_size + 1);
        return *ret_text ? 0 : -ENOMEM;
}

/* These files tell no size. *ret_text stays NULL for one that is not there. */
static int
read_proc(const char *path, size_t max_bytes, Arena *arena, const char **ret_text, Error *reterr) {
        cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, "%s", path);
        cleanup_free char *data = malloc(max_bytes);
        ssize_t size = data ? read_bytes(fd, data, max_bytes) : -ENOMEM;
        if (size < 0)
                return error_set_errno(reterr, (int) size, "%s", path);
        *ret_text = arena_strndup(arena, data, (size_t) size);
        return *ret_text ? 0 : error_oom(reterr);
}

int kernel_loaded_modules(Arena *arena, const char **ret_text, Error *reterr) {
        return read_proc("/proc/modules", MODULES_MAX_BYTES, arena, ret_text, reterr);
}

int kernel_module_note(const char *name,
                Arena *arena,
                const void **ret_note,
                size_t *ret_size_bytes,
                Error *reterr) {
        enum { NOTE_MAX_BYTES = 4096 };
        char path[320], note[NOTE_MAX_BYTES];
        (void) snprintf(path, sizeof(path), "/sys/module/%s/notes/.note.gnu.build-id",
                        name); /* a name that is cut is no module's */
        cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, "%s", path);
        ssize_t size = read_bytes(fd, note, sizeof(note));
        if (size <= 0)
                return size < 0 ? error_set_errno(reterr, (int) size, "%s", path) : 0;
        *ret_note = arena_memdup(arena, note, (size_t) size);
        *ret_size_bytes = (size_t) size;
        return *ret_note ? 0 : error_oom(reterr);
}

int kernel_running(Arena *arena, RunningKernel *ret_running, Error *reterr) {
        struct utsname name;
        if (uname(&name) < 0)
                return error_set_errno(reterr, -errno, "uname");
        RunningKernel running = { .version = arena_strdup(arena, name.release) };
        if (!running.version)
                return error_oom(reterr);
        int r = read_proc("/proc/cmdline", COMMAND_LINE_MAX_BYTES, arena, &running.command_line,
                        reterr);
        if (r >= 0)
                *ret_running = running;
        return r;
}

/* What of "vmlinuz-VERSION" is the version, for a link that leads to such a name. */
static int version_of_link(int root_fd, const char *path, Arena *arena, const char **ret_version) {
        static const char prefix[] = "vmlinuz-";
        char target[4096];
        cleanup_fd int fd = in_root_open(root_fd, path, O_PATH | O_NOFOLLOW);
        ssize_t length = fd < 0 ? -1 : readlinkat(fd, "", target, sizeof(target) - 1);
        if (length < 0)
                return 0; /* no link */
        target[length] = 0;
        const char *slash = strrchr(target, '/'), *name = slash ? slash + 1 : target;
        if (strncmp(name, prefix, strlen(prefix)) != 0 || !name[strlen(prefix)])
                return 0;
        *ret_version = arena_strdup(arena, name + strlen(prefix));
        return *ret_version ? 0 : -ENOMEM;
}

static bool is_there(int root_fd, const char *before, const char *version, const char *after) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "%s%s%s", before, version, after); /* cut: not there */
        cleanup_fd int fd = in_root_open(root_fd, path, O_PATH);
        return fd >= 0;
}

bool kernel_is_installed(int root_fd, const char *version) {
        return is_there(root_fd, "boot/vmlinuz-", version, "") ||
               is_there(root_fd, "lib/modules/", version, "/vmlinuz");
}

static int list_kernels(int root_fd, Strv *ret_versions) {
        int fd = in_root_open(root_fd, "lib/modules", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        cleanup_dir DIR *directory = fdopendir(fd);
        if (!directory) {
                (void) close(fd); /* only read from */
                return -errno;
        }
        int r = 0;
        for (struct dirent *entry; r >= 0 && (entry = readdir(directory));)
                if (*entry->d_name != '.' && kernel_is_installed(root_fd, entry->d_name))
                        r = strv_add(ret_versions, entry->d_name);
        return r;
}

int kernel_list(int root_fd, Strv *ret_versions, Error *reterr) {
        int r = list_kernels(root_fd, ret_versions);
        if (r < 0)
                return error_set_errno(reterr, r, "The installed kernels");
        strv_sort(ret_versions);
        return 0;
}

static int newest_version(int root_fd, Arena *arena, const char **ret_version) {
        cleanup_strv Strv versions = { 0 };
        const char *newest = NULL;
        int r = list_kernels(root_fd, &versions);
        for (size_t i = 0; i < versions.n_items; i++)
                if (!newest || strverscmp(versions.items[i], newest) > 0)
                        newest = versions.items[i];
        if (r < 0 || !newest)
                return r;
        *ret_version = arena_strdup(arena, newest);
        return *ret_version ? 0 : -ENOMEM;
}

int kernel_next_version(int root_fd, Arena *arena, const char **ret_version, Error *reterr) {
        static const char *const links[] = { "vmlinuz", "boot/vmlinuz" };
        const char *version = NULL;
        int r = 0;
        for (size_t i = 0; r == 0 && !version && i < N_ELEMENTS(links); i++)
                r = version_of_link(root_fd, links[i], arena, &version);
        if (r == 0 && !version)
                r = newest_version(root_fd, arena, &version);
        if (r < 0)
                return error_set_errno(reterr, r, "The installed kernels");
        *ret_version = version;
        return 0;
}

/* Returns -EBADMSG for what is no whole gzip file, -EFBIG. */
static int gunzip(const char *data, size_t size, Arena *arena, const char **ret_text) {
        enum { ANY_WINDOW_AND_GZIP = 15 + 16 };
        cleanup_free char *text = malloc(CONFIG_MAX_BYTES + 1);
        z_stream stream = { .next_in = (Bytef *) (uintptr_t) data,
                .avail_in = (uInt) size,
                .next_out = (Bytef *) text,
                .avail_out = CONFIG_MAX_BYTES };
        if (!text || inflateInit2(&stream, ANY_WINDOW_AND_GZIP) != Z_OK)
                return -ENOMEM;
        int r = inflate(&stream, Z_FINISH);
        bool is_full = stream.avail_out == 0;
        size_t length = stream.total_out;
        (void) inflateEnd(&stream); /* only tells whether all was read */
        if (r != Z_STREAM_END)
                return r == Z_MEM_ERROR ? -ENOMEM : is_full ? -EFBIG : -EBADMSG;
        *ret_text = arena_strndup(arena, text, length);
        return *ret_text ? 0 : -ENOMEM;
}

/* *ret_text stays NULL where there is none. -EBADMSG: it is none, or a part of one: all that it
 * does not name would seem to be off. */
static int read_config(int root_fd, const char *path, Arena *arena, const char **ret_text) {
        static const char option[] = "\nCONFIG_";
        const char *data = NULL;
        size_t size = 0;
        int r = read_text(root_fd, path, CONFIG_MAX_BYTES, arena, &data, &size);
        if (r < 0 || !data)
                return r == -EISDIR ? -EBADMSG : r;
        if (size > 2 && data[0] == '\x1f' && data[1] == '\x8b')
                r = gunzip(data, size, arena, &data);
        else if (memchr(data, 0, size))
                r = -EBADMSG;
        if (r < 0)
                return r;
        if (strncmp(data, option + 1, strlen(option + 1)) != 0 && !strstr(data, option))
                return -EBADMSG;
        *ret_text = data;
        return 0;
}

int kernel_config_read(int root_fd,
                const char *version,
                bool is_running,
                Arena *arena,
                KernelConfig *ret_config,
                Error *reterr) {
        const char *paths[] = { is_running ? "/proc/config.gz" : "",
                arena_printf(arena, "/boot/config-%s", version),
                arena_printf(arena, "/lib/modules/%s/config", version) };
        KernelConfig config = { .kernel = arena_printf(arena, "the %s kernel %s",
                                                is_running ? "running" : "next", version) };
        if (!paths[1] || !paths[2] || !config.kernel)
                return error_oom(reterr);
        for (size_t i = !is_running; !config.text && i < N_ELEMENTS(paths); i++) {
                int r = read_config(root_fd, paths[i] + 1, arena, &config.text);
                if (r == -EBADMSG)
                        return error_set(reterr, r,
                                        "%s: Is damaged, or no configuration of a kernel: mend it, "
                                        "or move it away",
                                        paths[i]);
                if (r < 0)
                        return error_set_errno(reterr, r, "%s", paths[i]);
                config.path = paths[i];
        }
        if (!config.text)
                config.path = arena_printf(arena, "%s%s%s, %s", paths[0], is_running ? ", " : "",
                                paths[1], paths[2]);
        if (!config.path)
                return error_oom(reterr);
        *ret_config = config;
        return 0;
}
