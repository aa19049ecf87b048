/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/source_walk.h"

#include <errno.h>
#include <string.h>

int walk_refuse(const SourceWalk *walk, const char *what, Error *reterr) {
        return error_set(reterr, -EBADMSG, "%s/%s: %s", walk->name, walk->path, what);
}

int walk_fail(const SourceWalk *walk, int code, Error *reterr) {
        return error_set_errno(
                        reterr, code, "%s%s%s", walk->name, walk->length ? "/" : "", walk->path);
}

/* Makes name, in the current directory, the current entry. */
int walk_push(SourceWalk *walk, const char *name, Error *reterr) {
        size_t length = strlen(name), slash = walk->length > 0;
        if (walk->length + slash + length > SOURCE_MAX_PATH_BYTES)
                return error_set(reterr, -EBADMSG,
                                "%s/%s/%s: the path is longer than %d bytes: shorten it",
                                walk->name, walk->path, name, SOURCE_MAX_PATH_BYTES);
        if (slash)
                walk->path[walk->length++] = '/';
        memcpy(walk->path + walk->length, name, length + 1);
        walk->length += length;
        if (!source_name_is_clean(name))
                return walk_refuse(walk,
                                "the name has control characters or is not UTF-8: rename it",
                                reterr);
        return 0;
}

void walk_pop_to(SourceWalk *walk, size_t length) {
        walk->length = length;
        walk->path[length] = 0;
}

int walk_add(SourceWalk *walk, const SourceEntry *entry, Error *reterr) {
        if (walk->source->n_entries >= SOURCE_MAX_ENTRIES)
                return error_set(reterr, -EBADMSG,
                                "%s: has more than %d files and directories: split it", walk->name,
                                SOURCE_MAX_ENTRIES);
        return source_add(walk->source, entry) < 0 ? error_oom(reterr) : 0;
}

int walk_add_link(SourceWalk *walk, const char *target, Error *reterr) {
        if (!source_name_is_clean(target))
                return walk_refuse(walk,
                                "its target has control characters or is not UTF-8: make it anew",
                                reterr);
        return walk_add(walk,
                        &(SourceEntry){ .path = walk->path, .kind = SOURCE_LINK, .target = target },
                        reterr);
}

int walk_add_directory(SourceWalk *walk, unsigned depth, Error *reterr) {
        if (depth >= SOURCE_MAX_DEPTH)
                return error_set(reterr, -EBADMSG,
                                "%s/%s: is deeper than %d directories: flatten it", walk->name,
                                walk->path, SOURCE_MAX_DEPTH);
        return walk_add(walk, &(SourceEntry){ .path = walk->path, .kind = SOURCE_DIRECTORY },
                        reterr);
}

int walk_check_size(const SourceWalk *walk, uint64_t size_bytes, Error *reterr) {
        if (size_bytes <= SOURCE_MAX_FILE_BYTES)
                return 0;
        return error_set(reterr, -EBADMSG, "%s/%s: is larger than %d MiB: keep it elsewhere",
                        walk->name, walk->path, SOURCE_MAX_FILE_BYTES / 1024 / 1024);
}

bool walk_leaves_out(const char *name, unsigned depth) {
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
               (depth == 0 && source_leaves_out(name));
}
