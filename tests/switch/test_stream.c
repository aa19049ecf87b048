/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/stream.h"

#include "switch/progress.h"
#include "switch/watch.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char directory[] = "/tmp/test-stream-XXXXXX";

static int begin(void **state) {
        (void) state;
        return mkdtemp(directory) ? 0 : -1;
}

static int end(void **state) {
        (void) state;
        char command[64];
        (void) snprintf(command, sizeof(command), "rm -r %s", directory); /* fits */
        return system(command); /* NOLINT(cert-env33-c): a directory of our own */
}

static Stream *create(char **ret_path) {
        Error error;
        Stream *stream = NULL;
        if (stream_create(directory, &stream, &error) < 0)
                fail_msg("%s", error.message);
        *ret_path = strdup(stream_path(stream));
        assert_non_null(*ret_path);
        return stream;
}

static StreamReader *open_path(const char *path) {
        Error error;
        StreamReader *reader = NULL;
        if (stream_open(path, &reader, &error) < 0)
                fail_msg("%s", error.message);
        return reader;
}

static Stream *take_over(const char *path) {
        Error error;
        Stream *stream = NULL;
        if (stream_take_over(path, -1, &stream, &error) < 0)
                fail_msg("%s", error.message);
        return stream;
}

static void add(Stream *stream, FrameKind kind, const char *text) {
        assert_int_equal(stream_add(stream, kind, text, strlen(text)), 0);
}

static void expect(StreamReader *reader, FrameKind kind, const char *text) {
        Error error;
        Frame frame;
        assert_int_equal(stream_read(reader, &frame, &error), 1);
        assert_int_equal(frame.kind, kind);
        assert_int_equal(frame.size_bytes, strlen(text));
        assert_memory_equal(frame.data, text, strlen(text));
}

static void expect_none(StreamReader *reader) {
        Error error;
        Frame frame;
        assert_int_equal(stream_read(reader, &frame, &error), 0);
}

static StreamHead head_of(StreamReader *reader) {
        Error error;
        StreamHead head;
        if (stream_read_head(reader, &head, &error) < 0)
                fail_msg("%s", error.message);
        return head;
}

static void test_stream__a_request_then_what_is_told(void **state) {
        (void) state;
        Error error;
        cleanup_free char *path = NULL;
        Stream *caller = create(&path);
        StreamReader *reader = open_path(path), *current = NULL;
        add(caller, FRAME_ARGUMENT, "sysswitch");
        add(caller, FRAME_ARGUMENT, "");
        stream_free(caller);
        assert_int_equal(head_of(reader).pid, 0);
        assert_int_equal(stream_is_held(reader, &error), 0);
        assert_int_equal(stream_open_current(directory, &current, &error), 0);

        Stream *engine = take_over(path);
        assert_int_equal(access(path, F_OK), -1); /* it has its other name now */
        assert_int_equal(stream_open_current(directory, &current, &error), 1);
        assert_int_equal(head_of(current).pid, getpid());
        assert_int_equal(head_of(current).exit_status, -1);
        assert_int_equal(stream_is_held(current, &error), 1);
        Stream *second = NULL;
        assert_int_equal(stream_take_over(stream_path(engine), -1, &second, &error), -EBUSY);
        expect(reader, FRAME_ARGUMENT, "sysswitch");
        expect(reader, FRAME_ARGUMENT, "");
        expect_none(reader);
        add(engine, FRAME_OUTPUT, "one\n");
        add(engine, FRAME_ERROR, "two\n");
        expect(reader, FRAME_OUTPUT, "one\n");
        expect(reader, FRAME_ERROR, "two\n");
        stream_end(engine, 4);
        assert_int_equal(head_of(reader).exit_status, 4);
        assert_int_equal(stream_is_held(reader, &error), 1);
        stream_free(engine);
        assert_int_equal(stream_is_held(reader, &error), 0);
        /* who comes late sees it all */
        expect(current, FRAME_ARGUMENT, "sysswitch");
        stream_close(reader);
        stream_close(current);
}

static bool is_woken(StreamReader *reader) {
        struct pollfd fd = { .fd = stream_events_fd(reader), .events = POLLIN };
        assert_true(fd.fd >= 0);
        int r = poll(&fd, 1, 0);
        stream_take_events(reader);
        return r > 0;
}

