/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/stream.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define CURRENT_NAME "switch.stream"

static const char magic[8] = { 's', 'y', 's', 's', 'w', 's', 'm', '1' };
static const struct flock whole_file = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

typedef struct FrameHead {
        uint32_t kind;
        uint32_t size_bytes;
} FrameHead;

struct Stream {
        int fd, wake_fd; /* the caller's reader waits for the latter; -1: none */
        char *path;
        off_t end; /* of what was written whole */
        int error; /* the first; nothing is added after it */
        StreamHead head;
};

struct StreamReader {
        int fd, events_fd;
        char *path;
        off_t offset;         /* of the next frame in the file */
        size_t taken, filled; /* of the buffer: what was handed out, what was read */
        char buffer[sizeof(FrameHead) + FRAME_MAX_BYTES];
};

/* It is never full: whoever reads it takes all that it counts at once. */
static void wake(const Stream *stream) {
        if (stream->wake_fd >= 0)
                (void) !eventfd_write(stream->wake_fd, 1); /* what was written can be read anyway */
}

static int write_head(const Stream *stream) {
        ssize_t written = pwrite(stream->fd, &stream->head, sizeof(stream->head), 0);
        wake(stream);
        if (written == (ssize_t) sizeof(stream->head))
                return 0;
        return written < 0 ? -errno : -ENOSPC;
}

static int make_directory(const char *directory, Error *reterr) {
        if (mkdir(directory, 0700) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, "%s", directory);
        return 0;
}

int stream_create(const char *directory, Stream **ret_stream, Error *reterr) {
        int r = make_directory(directory, reterr);
        if (r < 0)
                return r;
        cleanup(stream_freep) Stream *stream = calloc(1, sizeof(Stream));
        if (!stream)
                return error_oom(reterr);
        stream->fd = stream->wake_fd = -1;
        if (asprintf(&stream->path, "%s/switch.XXXXXX", directory) < 0) {
                stream->path = NULL;
                return error_oom(reterr);
        }
        stream->fd = mkostemp(stream->path, O_CLOEXEC);
        if (stream->fd < 0)
                return error_set_errno(reterr, -errno, "%s", stream->path);
        stream->head = (StreamHead){ .started_usec = now_realtime_usec(), .exit_status = -1 };
        memcpy(stream->head.magic, magic, sizeof(magic));
        stream->end = sizeof(stream->head);
        r = write_head(stream);
        if (r < 0) {
                (void) unlink(stream->path); /* what stays harms nobody */
                return error_set_errno(reterr, r, "%s", stream->path);
        }
        stream->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        *ret_stream = TAKE(stream);
        return 0;
}

const char *stream_path(const Stream *stream) {
        return stream->path;
}

const int *stream_wake_fd(const Stream *stream) {
        return stream->wake_fd < 0 ? NULL : &stream->wake_fd;
}

static int make_current(Stream *stream) {
        const char *slash = strrchr(stream->path, '/');
        char *current = NULL;
        if (asprintf(&current, "%.*s/" CURRENT_NAME, slash ? (int) (slash - stream->path) : 1,
                            slash ? stream->path : ".") < 0)
                return -ENOMEM;
        int r = rename(stream->path, current) < 0 ? -errno : 0;
        free(stream->path);
        stream->path = current;
        return r;
}

static int read_head(int fd, StreamHead *ret_head) {
        ssize_t size = pread(fd, ret_head, sizeof(*ret_head), 0);
        if (size < 0)
                return -errno;
        return size == (ssize_t) sizeof(*ret_head) &&
                                               memcmp(ret_head->magic, magic, sizeof(magic)) == 0
                               ? 0
                               : -EBADMSG;
}

