/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a detached switch tells: a file that its process, the engine, appends frames to, and that
 * any number of watchers read from its beginning.
 *
 *   1. The engine holds a lock on the file as long as it lives: who finds it unlocked knows that
 * the engine has ended, and needs neither systemd nor a process number for that.
 *   2. Before the frames is a head of fixed size, written in place: the exit status finds its place
 *      on a full file system too.
 *   3. Frames are only appended, and none after one that could not be written whole: what a reader
 *      finds torn is the end, for now or for good.
 *   4. The file is the caller's until the engine takes it over under the name that all watchers
 *      look for; one that was never taken over harms nobody. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_DIRECTORY "/run/sysswitch"

typedef enum FrameKind {
        /* What the caller asks for, before the engine begins. */
        FRAME_ARGUMENT = 1, /* of the command line, in order */
        FRAME_VARIABLE,     /* NAME=VALUE of the environment */
        FRAME_DIRECTORY,    /* the working directory */
        FRAME_USER,         /* who asked */
        /* What the engine tells. */
        FRAME_OUTPUT, /* for standard output */
        FRAME_ERROR,  /* for standard error */
        FRAME_PLAIN,  /* for standard output, unless it is a terminal */
        FRAME_LIVE,   /* a line that stands until anything else is shown; for terminals */
        N_FRAME_KINDS,
} FrameKind;

enum {
        FRAME_MAX_BYTES = 128 * 1024,        /* as long as an argument of a program can be */
        STREAM_MAX_BYTES = 64 * 1024 * 1024, /* a hook that never ends its talk fills no /run */
};

/* The head, in the machine's own byte order: it is read where it was written. */
typedef struct StreamHead {
        char magic[8];
        uint64_t started_usec; /* CLOCK_REALTIME */
        int32_t pid;           /* of the engine; 0: it has not begun */
        int32_t exit_status;   /* -1: it has not ended */
        uint32_t is_cut;       /* there was no room for all it had to tell */
        uint32_t reserved;
} StreamHead;

typedef struct Stream Stream;

/* The caller's side: a new file in directory, which is made when absent. */
int stream_create(const char *directory, Stream **ret_stream, Error *reterr) must_check;
const char *stream_path(const Stream *stream);
/* An eventfd(2) for the engine, by which it wakes the caller's own reader; NULL: there is none. */
const int *stream_wake_fd(const Stream *stream);
/* The engine's side: locks the file at path, marks it as begun and gives it the name of the current
 * one. wake_fd (it stays the caller's) is what stream_wake_fd() was, or anything that may be
 * written to; -1: none. -EBUSY: another engine has it. */
int stream_take_over(const char *path, int wake_fd, Stream **ret_stream, Error *reterr) must_check;
/* Never waits for a reader. What is longer than a frame becomes several. Returns 0, or the first
 * negative errno that a write of this stream came to: that is noted in its head. */
int stream_add(Stream *stream, FrameKind kind, const void *data, size_t size_bytes);
void stream_end(Stream *stream, int exit_status);
Stream *stream_free(Stream *stream); /* the file stays */
DEFINE_CLEANUP(Stream, stream_free);

typedef struct Frame {
        FrameKind kind;
        const char *data; /* the reader's, until the next call */
        size_t size_bytes;
} Frame;

typedef struct StreamReader StreamReader;

/* The current one of directory. 1: there it is; 0: there is none. */
int stream_open_current(const char *directory, StreamReader **ret_reader, Error *reterr) must_check;
int stream_open(const char *path, StreamReader **ret_reader, Error *reterr) must_check;
/* The caller's own. It has no inotify instance: to close one takes the kernel a grace period, 10 to
 * 25 ms that whoever asked for a switch would wait. */
int stream_open_own(const Stream *stream, StreamReader **ret_reader, Error *reterr) must_check;
StreamReader *stream_close(StreamReader *reader);
DEFINE_CLEANUP(StreamReader, stream_close);

int stream_read_head(StreamReader *reader, StreamHead *ret_head, Error *reterr) must_check;
/* The next whole frame: 1; 0: none (yet). */
int stream_read(StreamReader *reader, Frame *ret_frame, Error *reterr) must_check;
/* 1: the engine lives; 0: it has not begun, or has ended. */
int stream_is_held(const StreamReader *reader, Error *reterr) must_check;
/* Readable when something was written; -1 where neither inotify(7) nor eventfd(2) is to be had. */
int stream_events_fd(const StreamReader *reader);
void stream_take_events(StreamReader *reader);
