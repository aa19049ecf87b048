/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/directory.h"

#include "state/stat_cache.h"
#include "state/statement.h"
#include "state/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* One reading. All but the source itself is opened by a directory's descriptor and one name, so
 * that nobody can lead the walk elsewhere while it goes on. */
typedef struct Walk {
        const char *name; /* of the source, for messages */
        Contents *contents;
        Source *source;
        StatCache *cache; /* NULL: none */
        Trust trust;
        char path[SOURCE_MAX_PATH_BYTES + 1]; /* of the current entry, relative */
        size_t length;
        char *buffer; /* grows to the largest file */
        size_t buffer_bytes;
} Walk;

static int refuse(const Walk *walk, const char *what, Error *reterr) {
        return error_set(reterr, -EBADMSG, "%s/%s: %s", walk->name, walk->path, what);
}

static int fail_errno(const Walk *walk, int code, Error *reterr) {
        return error_set_errno(
                        reterr, code, "%s%s%s", walk->name, walk->length ? "/" : "", walk->path);
}

/* The bytes of a well-formed character (RFC 3629) that is no control character; 0: neither. */
static size_t character_bytes(const unsigned char *text) {
        if (text[0] < 0x80)
                return text[0] >= ' ' && text[0] != 0x7f;
        size_t n = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
        if (text[0] < 0xc2 || text[0] > 0xf4)
                return 0;
        for (size_t i = 1; i < n; i++)
                if ((text[i] & 0xc0) != 0x80)
                        return 0;
        bool too_long = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xf0 && text[1] < 0x90);
        bool no_character =
                        (text[0] == 0xed && text[1] > 0x9f) || (text[0] == 0xf4 && text[1] > 0x8f);
        bool control = text[0] == 0xc2 && text[1] < 0xa0; /* C1 */
        return too_long || no_character || control ? 0 : n;
}

static bool is_clean(const char *text) {
        for (const unsigned char *at = (const unsigned char *) text; *at;) {
                size_t n = character_bytes(at);
                if (n == 0)
                        return false;
                at += n;
        }
        return true;
}

/* Makes name, in the current directory, the current entry. */
static int push_name(Walk *walk, const char *name, Error *reterr) {
        size_t length = strlen(name), slash = walk->length > 0;
        if (walk->length + slash + length > SOURCE_MAX_PATH_BYTES)
                return error_set(reterr, -EBADMSG,
                                "%s/%s/%s: the path is longer than %d bytes: shorten it",
                                walk->name, walk->path, name, SOURCE_MAX_PATH_BYTES);
        if (slash)
                walk->path[walk->length++] = '/';
        memcpy(walk->path + walk->length, name, length + 1);
        walk->length += length;
        if (!is_clean(name))
                return refuse(walk, "the name has control characters or is not UTF-8: rename it",
                                reterr);
        return 0;
}

static void pop_to(Walk *walk, size_t length) {
        walk->length = length;
        walk->path[length] = 0;
}

static int add(Walk *walk, const SourceEntry *entry, Error *reterr) {
        if (walk->source->n_entries >= SOURCE_MAX_ENTRIES)
                return error_set(reterr, -EBADMSG,
                                "%s: has more than %d files and directories: split it", walk->name,
                                SOURCE_MAX_ENTRIES);
        return source_add(walk->source, entry) < 0 ? error_oom(reterr) : 0;
}

static int look_at(Walk *walk, int fd, const char *name, struct statx *ret_status, Error *reterr) {
        static const unsigned wanted = STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_INO |
                                       STATX_SIZE | STATX_MTIME | STATX_CTIME;
        int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
        if (statx(fd, name, flags, wanted, ret_status) < 0)
                return fail_errno(walk, -errno, reterr);
        const char *what = trust_check(&walk->trust, fd, name, ret_status);
        if (what)
                return error_set(reterr, -EPERM, "%s%s%s: %s", walk->name, walk->length ? "/" : "",
                                walk->path, what);
        return 0;
}