static void test_stream__who_asked_is_woken_as_all_others_are(void **state) {
        (void) state;
        Error error;
        cleanup_free char *path = NULL;
        Stream *caller = create(&path), *engine = NULL;
        StreamReader *other = open_path(path), *own = NULL;
        assert_int_equal(stream_open_own(caller, &own, &error), 0);
        assert_false(is_woken(own));
        assert_int_equal(stream_take_over(path, *stream_wake_fd(caller), &engine, &error), 0);
        stream_free(caller);
        for (unsigned i = 0; i < 3; i++) { /* begun, a frame, the end */
                if (i == 1)
                        add(engine, FRAME_OUTPUT, "one");
                if (i == 2)
                        stream_end(engine, 0);
                assert_true(is_woken(own));
                assert_true(is_woken(other));
                assert_false(is_woken(own));
                assert_false(is_woken(other));
        }
        expect(own, FRAME_OUTPUT, "one");
        stream_free(engine);
        stream_close(own);
        stream_close(other);
}

static void test_stream__what_is_longer_than_a_frame_is_several(void **state) {
        (void) state;
        Error error;
        cleanup_free char *path = NULL;
        Stream *stream = create(&path);
        size_t size = 2 * FRAME_MAX_BYTES + 1;
        cleanup_free char *data = malloc(size);
        assert_non_null(data);
        memset(data, 'x', size);
        assert_int_equal(stream_add(stream, FRAME_OUTPUT, data, size), 0);
        StreamReader *reader = open_path(path);
        static const size_t sizes[] = { FRAME_MAX_BYTES, FRAME_MAX_BYTES, 1 };
        for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
                Frame frame;
                assert_int_equal(stream_read(reader, &frame, &error), 1);
                assert_int_equal(frame.size_bytes, sizes[i]);
                assert_memory_equal(frame.data, data, frame.size_bytes);
        }
        expect_none(reader);
        stream_close(reader);
        stream_free(stream);
}

/* Whatever part of the file is there, whole frames are read and no part of one; once the rest is
 * there, that too. */
static void test_stream__a_torn_frame_is_none(void **state) {
        (void) state;
        Error error;
        cleanup_free char *path = NULL;
        Stream *stream = create(&path);
        static const char *const texts[] = { "one", "", "three" };
        for (size_t i = 0; i < N_ELEMENTS(texts); i++)
                add(stream, FRAME_OUTPUT, texts[i]);
        stream_free(stream);
        char bytes[256];
        cleanup_fd int whole = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = read(whole, bytes, sizeof(bytes));
        assert_true(size > (ssize_t) sizeof(StreamHead));
        for (ssize_t torn = sizeof(StreamHead); torn <= size; torn++) {
                cleanup_fd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
                assert_int_equal(write(fd, bytes, (size_t) torn), torn);
                StreamReader *reader = open_path(path);
                size_t n = 0;
                Frame frame;
                ssize_t taken = sizeof(StreamHead);
                for (; stream_read(reader, &frame, &error) > 0; n++)
                        taken += (ssize_t) (8 + frame.size_bytes);
                assert_true(taken <= torn);
                assert_true(n == N_ELEMENTS(texts) ||
                                taken + 8 + (ssize_t) strlen(texts[n]) > torn);
                expect_none(reader);
                assert_int_equal(write(fd, bytes + torn, (size_t) (size - torn)), size - torn);
                for (; n < N_ELEMENTS(texts); n++)
                        expect(reader, FRAME_OUTPUT, texts[n]);
                expect_none(reader);
                stream_close(reader);
        }
}

static void test_stream__damage_is_an_error(void **state) {
        (void) state;
        Error error;
        cleanup_free char *path = NULL;
        Stream *stream = create(&path);
        cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        Frame frame;
        static const uint32_t bad[][2] = { { 0, 0 }, { N_FRAME_KINDS, 0 },
                { FRAME_OUTPUT, FRAME_MAX_BYTES + 1 } };
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                assert_int_equal(pwrite(fd, bad[i], sizeof(bad[i]), sizeof(StreamHead)),
                                sizeof(bad[i]));
                StreamReader *reader = open_path(path);
                assert_int_equal(stream_read(reader, &frame, &error), -EBADMSG);
                assert_non_null(strstr(error.message, "Damaged at byte 32"));
                stream_close(reader);
        }
        assert_int_equal(pwrite(fd, "other", 5, 0), 5);
        StreamReader *reader = open_path(path);
        StreamHead head;
        assert_int_equal(stream_read_head(reader, &head, &error), -EBADMSG);
        stream_close(reader);
        stream_free(stream);
}