static int take_over(Stream *stream) {
        struct flock lock = whole_file;
        if (fcntl(stream->fd, F_OFD_SETLK, &lock) < 0)
                return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
        int r = read_head(stream->fd, &stream->head);
        if (r < 0)
                return r;
        if (stream->head.pid != 0)
                return -EBUSY;
        stream->end = lseek(stream->fd, 0, SEEK_END);
        if (stream->end < 0)
                return -errno;
        stream->head.pid = (int32_t) getpid();
        r = make_current(stream);
        return r < 0 ? r : write_head(stream);
}

int stream_take_over(const char *path, int wake_fd, Stream **ret_stream, Error *reterr) {
        cleanup(stream_freep) Stream *stream = calloc(1, sizeof(Stream));
        if (!stream)
                return error_oom(reterr);
        stream->wake_fd = wake_fd < 0 ? -1 : fcntl(wake_fd, F_DUPFD_CLOEXEC, 3);
        stream->fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        if (stream->fd < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        stream->path = strdup(path);
        if (!stream->path)
                return error_oom(reterr);
        int r = take_over(stream);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", path);
        *ret_stream = TAKE(stream);
        return 0;
}

static int add_frame(Stream *stream, FrameKind kind, const char *data, size_t size) {
        FrameHead head = { .kind = kind, .size_bytes = (uint32_t) size };
        /* writev() reads them only */
        struct iovec parts[] = { { .iov_base = &head, .iov_len = sizeof(head) },
                { .iov_base = (void *) (uintptr_t) data, .iov_len = size } };
        size_t total = sizeof(head) + size;
        if ((uint64_t) stream->end + total > STREAM_MAX_BYTES)
                return -EFBIG;
        ssize_t written = pwritev(stream->fd, parts, N_ELEMENTS(parts), stream->end);
        if (written < 0)
                return -errno;
        if ((size_t) written < total)
                return -ENOSPC;
        stream->end += (off_t) total;
        wake(stream);
        return 0;
}

int stream_add(Stream *stream, FrameKind kind, const void *data, size_t size_bytes) {
        const char *bytes = data;
        do {
                size_t part = size_bytes < FRAME_MAX_BYTES ? size_bytes : FRAME_MAX_BYTES;
                if (stream->error < 0)
                        return stream->error;
                stream->error = add_frame(stream, kind, bytes, part);
                bytes += part;
                size_bytes -= part;
        } while (size_bytes > 0);
        if (stream->error < 0) {
                stream->head.is_cut = 1;
                (void) write_head(stream); /* its page is there already */
        }
        return stream->error;
}

void stream_end(Stream *stream, int exit_status) {
        stream->head.exit_status = exit_status;
        (void) write_head(stream); /* its page is there already */
}

Stream *stream_free(Stream *stream) {
        if (!stream)
                return NULL;
        const int fds[] = { stream->fd, stream->wake_fd };
        for (size_t i = 0; i < N_ELEMENTS(fds); i++)
                if (fds[i] >= 0)
                        (void) close(fds[i]); /* nothing is relied on that was not checked */
        free(stream->path);
        free(stream);
        return NULL;
}

static void watch_file(StreamReader *reader) {
        char link[64];
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", reader->fd); /* fits */
        reader->events_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (reader->events_fd < 0 ||
                        inotify_add_watch(reader->events_fd, link, IN_MODIFY | IN_CLOSE_WRITE) >= 0)
                return;
        (void) close(TAKE_FD(reader->events_fd)); /* nothing was written */
}

static int open_reader(const char *path, StreamReader **ret_reader, Error *reterr) {
        cleanup(stream_closep) StreamReader *reader = calloc(1, sizeof(StreamReader));
        if (!reader)
                return error_oom(reterr);
        reader->events_fd = -1;
        reader->offset = sizeof(StreamHead);
        reader->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (reader->fd < 0 && errno == EACCES)
                return error_set(reterr, -EACCES, "%s: needs root", path);
        if (reader->fd < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        reader->path = strdup(path);
        if (!reader->path)
                return error_oom(reterr);
        *ret_reader = TAKE(reader);
        return 0;
}

int stream_open(const char *path, StreamReader **ret_reader, Error *reterr) {
        int r = open_reader(path, ret_reader, reterr);
        if (r >= 0)
                watch_file(*ret_reader);
        return r;
}

int stream_open_own(const Stream *stream, StreamReader **ret_reader, Error *reterr) {
        int r = open_reader(stream->path, ret_reader, reterr);
        if (r >= 0 && stream->wake_fd >= 0)
                (*ret_reader)->events_fd = fcntl(stream->wake_fd, F_DUPFD_CLOEXEC, 3);
        return r;
}

int stream_open_current(const char *directory, StreamReader **ret_reader, Error *reterr) {
        cleanup_free char *path = NULL;
        if (asprintf(&path, "%s/" CURRENT_NAME, directory) < 0) {
                path = NULL;
                return error_oom(reterr);
        }
        int r = stream_open(path, ret_reader, reterr);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

StreamReader *stream_close(StreamReader *reader) {
        if (!reader)
                return NULL;
        if (reader->fd >= 0)
                (void) close(reader->fd); /* nothing was written */
        if (reader->events_fd >= 0)
                (void) close(reader->events_fd); /* the same */
        free(reader->path);
        free(reader);
        return NULL;
}

int stream_read_head(StreamReader *reader, StreamHead *ret_head, Error *reterr) {
        StreamHead head;
        int r = read_head(reader->fd, &head);
        if (r == -EBADMSG)
                return error_set(reterr, r, "%s: Not what a switch of this version tells",
                                reader->path);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", reader->path);
        *ret_head = head;
        return 0;
}

/* Is the next frame whole in the buffer? */
static int find_frame(const StreamReader *reader, FrameHead *ret_head) {
        size_t there = reader->filled - reader->taken;
        if (there < sizeof(FrameHead))
                return 0;
        memcpy(ret_head, reader->buffer + reader->taken, sizeof(FrameHead));
        if (ret_head->kind == 0 || ret_head->kind >= N_FRAME_KINDS ||
                        ret_head->size_bytes > FRAME_MAX_BYTES)
                return -EBADMSG;
        return there >= sizeof(FrameHead) + ret_head->size_bytes;
}

static int fill(StreamReader *reader) {
        ssize_t size = pread(reader->fd, reader->buffer, sizeof(reader->buffer), reader->offset);
        if (size < 0)
                return -errno;
        reader->taken = 0;
        reader->filled = (size_t) size;
        return 0;
}

int stream_read(StreamReader *reader, Frame *ret_frame, Error *reterr) {
        FrameHead head;
        int r = find_frame(reader, &head);
        if (r == 0) {
                r = fill(reader);
                if (r >= 0)
                        r = find_frame(reader, &head);
        }
        if (r == -EBADMSG)
                return error_set(reterr, r, "%s: Damaged at byte %lld", reader->path,
                                (long long) reader->offset);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", reader->path);
        if (r == 0)
                return 0;
        *ret_frame = (Frame){ .kind = (FrameKind) head.kind,
                .data = reader->buffer + reader->taken + sizeof(head),
                .size_bytes = head.size_bytes };
        reader->taken += sizeof(head) + head.size_bytes;
        reader->offset += (off_t) (sizeof(head) + head.size_bytes);
        return 1;
}

int stream_is_held(const StreamReader *reader, Error *reterr) {
        struct flock lock = whole_file;
        if (fcntl(reader->fd, F_OFD_GETLK, &lock) < 0)
                return error_set_errno(reterr, -errno, "%s", reader->path);
        return lock.l_type != F_UNLCK;
}

int stream_events_fd(const StreamReader *reader) {
        return reader->events_fd;
}

void stream_take_events(StreamReader *reader) {
        char events[4096];
        while (reader->events_fd >= 0 && read(reader->events_fd, events, sizeof(events)) > 0)
                ; /* that there were some is all they say */
}
