/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/path.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static bool is_up(const char *part, size_t length) {
        return length == 2 && memcmp(part, "..", 2) == 0;
}

/* Where the last part of a text begins. */
static size_t last_part(const char *text, size_t length) {
        while (length > 0 && text[length - 1] != '/')
                length--;
        return length;
}

char *path_normalize(const char *path) {
        char *result = malloc(strlen(path) + 2);
        if (!result)
                return NULL;
        size_t root = *path == '/', length = 0;
        if (root)
                result[length++] = '/';
        for (size_t n; *path; path += n) {
                path += strspn(path, "/");
                n = strcspn(path, "/");
                if (n == 0 || (n == 1 && *path == '.'))
                        continue;
                size_t last = last_part(result, length);
                if (is_up(path, n) && length > root && !is_up(result + last, length - last)) {
                        length = last > root ? last - 1 : root;
                        continue;
                }
                if (is_up(path, n) && root)
                        continue;
                if (length > root)
                        result[length++] = '/';
                memcpy(result + length, path, n);
                length += n;
        }
        result[length] = 0;
        return result;
}

char *path_from(const char *from, const char *path) {
        size_t common = 0;
        for (size_t i = 0;; i++) {
                bool ends = (!from[i] || from[i] == '/') && (!path[i] || path[i] == '/');
                if (ends)
                        common = i;
                if (!from[i] || !path[i] || from[i] != path[i])
                        break;
        }
        cleanup(text_donep) Text text = { 0 };
        for (const char *part = from + common; *part;) {
                part += strspn(part, "/");
                if (*part)
                        text_add(&text, text.length ? "/.." : "..");
                part += strcspn(part, "/");
        }
        path += common;
        path += strspn(path, "/");
        if (*path) {
                text_add(&text, text.length ? "/" : "");
                text_add(&text, path);
        }
        char *result;
        return text_take(&text, &result) < 0 ? NULL : result;
}

bool path_is_below(const char *path, const char *directory) {
        size_t length = strlen(directory);
        if (length == 0)
                return !is_up(path, strcspn(path, "/"));
        if (strcmp(directory, "/") == 0)
                return *path == '/';
        return strncmp(path, directory, length) == 0 && (!path[length] || path[length] == '/');
}

int path_sync_parent(const char *path) {
        const char *slash = strrchr(path, '/');
        cleanup_free char *parent = !slash          ? strdup(".")
                                    : slash == path ? strdup("/")
                                                    : strndup(path, (size_t) (slash - path));
        if (!parent)
                return -ENOMEM;
        cleanup_fd int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}
