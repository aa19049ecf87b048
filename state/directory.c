/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/directory.h"

#include "state/layer_walk.h"
#include "state/source_walk.h"
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
        SourceWalk source;
        StatCache *cache; /* NULL: none */
        Trust trust;
        char *buffer; /* grows to the largest file */
        size_t buffer_bytes;
} Walk;

static int look_at(Walk *walk, int fd, const char *name, struct statx *ret_status, Error *reterr) {
        static const unsigned wanted = STATX_TYPE | STATX_MODE | STATX_UID | STATX_GID | STATX_INO |
                                       STATX_SIZE | STATX_MTIME | STATX_CTIME;
        int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
        if (statx(fd, name, flags, wanted, ret_status) < 0)
                return walk_fail(&walk->source, -errno, reterr);
        const char *what = trust_check(&walk->trust, fd, name, ret_status);
        if (what)
                return error_set(reterr, -EPERM, "%s%s%s: %s", walk->source.name,
                                walk->source.length ? "/" : "", walk->source.path, what);
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
                return walk_fail(&walk->source, -errno, reterr);
        int r = make_room(walk, (size_t) stamp->size_bytes + 1, reterr);
        if (r < 0)
                return r;
        size_t size = 0;
        ssize_t n = 0;
        while (size <= stamp->size_bytes &&
                        (n = read(fd, walk->buffer + size, stamp->size_bytes + 1 - size)) != 0) {
                if (n < 0 && errno != EINTR)
                        return walk_fail(&walk->source, -errno, reterr);
                size += n > 0 ? (size_t) n : 0;
        }
        struct statx status;
        if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) < 0)
                return walk_fail(&walk->source, -errno, reterr);
        FileStamp after = file_stamp(&status);
        if (size != stamp->size_bytes || !same_stamp(stamp, &after))
                return walk_refuse(&walk->source, "changed while it was read: try again", reterr);
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
                return contents_add_known(walk->source.contents, known, (size_t) stamp->size_bytes,
                                ret_content, reterr);
        Content *content = NULL;
        int r = read_bytes(walk, parent, name, stamp, reterr);
        if (r >= 0)
                r = contents_add(walk->source.contents, walk->buffer, (size_t) stamp->size_bytes,
                                &content, reterr);
        if (r < 0)
                return r;
        if (stat_cache_note(walk->cache, stamp, &content->digest) < 0)
                return error_oom(reterr);
        *ret_content = content;
        return 0;
}

static int
walk_file(Walk *walk, int parent, const char *name, const struct statx *status, Error *reterr) {
        int r = walk_check_size(&walk->source, status->stx_size, reterr);
        if (r < 0)
                return r;
        FileStamp stamp = file_stamp(status);
        SourceEntry entry = {
                .path = walk->source.path,
                .kind = SOURCE_FILE,
                .executable = status->stx_mode & S_IXUSR,
        };
        r = file_content(walk, parent, name, &stamp, &entry.content, reterr);
        return r < 0 ? r : walk_add(&walk->source, &entry, reterr);
}

static int walk_link(Walk *walk, int parent, const char *name, Error *reterr) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(parent, name, target, sizeof(target));
        if (length < 0)
                return walk_fail(&walk->source, -errno, reterr);
        if (length == (ssize_t) sizeof(target))
                return walk_fail(&walk->source, -ENAMETOOLONG, reterr);
        target[length] = 0;
        return walk_add_link(&walk->source, target, reterr);
}

static int walk_directory(Walk *walk, int fd, unsigned depth, Error *reterr);

static int walk_below(Walk *walk, int parent, const char *name, unsigned depth, Error *reterr) {
        int r = walk_add_directory(&walk->source, depth, reterr);
        if (r < 0)
                return r;
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return walk_fail(&walk->source, -errno, reterr);
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
                return walk_refuse(&walk->source, "is a socket, pipe or device: remove it", reterr);
        }
}

