/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/local_files.h"

#include "activate/in_root.h"
#include "activate/process.h"
#include "activate/rpm.h"
#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PACMAN "var/lib/pacman/local"
#define UCF "var/lib/ucf/hashfile"

enum { MAX_FILE_BYTES = 64 * 1024 * 1024, TIMEOUT_SEC = 300 };

static int open_directory(int root_fd, const char *path, DIR **ret_directory) {
        cleanup_fd int fd = in_root_open(root_fd, path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd;
        *ret_directory = fdopendir(fd);
        if (!*ret_directory)
                return -errno;
        (void) TAKE_FD(fd); /* the directory's now */
        return 0;
}

static bool is_missing(int code) {
        return code == -ENOENT || code == -ENOTDIR;
}

/* owned: what it has is passed over; NULL: nothing is. */
static int add_below(int fd,
                const char *path,
                unsigned depth,
                const OwnedPaths *owned,
                Strv *paths,
                Error *reterr) {
        cleanup_dir DIR *directory = NULL;
        int r = open_directory(fd, *path ? path : ".", &directory);
        if (r < 0)
                return is_missing(r) ? 0 : error_set_errno(reterr, r, "/etc/%s", path);
        for (const struct dirent *item; (item = readdir(directory));) {
                cleanup_free char *below = NULL;
                struct stat st;
                if (*item->d_name == '.' || fstatat(dirfd(directory), item->d_name, &st,
                                                            AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", item->d_name) < 0)
                        return error_oom(reterr);
                if (S_ISDIR(st.st_mode))
                        r = depth > 0 ? add_below(fd, below, depth - 1, owned, paths, reterr) : 0;
                else if (owned && owned_paths_have(owned, below))
                        continue;
                else if ((S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) && strv_add(paths, below) < 0)
                        r = error_oom(reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int local_unit_paths(const Root *etc, Strv *ret_paths, Error *reterr) {
        static const struct {
                const char *path;
                unsigned depth;
        } places[] = { { "systemd/system", 1 }, { "systemd/user", 1 }, { "systemd/nspawn", 0 } };
        int r = 0;
        for (size_t i = 0; r >= 0 && etc->fd >= 0 && i < N_ELEMENTS(places); i++)
                r = add_below(etc->fd, places[i].path, places[i].depth, NULL, ret_paths, reterr);
        strv_sort(ret_paths);
        return r;
}

int local_own_paths(const Root *etc, const OwnedPaths *owned, Strv *ret_paths, Error *reterr) {
        int r = etc->fd < 0 ? 0 : add_below(etc->fd, "", ROOT_MAX_DEPTH, owned, ret_paths, reterr);
        strv_sort(ret_paths);
        return r;
}

/* dpkg: by what it says of them. */
static int add_of_dpkg(const Root *etc, const Packages *packages, Strv *paths, Error *reterr) {
        size_t position = 0;
        for (const char *path; (path = packages_next_file(packages, &position));) {
                cleanup_free char *data = NULL;
                size_t size;
                char md5[MD5_HEX_SIZE];
                if (in_root_read(etc->fd, path, MAX_FILE_BYTES, &data, &size) < 0)
                        continue; /* it was taken away, or is no file */
                if (md5_to_hex(data, size, md5) < 0)
                        return error_set(reterr, -EIO, "/etc/%s: No digest can be had", path);
                if (!packages_have_md5(packages, path, md5) && strv_add(paths, path) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int
add_unless_md5(const Root *etc, const char *path, const char *shipped, Strv *paths, Error *reterr) {
        cleanup_free char *data = NULL;
        size_t size;
        char md5[MD5_HEX_SIZE];
        if (in_root_read(etc->fd, path, MAX_FILE_BYTES, &data, &size) < 0)
                return 0; /* as above */
        if (md5_to_hex(data, size, md5) < 0)
                return error_set(reterr, -EIO, "/etc/%s: No digest can be had", path);
        return strcmp(md5, shipped) == 0 || strv_add(paths, path) >= 0 ? 0 : error_oom(reterr);
}

/* pacman: "%BACKUP%" and lines "etc/PATH\tMD5" in the file of each package. */
static int add_of_package(const Root *etc, char *text, Strv *paths, Error *reterr) {
        bool is_backup = false;
        for (char *line; (line = strsep(&text, "\n"));) {
                char *tab = strchr(line, '\t');
                if (*line == '%')
                        is_backup = strcmp(line, "%BACKUP%") == 0;
                if (!is_backup || !tab || strncmp(line, "etc/", 4) != 0)
                        continue;
                *tab = 0;
                int r = add_unless_md5(etc, line + 4, tab + 1, paths, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_of_pacman(int root_fd, const Root *etc, Strv *paths, Error *reterr) {
        cleanup_dir DIR *directory = NULL;
        int r = open_directory(root_fd, PACMAN, &directory);
        if (r < 0)
                return is_missing(r) ? 0 : error_set_errno(reterr, r, "/" PACMAN);
        for (const struct dirent *item; r >= 0 && (item = readdir(directory));) {
                cleanup_free char *path = NULL, *text = NULL;
                size_t size;
                if (asprintf(&path, PACMAN "/%s/files", item->d_name) < 0)
                        return error_oom(reterr);
                if (*item->d_name != '.' &&
                                in_root_read(root_fd, path, MAX_FILE_BYTES, &text, &size) >= 0)
                        r = add_of_package(etc, text, paths, reterr);
        }
        return r;
}

/* ucf: "MD5  /etc/PATH", as the package brought it. */
static int add_of_ucf(int root_fd, const Root *etc, Strv *paths, Error *reterr) {
        cleanup_free char *text = NULL;
        size_t size;
        if (in_root_read(root_fd, UCF, MAX_FILE_BYTES, &text, &size) < 0)
                return 0; /* there is none */
        char *rest = text;
        for (char *line; (line = strsep(&rest, "\n"));) {
                char *path = strstr(line, "  /etc/");
                if (!path)
                        continue;
                *path = 0;
                int r = add_unless_md5(etc, path + strlen("  /etc/"), line, paths, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

typedef struct Lines {
        Strv *paths;
        TakeUnitFile take;
        void *userdata;
        int error;
} Lines;

/* rpm -V: "S.5....T.  c /etc/PATH"; the third letter is about the digest. */
static void take_rpm_line(void *userdata, const char *line) {
        static const char mark[] = " c /etc/";
        Lines *lines = userdata;
        const char *path = strstr(line, mark);
        if (path && strlen(line) > 9 && line[2] == '5' && lines->error >= 0)
                lines->error = strv_add(lines->paths, path + strlen(mark));
}

static int add_of_rpm(Strv *paths, Error *reterr) {
        static const char *const arguments[] = { "rpm", "--verify", "--all", "--configfiles",
                "--nodeps", "--noscripts", NULL };
        Lines lines = { .paths = paths };
        /* not 0: some file is not as it came */
        int r = rpm_run(arguments, take_rpm_line, &lines, reterr);
        if (r < 0)
                return r;
        return lines.error < 0 ? error_oom(reterr) : 0;
}

int local_conffiles(int root_fd,
                const Root *etc,
                const Packages *packages,
                bool is_image,
                Strv *ret_paths,
                Error *reterr) {
        if (etc->fd < 0)
                return 0;
        int r = add_of_dpkg(etc, packages, ret_paths, reterr);
        if (r >= 0)
                r = add_of_ucf(root_fd, etc, ret_paths, reterr);
        if (r >= 0)
                r = add_of_pacman(root_fd, etc, ret_paths, reterr);
        if (r >= 0 && !is_image && rpm_is_used(root_fd))
                r = add_of_rpm(ret_paths, reterr);
        strv_sort(ret_paths);
        return r;
}

/* "NAME STATE PRESET"; the last column is missing, or "-", where there is none. */
static void take_unit_line(void *userdata, const char *line) {
        Lines *lines = userdata;
        cleanup_free char *copy = strdup(line);
        char *rest = NULL;
        const char *unit = copy ? strtok_r(copy, " \t", &rest) : NULL;
        const char *state = unit ? strtok_r(NULL, " \t", &rest) : NULL;
        const char *preset = state ? strtok_r(NULL, " \t", &rest) : NULL;
        if (!copy)
                lines->error = -ENOMEM;
        if (state && lines->error >= 0)
                lines->error = lines->take(lines->userdata, unit, state, preset ? preset : "-");
}

int local_unit_files(const char *root, TakeUnitFile take, void *userdata, Error *reterr) {
        cleanup_free char *option = NULL;
        if (root && asprintf(&option, "--root=%s", root) < 0)
                return error_oom(reterr);
        const char *arguments[] = { "systemctl", "list-unit-files", "--no-legend", "--no-pager",
                "--plain", "--full", option, NULL };
        Lines lines = { .take = take, .userdata = userdata };
        const ProcessOptions options = { .arguments = arguments,
                .program_fd = -1,
                .timeout_usec = TIMEOUT_SEC * 1000000ull,
                .output = take_unit_line,
                .userdata = &lines };
        int r = process_run(&options, reterr);
        if (r > 0)
                return error_set(reterr, -EIO, "systemctl list-unit-files ends with %d", r);
        if (r < 0)
                return r;
        return lines.error < 0 ? error_oom(reterr) : 0;
}