enum { MIN_BUFFER_BYTES = 65536 };

static int make_room(Walk *walk, size_t size, Error *reterr) {
        if (size <= walk->buffer_bytes)
                return 0;
        size_t bytes = size < MIN_BUFFER_BYTES ? MIN_BUFFER_BYTES : size;
        char *grown = realloc(walk->buffer, bytes);
        if (!grown)
                return error_oom(reterr);
        walk->buffer = grown;
        walk->buffer_bytes = bytes;
        return 0;
}

static bool same_stamp(const FileStamp *left, const FileStamp *right) {
        return memcmp(left, right, sizeof(*left)) == 0;
}

/* Reads the whole file that stamp was taken of. */
static int read_bytes(
                Walk *walk, int parent, const char *name, const FileStamp *stamp, Error *reterr) {
        cleanup_fd int fd = openat(
                        parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return fail_errno(walk, -errno, reterr);
        int r = make_room(walk, (size_t) stamp->size_bytes + 1, reterr);
        if (r < 0)
                return r;
        size_t size = 0;
        ssize_t n = 0;
        while (size <= stamp->size_bytes &&
                        (n = read(fd, walk->buffer + size, stamp->size_bytes + 1 - size)) != 0) {
                if (n < 0 && errno != EINTR)
                        return fail_errno(walk, -errno, reterr);
                size += n > 0 ? (size_t) n : 0;
        }
        struct statx status;
        if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) < 0)
                return fail_errno(walk, -errno, reterr);
        FileStamp after = file_stamp(&status);
        if (size != stamp->size_bytes || !same_stamp(stamp, &after))
                return refuse(walk, "changed while it was read: try again", reterr);
        return 0;
}

static int file_content(Walk *walk,
                int parent,
                const char *name,
                const FileStamp *stamp,
                Content **ret_content,
                Error *reterr) {
        const Digest *known = stat_cache_find(walk->cache, stamp);
        if (known)
                return contents_add_known(walk->contents, known, (size_t) stamp->size_bytes,
                                ret_content, reterr);
        Content *content = NULL;
        int r = read_bytes(walk, parent, name, stamp, reterr);
        if (r >= 0)
                r = contents_add(walk->contents, walk->buffer, (size_t) stamp->size_bytes, &content,
                                reterr);
        if (r < 0)
                return r;
        if (stat_cache_note(walk->cache, stamp, &content->digest) < 0)
                return error_oom(reterr);
        *ret_content = content;
        return 0;
}

static int
walk_file(Walk *walk, int parent, const char *name, const struct statx *status, Error *reterr) {
        if (status->stx_size > SOURCE_MAX_FILE_BYTES)
                return error_set(reterr, -EBADMSG,
                                "%s/%s: is larger than %d MiB: keep it elsewhere", walk->name,
                                walk->path, SOURCE_MAX_FILE_BYTES / 1024 / 1024);
        FileStamp stamp = file_stamp(status);
        SourceEntry entry = {
                .path = walk->path,
                .kind = SOURCE_FILE,
                .executable = status->stx_mode & S_IXUSR,
        };
        int r = file_content(walk, parent, name, &stamp, &entry.content, reterr);
        return r < 0 ? r : add(walk, &entry, reterr);
}

static int walk_link(Walk *walk, int parent, const char *name, Error *reterr) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(parent, name, target, sizeof(target));
        if (length < 0)
                return fail_errno(walk, -errno, reterr);
        if (length == (ssize_t) sizeof(target))
                return fail_errno(walk, -ENAMETOOLONG, reterr);
        target[length] = 0;
        if (!is_clean(target))
                return refuse(walk,
                                "its target has control characters or is not UTF-8: make it anew",
                                reterr);
        return add(walk,
                        &(SourceEntry){ .path = walk->path, .kind = SOURCE_LINK, .target = target },
                        reterr);
}

