/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/detach.h"
#include "switch/stop_request.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int set_variable(const char *variable) {
        const char *equals = strchr(variable, '=');
        if (!equals)
                return -EBADMSG;
        cleanup_free char *name = strndup(variable, (size_t) (equals - variable));
        if (!name)
                return -ENOMEM;
        return setenv(name, equals + 1, 1) < 0 ? -errno : 0;
}

static int go_to(const char *directory) {
        return chdir(directory) < 0 ? -errno : 0;
}

static int take(DetachedEngine *engine, FrameKind kind, const char *text) {
        switch (kind) {
        case FRAME_ARGUMENT:
                return strv_add(&engine->arguments, text);
        case FRAME_VARIABLE:
                return set_variable(text);
        case FRAME_DIRECTORY:
                return go_to(text);
        case FRAME_USER:
                free(engine->invoker);
                engine->invoker = strdup(text);
                return engine->invoker ? 0 : -ENOMEM;
        default:
                return -EBADMSG; /* nothing was told yet */
        }
}

static int read_request(const char *path, DetachedEngine *engine, Error *reterr) {
        cleanup(stream_closep) StreamReader *reader = NULL;
        int r = stream_open(path, &reader, reterr);
        if (r < 0)
                return r;
        Frame frame;
        while ((r = stream_read(reader, &frame, reterr)) > 0) {
                cleanup_free char *text = strndup(frame.data, frame.size_bytes);
                int taken = text ? take(engine, frame.kind, text) : -ENOMEM;
                if (taken < 0)
                        return error_set_errno(reterr, taken, "%s", text ? text : path);
        }
        if (r >= 0 && engine->arguments.n_items == 0)
                return error_set(reterr, -EBADMSG, "%s: Asks for nothing", path);
        return r;
}

static ssize_t write_output(void *cookie, const char *data, size_t size) {
        (void) stream_add(cookie, FRAME_OUTPUT, data, size); /* is noted in its head */
        return (ssize_t) size;
}

static ssize_t write_error(void *cookie, const char *data, size_t size) {
        (void) stream_add(cookie, FRAME_ERROR, data, size); /* is noted in its head */
        return (ssize_t) size;
}

/* The descriptors below stay the service's: what a library, or the C library itself, has to say is
 * found in the journal. */
static int redirect(Stream *stream, Error *reterr) {
        FILE *output = fopencookie(stream, "w", (cookie_io_functions_t){ .write = write_output });
        FILE *errors = fopencookie(stream, "w", (cookie_io_functions_t){ .write = write_error });
        if (!output || !errors || setvbuf(errors, NULL, _IOLBF, 0) != 0)
                return error_oom(reterr);
        stdout = output;
        stderr = errors;
        return 0;
}

/* What the caller is woken by is nobody's to read. */
static int leave_input(Error *reterr) {
        cleanup_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return fd < 0 || dup2(fd, STDIN_FILENO) < 0 ? error_set_errno(reterr, -errno, "/dev/null")
                                                    : 0;
}

int engine_begin(const char *path, DetachedEngine *ret_engine, Error *reterr) {
        DetachedEngine engine = { 0 };
        if (clearenv() != 0)
                return error_oom(reterr);
        stop_request_listen(); /* who knows that it has begun may ask it to stop */
        int r = read_request(path, &engine, reterr);
        if (r >= 0)
                r = stream_take_over(path, STDIN_FILENO, &engine.stream, reterr);
        if (r >= 0)
                r = leave_input(reterr);
        if (r >= 0)
                r = redirect(engine.stream, reterr);
        if (r < 0) {
                engine_finish(&engine, 1);
                return r;
        }
        *ret_engine = engine;
        return 0;
}

void engine_finish(DetachedEngine *engine, int exit_status) {
        (void) fflush(stderr); /* there is nowhere else to tell it */
        if (engine->stream)
                stream_end(engine->stream, exit_status);
        engine->stream = stream_free(engine->stream);
        strv_done(&engine->arguments);
        free(TAKE(engine->invoker));
}
