/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bundle_read.h"

#include "activate/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { TEXT_MAX_BYTES = 64 * 1024 * 1024 };

int bundle_read_text(int dir_fd, const char *name, char **ret_text, Error *reterr) {
        cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd < 0 && errno == ENOENT)
                return error_set(reterr, -ENOENT, "There is no %s", name);
        if (fd < 0 || fstat(fd, &st) < 0)
                return error_set_errno(reterr, -errno, "Cannot read %s", name);
        if (!S_ISREG(st.st_mode) || st.st_size > TEXT_MAX_BYTES)
                return error_set(reterr, -EFBIG, "%s is no file, or too large", name);
        cleanup_free char *text = calloc(1, (size_t) st.st_size + 1);
        if (!text)
                return error_oom(reterr);
        ssize_t n = read_bytes(fd, text, (size_t) st.st_size);
        if (n < 0)
                return error_set_errno(reterr, (int) n, "Cannot read %s", name);
        *ret_text = TAKE(text);
        return 0;
}

int bundle_read_content(int bundle_fd, const Content *content, char **ret_data, Error *reterr) {
        char path[sizeof("files/") + DIGEST_HEX_SIZE] = "files/";
        (void) digest_to_hex(&content->digest, path + strlen("files/"));
        cleanup_fd int fd = openat(bundle_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        cleanup_free char *data = malloc(content->size_bytes + 1);
        if (!data)
                return error_oom(reterr);
        ssize_t n = fd < 0 ? -errno : read_bytes(fd, data, content->size_bytes);
        if (n < 0)
                return error_set_errno(reterr, (int) n, "The bundle's %s", path);
        if ((size_t) n != content->size_bytes)
                return error_set(reterr, -EIO, "The bundle's %s is cut short", path);
        data[n] = 0;
        *ret_data = TAKE(data);
        return 0;
}