static int walk_directory(Walk *walk, int fd, unsigned depth, Error *reterr);

static int walk_below(Walk *walk, int parent, const char *name, unsigned depth, Error *reterr) {
        if (depth >= SOURCE_MAX_DEPTH)
                return error_set(reterr, -EBADMSG,
                                "%s/%s: is deeper than %d directories: flatten it", walk->name,
                                walk->path, SOURCE_MAX_DEPTH);
        int r = add(walk, &(SourceEntry){ .path = walk->path, .kind = SOURCE_DIRECTORY }, reterr);
        if (r < 0)
                return r;
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return fail_errno(walk, -errno, reterr);
        return walk_directory(walk, fd, depth + 1, reterr);
}

static int walk_entry(Walk *walk, int parent, const char *name, unsigned depth, Error *reterr) {
        struct statx status;
        int r = look_at(walk, parent, name, &status, reterr);
        if (r < 0)
                return r;
        switch (status.stx_mode & S_IFMT) {
        case S_IFREG:
                return walk_file(walk, parent, name, &status, reterr);
        case S_IFLNK:
                return walk_link(walk, parent, name, reterr);
        case S_IFDIR:
                return walk_below(walk, parent, name, depth, reterr);
        default:
                return refuse(walk, "is a socket, pipe or device: remove it", reterr);
        }
}

static bool is_left_out(const char *name, unsigned depth) {
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, ".git") == 0 ||
               (depth == 0 && source_leaves_out(name));
}

static void closedirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory); /* it was only read */
}

/* Takes fd. */
static int walk_directory(Walk *walk, int fd, unsigned depth, Error *reterr) {
        cleanup(closedirp) DIR *directory = fdopendir(fd);
        if (!directory) {
                int code = -errno;
                (void) close(fd); /* it was only read */
                return fail_errno(walk, code, reterr);
        }
        size_t length = walk->length;
        for (;;) {
                errno = 0;
                const struct dirent *item = readdir(directory);
                if (!item)
                        return errno ? fail_errno(walk, -errno, reterr) : 0;
                if (is_left_out(item->d_name, depth))
                        continue;
                int r = push_name(walk, item->d_name, reterr);
                if (r >= 0)
                        r = walk_entry(walk, fd, item->d_name, depth, reterr);
                if (r < 0)
                        return r;
                pop_to(walk, length);
        }
}

/* A link to the directory is followed here and nowhere else: the user named it. */
static int open_source(const char *path, Error *reterr) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                return fd;
        if (errno == ENOENT)
                return error_set(reterr, -ENOENT, "%s: No such directory", path);
        return error_set_errno(reterr, -errno, "%s", path);
}

static int walk_source(Walk *walk, Error *reterr) {
        int fd = open_source(walk->name, reterr);
        if (fd < 0)
                return fd;
        struct statx status;
        int r = look_at(walk, fd, "", &status, reterr);
        if (r < 0) {
                (void) close(fd); /* it was only read */
                return r;
        }
        return walk_directory(walk, fd, 0, reterr);
}

int directory_read(const char *path,
                Database *database,
                Contents *contents,
                StatCache **ret_cache,
                Source **ret_source,
                Error *reterr) {
        cleanup(source_freep) Source *source = source_new(path);
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        if (!source)
                return error_oom(reterr);
        int r = stat_cache_load(database, path, &cache, reterr);
        if (r < 0)
                return r;
        Walk walk = {
                .name = source->name, .contents = contents, .source = source, .cache = cache
        };
        trust_init(&walk.trust);
        r = walk_source(&walk, reterr);
        free(walk.buffer);
        if (r < 0)
                return r;
        source_sort(source);
        *ret_cache = TAKE(cache);
        *ret_source = TAKE(source);
        return 0;
}

int directory_remember(Database *database, StatCache *cache, Error *reterr) {
        return stat_cache_store(database, cache, reterr);
}
