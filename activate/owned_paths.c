/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/owned_paths.h"

#include "activate/in_root.h"
#include "activate/rpm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { MAX_FILE_BYTES = 64 * 1024 * 1024 };

void owned_paths_done(OwnedPaths *owned) {
        map_done(&owned->by_path);
        arena_done(&owned->arena);
}

static int put(OwnedPaths *owned, const char *path) {
        char *key = arena_strdup(&owned->arena, path);
        return key ? map_put(&owned->by_path, key, key) : -ENOMEM;
}

/* Lines "/etc/PATH", or as prefix has it. A line may have something before it. */
static int take_lines(OwnedPaths *owned, char *text, const char *prefix) {
        for (char *line; (line = strsep(&text, "\n"));) {
                const char *path = strstr(line, prefix);
                bool is_path = path && (path == line || path[-1] == ' ');
                if (is_path && put(owned, path + strlen(prefix)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* Each file of a directory that has the suffix, or each one's file of that name. */
typedef struct Place {
        const char *directory, *suffix, *name, *prefix;
} Place;

static int take_file(OwnedPaths *owned, int root_fd, const Place *place, const char *item) {
        cleanup_free char *path = NULL, *text = NULL;
        size_t size, length = strlen(item), n_suffix = place->suffix ? strlen(place->suffix) : 0;
        if (*item == '.' || length <= n_suffix ||
                        (n_suffix > 0 && strcmp(item + length - n_suffix, place->suffix) != 0))
                return 0;
        if (asprintf(&path, "%s/%s%s%s", place->directory, item, place->name ? "/" : "",
                            place->name ? place->name : "") < 0)
                return -ENOMEM;
        if (in_root_read(root_fd, path, MAX_FILE_BYTES, &text, &size) < 0)
                return 0; /* it went meanwhile */
        owned->is_known = true;
        return take_lines(owned, text, place->prefix);
}

static int read_place(OwnedPaths *owned, int root_fd, const Place *place, Error *reterr) {
        cleanup_fd int fd = in_root_open(root_fd, place->directory, O_RDONLY | O_DIRECTORY);
        if (fd == -ENOENT || fd == -ENOTDIR)
                return 0;
        cleanup_dir DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        if (!directory)
                return error_set_errno(reterr, fd < 0 ? fd : -errno, "/%s", place->directory);
        (void) TAKE_FD(fd); /* the directory's now */
        for (const struct dirent *item; (item = readdir(directory));)
                if (take_file(owned, root_fd, place, item->d_name) < 0)
                        return error_oom(reterr);
        return 0;
}

/* What ucf keeps as a package brought it: "MD5  /etc/PATH". */
static int read_ucf(OwnedPaths *owned, int root_fd, Error *reterr) {
        cleanup_free char *text = NULL;
        size_t size;
        if (in_root_read(root_fd, "var/lib/ucf/hashfile", MAX_FILE_BYTES, &text, &size) < 0)
                return 0; /* there is none */
        return take_lines(owned, text, "/etc/") < 0 ? error_oom(reterr) : 0;
}

typedef struct RpmLines {
        OwnedPaths *owned;
        int error;
} RpmLines;

static void take_rpm_line(void *userdata, const char *line) {
        RpmLines *lines = userdata;
        lines->owned->is_known |= *line == '/';
        if (strncmp(line, "/etc/", 5) == 0 && lines->error >= 0)
                lines->error = put(lines->owned, line + 5);
}

static int read_rpm(OwnedPaths *owned, Error *reterr) {
        static const char *const arguments[] = { "rpm", "--query", "--all", "--list", NULL };
        RpmLines lines = { .owned = owned };
        int r = rpm_run(arguments, take_rpm_line, &lines, reterr);
        if (r > 0)
                return error_set(reterr, -EIO, "rpm --query --all ends with %d", r);
        if (r < 0)
                return r;
        return lines.error < 0 ? error_oom(reterr) : 0;
}

int owned_paths_read(int root_fd, bool is_image, OwnedPaths *owned, Error *reterr) {
        static const Place places[] = {
                { .directory = "var/lib/dpkg/info", .suffix = ".list", .prefix = "/etc/" },
                { .directory = "var/lib/pacman/local", .name = "files", .prefix = "etc/" },
        };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(places); i++)
                r = read_place(owned, root_fd, &places[i], reterr);
        if (r >= 0)
                r = read_ucf(owned, root_fd, reterr);
        if (r < 0 || !rpm_is_used(root_fd))
                return r;
        owned->is_incomplete = is_image;
        return is_image ? 0 : read_rpm(owned, reterr);
}
