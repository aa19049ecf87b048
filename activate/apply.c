/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/apply.h"

#include "activate/process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define TMPFILES_DIRECTORY "/etc/tmpfiles.d/"

#ifndef MFD_EXEC /* of Linux 6.3 */
#define MFD_EXEC 0x0010U
#endif

enum { MAX_SYSUSERS_FILES = 1000 };

/* A file without a name, to be read or executed; /run may be mounted noexec. */
static int new_memfd(const char *name, const Content *content, unsigned flags) {
        int fd = memfd_create(name, MFD_CLOEXEC | flags);
        if (fd < 0 && errno == EINVAL &&
                        flags == MFD_EXEC) /* an older kernel: all are executable */
                fd = memfd_create(name, MFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        size_t done = 0;
        while (done < content->size_bytes) {
                ssize_t n = write(fd, content->data + done, content->size_bytes - done);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        int r = -errno;
                        (void) close(fd); /* it is thrown away */
                        return r;
                }
                done += (size_t) n;
        }
        return fd;
}

static int run_program(const char *const *arguments,
                const int *fds,
                size_t n_fds,
                uint64_t timeout_usec,
                Error *reterr) {
        const ProcessOptions options = {
                .arguments = arguments,
                .program_fd = -1,
                .inherited_fds = fds,
                .n_inherited_fds = n_fds,
                .timeout_usec = timeout_usec,
        };
        return process_succeed(&options, reterr);
}

static void close_all(const int *fds, size_t n_fds) {
        for (size_t i = 0; i < n_fds; i++)
                (void) close(fds[i]); /* of memory */
}

static int add_option(Strv *arguments, const char *option, const char *value) {
        cleanup_free char *text = malloc(strlen(option) + strlen(value) + 1);
        if (!text)
                return -ENOMEM;
        (void) stpcpy(stpcpy(text, option), value); /* fits */
        return strv_add(arguments, text);
}

/* The new files stand in for the first one's path, so that all other files are read as they are at
 * boot, the groups that a user needs included; mistakes in those are not ours and not counted. */
static int sysusers_arguments(
                const char *root, const SysusersFile *files, size_t n_files, Strv *arguments) {
        int r = strv_add(arguments, "systemd-sysusers");
        if (r >= 0 && root)
                r = add_option(arguments, "--root=", root);
        if (r >= 0)
                r = add_option(arguments, "--replace=", files[0].path);
        for (size_t i = 0; r >= 0 && i < n_files; i++) {
                char path[32];
                (void) snprintf(path, sizeof(path), "/proc/self/fd/%zu", i + 3); /* fits */
                r = strv_add(arguments, path);
        }
        return r;
}

int apply_sysusers(const char *root,
                const SysusersFile *files,
                size_t n_files,
                uint64_t timeout_usec,
                Error *reterr) {
        int fds[MAX_SYSUSERS_FILES];
        if (n_files == 0)
                return 0;
        if (n_files > MAX_SYSUSERS_FILES)
                return error_set(reterr, -E2BIG,
                                "%s: more than %d files in sysusers.d change at once: make it "
                                "fewer files",
                                files[0].path, MAX_SYSUSERS_FILES);
        cleanup_strv Strv arguments = { 0 };
        if (sysusers_arguments(root, files, n_files, &arguments) < 0)
                return error_oom(reterr);
        for (size_t i = 0; i < n_files; i++) {
                fds[i] = new_memfd("sysusers", files[i].content, 0);
                if (fds[i] < 0) {
                        close_all(fds, i);
                        return error_set_errno(reterr, fds[i], "%s", files[i].path);
                }
        }
        int r = run_program(
                        (const char *const *) arguments.items, fds, n_files, timeout_usec, reterr);
        close_all(fds, n_files);
        return r;
}

/* NULL: no file that systemd-tmpfiles reads. By its name alone it is found in the root, too. */
static const char *tmpfiles_name(const char *path) {
        size_t length = strlen(path);
        if (strncmp(path, TMPFILES_DIRECTORY, strlen(TMPFILES_DIRECTORY)) != 0)
                return NULL;
        const char *name = path + strlen(TMPFILES_DIRECTORY);
        bool is_read = !strchr(name, '/') && *name != '.' && length > strlen(".conf") &&
                       strcmp(path + length - strlen(".conf"), ".conf") == 0;
        return is_read ? name : NULL;
}

int apply_tmpfiles(const char *root, const Strv *paths, uint64_t timeout_usec, Error *reterr) {
        cleanup_strv Strv arguments = { 0 };
        int r = strv_add(&arguments, "systemd-tmpfiles");
        if (r >= 0)
                r = strv_add(&arguments, "--create");
        if (r >= 0 && root)
                r = add_option(&arguments, "--root=", root);
        size_t n_files = 0;
        for (size_t i = 0; r >= 0 && i < paths->n_items; i++) {
                const char *name = tmpfiles_name(paths->items[i]);
                if (!name)
                        continue;
                r = strv_add(&arguments, name);
                n_files++;
        }
        if (r < 0)
                return error_oom(reterr);
        if (n_files == 0) /* without a name it would apply them all */
                return 0;
        return run_program((const char *const *) arguments.items, NULL, 0, timeout_usec, reterr);
}

int apply_depmod(const char *root, const char *version, uint64_t timeout_usec, Error *reterr) {
        const char *const arguments[] = { "depmod", "--basedir", root ? root : "/", version, NULL };
        return run_program(arguments, NULL, 0, timeout_usec, reterr);
}

int apply_hook(const Entry *hook,
                const Strv *environment,
                uint64_t timeout_usec,
                void (*output)(void *userdata, const char *line),
                void *userdata,
                Error *reterr) {
        static const char *const none[] = { NULL };
        cleanup_fd int fd = new_memfd("hook", hook->content, MFD_EXEC);
        if (fd < 0)
                return error_set_errno(reterr, fd, "Making %s executable", hook->path);
        const char *const arguments[] = { hook->path, NULL };
        const ProcessOptions options = {
                .arguments = arguments,
                .environment = environment->n_items > 0 ? (const char *const *) environment->items
                                                        : none,
                .program_fd = fd,
                .timeout_usec = timeout_usec,
                .output = output,
                .userdata = userdata,
        };
        return process_run(&options, reterr);
}