static void test_stream__a_full_file_system_loses_output_only(void **state) {
        (void) state;
        cleanup_free char *path = NULL;
        stream_free(create(&path));
        Stream *stream = take_over(path);
        add(stream, FRAME_OUTPUT, "one");
        struct rlimit before;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        const struct rlimit limit = { .rlim_cur = 60, .rlim_max = before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int torn = stream_add(stream, FRAME_OUTPUT, "what has no room", 16);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(torn, -ENOSPC);
        /* there would be room again, but a reader could not tell where it begins */
        assert_int_equal(stream_add(stream, FRAME_OUTPUT, "two", 3), -ENOSPC);
        stream_end(stream, 3);
        StreamReader *reader = open_path(stream_path(stream));
        expect(reader, FRAME_OUTPUT, "one");
        expect_none(reader);
        assert_int_equal(head_of(reader).exit_status, 3);
        assert_int_equal(head_of(reader).is_cut, 1);
        stream_close(reader);
        stream_free(stream);
}

/* An engine in a process of its own, until it is told to go on. */
static pid_t begin_engine(const char *path, const int *go_on, int exit_status) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child > 0)
                return child;
        Error error;
        Stream *stream = NULL;
        char byte;
        (void) close(go_on[1]); /* a copy */
        if (stream_take_over(path, -1, &stream, &error) < 0)
                _exit(1);
        const Output output = { .stream = stream, .color = true };
        ProgressView view = { .output = &output };
        (void) stream_add(stream, FRAME_OUTPUT, "\033[1mbold\033[m plain\n", 18);
        progress_view_draw(&view, "live");
        (void) stream_add(stream, FRAME_PLAIN, "not live\n", 9);
        if (read(go_on[0], &byte, 1) < 0)
                _exit(1);
        (void) stream_add(stream, FRAME_OUTPUT, "end\n", 4);
        if (exit_status >= 0)
                stream_end(stream, exit_status);
        _exit(0);
}

static int watch(const Output *output, int exit_status, char *text, size_t size) {
        Error error;
        cleanup_free char *path = NULL;
        int go_on[2];
        stream_free(create(&path));
        StreamReader *reader = open_path(path);
        assert_int_equal(pipe2(go_on, O_CLOEXEC), 0);
        pid_t child = begin_engine(path, go_on, exit_status);
        while (head_of(reader).pid == 0)
                ;
        FILE *caught = tmpfile(), *before = stdout;
        assert_non_null(caught);
        assert_int_equal(close(go_on[1]), 0); /* reads the end of it, and goes on */
        stdout = caught;
        const WatchOptions options = { .output = output };
        int r = watch_stream(reader, &options, &error);
        stdout = before;
        rewind(caught);
        text[fread(text, 1, size - 1, caught)] = 0;
        assert_int_equal(fclose(caught), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        assert_int_equal(close(go_on[0]), 0);
        stream_close(reader);
        return r;
}

static void test_watch__each_output_gets_what_is_for_it(void **state) {
        (void) state;
        char text[256];
        const Output lines = { .width = 80 }, terminal = { .terminal = true, .width = 80 },
                     colored = { .terminal = true, .color = true, .width = 80 };
        assert_int_equal(watch(&lines, 4, text, sizeof(text)), 4);
        assert_string_equal(text, "bold plain\nnot live\nend\n");
        assert_int_equal(watch(&terminal, 0, text, sizeof(text)), 0);
        assert_string_equal(text, "bold plain\nlive\r\033[Kend\n");
        assert_int_equal(watch(&colored, 3, text, sizeof(text)), 3);
        assert_string_equal(text, "\033[1mbold\033[m plain\nlive\r\033[Kend\n");
}

static void test_watch__an_engine_that_ends_without_a_word_was_killed(void **state) {
        (void) state;
        char text[256];
        const Output lines = { .width = 80 };
        assert_int_equal(watch(&lines, -1, text, sizeof(text)), -ECANCELED);
        assert_string_equal(text, "bold plain\nnot live\nend\n");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stream__a_request_then_what_is_told),
                cmocka_unit_test(test_stream__who_asked_is_woken_as_all_others_are),
                cmocka_unit_test(test_stream__what_is_longer_than_a_frame_is_several),
                cmocka_unit_test(test_stream__a_torn_frame_is_none),
                cmocka_unit_test(test_stream__damage_is_an_error),
                cmocka_unit_test(test_stream__a_full_file_system_loses_output_only),
                cmocka_unit_test(test_watch__each_output_gets_what_is_for_it),
                cmocka_unit_test(test_watch__an_engine_that_ends_without_a_word_was_killed),
        };
        return cmocka_run_group_tests(tests, begin, end);
}