/* Takes fd. */
static int walk_directory(Walk *walk, int fd, unsigned depth, Error *reterr) {
        cleanup_dir DIR *directory = fdopendir(fd);
        if (!directory) {
                int code = -errno;
                (void) close(fd); /* it was only read */
                return walk_fail(&walk->source, code, reterr);
        }
        size_t length = walk->source.length;
        for (;;) {
                errno = 0;
                const struct dirent *item = readdir(directory);
                if (!item)
                        return errno ? walk_fail(&walk->source, -errno, reterr) : 0;
                if (walk_leaves_out(item->d_name, depth))
                        continue;
                int r = walk_push(&walk->source, item->d_name, reterr);
                if (r >= 0)
                        r = walk_entry(walk, fd, item->d_name, depth, reterr);
                if (r < 0)
                        r = source_note_fault(walk->source.source, r, reterr);
                if (r < 0)
                        return r;
                walk_pop_to(&walk->source, length);
        }
}

/* A link to the directory is followed here and nowhere else: the user named it. */
static int open_source(const char *path, const char *name, Error *reterr) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                return fd;
        if (errno == ENOENT)
                return error_set(reterr, -ENOENT, "%s: No such directory", name);
        return error_set_errno(reterr, -errno, "%s", name);
}

static int walk_source(Walk *walk, const char *path, Error *reterr) {
        int fd = open_source(path, walk->source.name, reterr);
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

/* Layers */

/* Above the repository that a source lies in, no layer of it may lie. */
static char *top_of(const char *directory) {
        cleanup_free char *top = strdup(directory);
        while (top && *top) {
                cleanup_free char *git = NULL;
                if (asprintf(&git, "%s/.git", top) < 0)
                        return NULL;
                if (access(git, F_OK) == 0)
                        return TAKE(top);
                *strrchr(top, '/') = 0;
        }
        return strdup("/");
}

static int place_layers(void *userdata, char **ret_directory, char **ret_top, Error *reterr) {
        const Walk *walk = userdata;
        cleanup_free char *directory = realpath(walk->source.name, NULL);
        if (!directory)
                return walk_fail(&walk->source, -errno, reterr);
        *ret_top = top_of(directory);
        *ret_directory = TAKE(directory);
        return *ret_top ? 0 : error_oom(reterr);
}

/* As in git, a link is no directory: it would lead where it wants to. */
static int check_no_link(const char *directory, const char *name, Error *reterr) {
        cleanup_free char *resolved = realpath(directory, NULL);
        if (!resolved && errno == ENOENT)
                return error_set(reterr, -ENOENT, "%s: No such directory", name);
        if (!resolved)
                return error_set_errno(reterr, -errno, "%s", name);
        if (strcmp(resolved, directory) != 0)
                return error_set(reterr, -ELOOP,
                                "%s: Leads through a link; name the directory itself", name);
        return 0;
}

static int read_layer(void *userdata,
                const char *directory,
                const char *name,
                Source **ret_source,
                Error *reterr) {
        Walk *walk = userdata;
        int r = check_no_link(directory, name, reterr);
        cleanup(source_freep) Source *source = r < 0 ? NULL : source_new(name);
        if (!source)
                return r < 0 ? r : error_oom(reterr);
        source->faults = walk->source.source->faults;
        SourceWalk outer = walk->source;
        walk->source = (SourceWalk){
                .name = source->name, .contents = outer.contents, .source = source
        };
        r = walk_source(walk, directory, reterr);
        walk->source = outer;
        if (r < 0)
                return r;
        source_sort(source);
        *ret_source = TAKE(source);
        return 0;
}

int directory_read(const char *path,
                Database *database,
                Contents *contents,
                Strv *faults,
                StatCache **ret_cache,
                Source **ret_source,
                Error *reterr) {
        cleanup(source_freep) Source *source = source_new(path);
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        if (!source)
                return error_oom(reterr);
        source->faults = faults;
        int r = stat_cache_load(database, path, &cache, reterr);
        if (r < 0)
                return r;
        Walk walk = {
                .source = { .name = source->name, .contents = contents, .source = source },
                .cache = cache,
        };
        trust_init(&walk.trust);
        r = walk_source(&walk, walk.source.name, reterr);
        if (r >= 0) {
                const LayerReader layers = { place_layers, read_layer, &walk, contents };
                source_sort(source);
                r = layers_read(&layers, &source, reterr);
        }
        free(walk.buffer);
        if (r < 0)
                return r;
        *ret_cache = TAKE(cache);
        *ret_source = TAKE(source);
        return 0;
}

int directory_remember(Database *database, StatCache *cache, Error *reterr) {
        return stat_cache_store(database, cache, reterr);
}
