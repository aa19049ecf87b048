/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/detach.h"

#include "activate/transient.h"
#include "activate/unit_look.h"
#include "base/clock.h"
#include "base/text.h"
#include "state/lock.h"
#include "switch/aftermath.h"
#include "switch/engine.h"
#include "switch/invoker.h"
#include "switch/watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#define STATE_DIRECTORY "/var/lib/sysswitch"

enum {
        /* Of the service before, that has ended and that systemd still has to forget. */
        START_TIMEOUT_USEC = 10 * 1000000,
        START_AGAIN_MSEC = 2,
        BEGIN_LOOK_MSEC = 250,
        STOP_TIMEOUT_SEC = 10 * 60, /* an undo has to wait for jobs, too */
};

typedef struct Caller {
        const DetachRequest *request;
        Systemd *systemd;
        Stream *stream;
        StreamReader *reader;
        char *invoker;
        char program[PATH_MAX];
} Caller;

static void caller_done(Caller *caller) {
        caller->systemd = systemd_close(caller->systemd);
        caller->stream = stream_free(caller->stream);
        caller->reader = stream_close(caller->reader);
        free(TAKE(caller->invoker));
}

static bool is_same_file(const char *left, const char *right) {
        struct stat a, b;
        return stat(left, &a) == 0 && stat(right, &b) == 0 && a.st_dev == b.st_dev &&
               a.st_ino == b.st_ino;
}

/* A service is among systemd's own mounts: who is elsewhere (PrivateTmp=) would not find the same
 * files there. */
static bool is_where_systemd_is(void) {
        return is_same_file("/proc/1/ns/mnt", "/proc/self/ns/mnt");
}

bool detach_is_wanted(const DetachRequest *request) {
        const Options *options = request->options;
        return request->command->detaches && !options->root && !options->stream &&
               !option_is_given(options, OPTION_DRY_RUN) &&
               !option_is_given(options, OPTION_FOREGROUND) && geteuid() == 0;
}

/* What was replaced meanwhile, as by an upgrade, is not run. */
static int find_program(Caller *caller) {
        ssize_t length = readlink("/proc/self/exe", caller->program, sizeof(caller->program) - 1);
        if (length < 0)
                return -errno;
        caller->program[length] = 0;
        return is_same_file("/proc/self/exe", caller->program) ? 0 : -ENOENT;
}

/* What the program, or a library of it, looks at. */
static bool is_handed_on(const char *variable) {
        static const char *const names[] = { "HOME", "LANG", "LANGUAGE", "NO_COLOR", "PATH",
                "SUDO_UID", "SUDO_USER", "TERM", "TZ" };
        size_t length = strcspn(variable, "=");
        if (strncmp(variable, "LC_", 3) == 0)
                return true;
        for (size_t i = 0; i < N_ELEMENTS(names); i++)
                if (strlen(names[i]) == length && strncmp(names[i], variable, length) == 0)
                        return true;
        return false;
}

static int add_text(Stream *stream, FrameKind kind, const char *text) {
        size_t size = strlen(text);
        return size > FRAME_MAX_BYTES ? -E2BIG : stream_add(stream, kind, text, size);
}

static int write_request(Caller *caller) {
        const DetachRequest *request = caller->request;
        int r = 0;
        for (char **variable = environ; r >= 0 && variable && *variable; variable++)
                if (is_handed_on(*variable))
                        r = add_text(caller->stream, FRAME_VARIABLE, *variable);
        if (r >= 0 && request->directory)
                r = add_text(caller->stream, FRAME_DIRECTORY, request->directory);
        if (r >= 0)
                r = add_text(caller->stream, FRAME_USER, caller->invoker);
        for (char **argument = request->arguments; r >= 0 && *argument; argument++)
                r = add_text(caller->stream, FRAME_ARGUMENT, *argument);
        return r;
}

/* The words of the command line, what no unit's description can hold as '?'. */
static int describe(const Caller *caller, char **ret_description) {
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, "sysswitch");
        for (char **argument = caller->request->arguments + 1; *argument; argument++)
                text_addf(&text, " %s", *argument);
        text_addf(&text, ", by %s", caller->invoker);
        for (size_t i = 0; i < text.length; i++)
                if (text.data[i] < ' ' || text.data[i] > '~')
                        text.data[i] = '?';
        return text_take(&text, ret_description);
}

static int write_stream(Caller *caller, Error *reterr) {
        int r = invoker_name(&caller->invoker, reterr);
        if (r >= 0)
                r = stream_create(STREAM_DIRECTORY, &caller->stream, reterr);
        if (r < 0)
                return r;
        r = write_request(caller);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", stream_path(caller->stream));
        return stream_open_own(caller->stream, &caller->reader, reterr);
}

/* 1: a switch of that service is under way; 0: it is not, or not yet, or not any more. */
static int is_other_running(Error *reterr) {
        cleanup(stream_closep) StreamReader *reader = NULL;
        int r = stream_open_current(STREAM_DIRECTORY, &reader, reterr);
        if (r <= 0)
                return r;
        StreamHead head;
        r = stream_read_head(reader, &head, reterr);
        if (r < 0 || head.exit_status >= 0)
                return r;
        return stream_is_held(reader, reterr);
}

static int fail_busy(Error *reterr) {
        LockHolder holder = { 0 };
        int r = lock_query(STATE_DIRECTORY, &holder, reterr);
        return r < 0 ? r : lock_fail_busy(&holder, reterr);
}

static int start_service(const Caller *caller, const TransientService *service, Error *reterr) {
        uint64_t end_usec = now_usec() + START_TIMEOUT_USEC;
        for (;;) {
                int r = transient_start(caller->systemd, service, reterr);
                if (r != -EEXIST)
                        return r;
                int is_running = is_other_running(reterr);
                if (is_running < 0)
                        return is_running;
                if (is_running > 0)
                        return fail_busy(reterr);
                if (now_usec() >= end_usec)
                        return error_set(reterr, -EBUSY,
                                        DETACH_SERVICE " is there already, and no switch: see "
                                                       "systemctl status " DETACH_SERVICE);
                (void) poll(NULL, 0, START_AGAIN_MSEC); /* shorter does no harm */
        }
}

static int start(const Caller *caller, Error *reterr) {
        static const int good_exits[] = { EXIT_REFUSED, EXIT_USAGE, EXIT_ROLLED_BACK,
                EXIT_UNITS_FAILED };
        cleanup_free char *description = NULL;
        if (describe(caller, &description) < 0)
                return error_oom(reterr);
        const TransientService service = {
                .name = DETACH_SERVICE,
                .description = description,
                .arguments = { caller->program, DETACH_ENGINE_OPTION, stream_path(caller->stream) },
                .input_fd = stream_wake_fd(caller->stream),
                .on_failure = RECOVER_SERVICE,
                .good_exits = good_exits,
                .n_good_exits = N_ELEMENTS(good_exits),
                .stop_timeout_usec = (uint64_t) STOP_TIMEOUT_SEC * 1000000,
        };
        return start_service(caller, &service, reterr);
}

/* The service may come to nothing before its program takes the stream over. */
static int await_beginning(const Caller *caller, StreamHead *ret_head, Error *reterr) {
        bool is_over = false;
        for (;;) {
                int r = stream_read_head(caller->reader, ret_head, reterr);
                if (r < 0 || ret_head->pid > 0)
                        return r;
                if (is_over)
                        return error_set(reterr, -ECHILD,
                                        DETACH_SERVICE " ended before it began: see journalctl "
                                                       "-u " DETACH_SERVICE);
                struct pollfd fd = { .fd = stream_events_fd(caller->reader), .events = POLLIN };
                r = poll(&fd, 1, fd.fd < 0 ? START_AGAIN_MSEC : BEGIN_LOOK_MSEC);
                stream_take_events(caller->reader);
                if (r != 0)
                        continue;
                UnitLook look = { .unit = DETACH_SERVICE };
                r = unit_look(caller->systemd, &look, 1, LOOK_STATE, reterr);
                if (r < 0)
                        return r;
                is_over = !unit_look_is_on(&look);
        }
}

static int run(Caller *caller, Error *reterr) {
        int r = write_stream(caller, reterr);
        if (r < 0) {
                if (caller->stream)
                        (void) unlink(stream_path(caller->stream)); /* what stays harms nobody */
                return r;
        }
        watch_hold_interrupts();
        r = start(caller, reterr);
        if (r < 0) {
                (void) unlink(stream_path(caller->stream)); /* as above */
                return r;
        }
        StreamHead head;
        r = await_beginning(caller, &head, reterr);
        if (r < 0)
                return r;
        caller->stream = stream_free(caller->stream);
        caller->systemd = systemd_close(caller->systemd);
        Output output;
        output_init(&output, caller->request->options);
        const WatchOptions options = { .output = &output, .is_caller = true };
        r = watch_stream(caller->reader, &options, reterr);
        return r == -ECANCELED ? aftermath_await(head.started_usec, reterr) : r;
}

int detach_run(const DetachRequest *request, Error *reterr) {
        if (!detach_is_wanted(request))
                return DETACH_NOT_HERE;
        Caller caller = { .request = request };
        if (!is_where_systemd_is() || find_program(&caller) < 0)
                return DETACH_NOT_HERE;
        int r = systemd_connect_system(&caller.systemd, reterr);
        if (r == -ENOENT)
                r = DETACH_NOT_HERE;
        else if (r >= 0)
                r = run(&caller, reterr);
        caller_done(&caller);
        return r;
}

/* None is under way, as a service at least. */
static int tell_none(const Options *options, Error *reterr) {
        LockHolder holder = { 0 };
        int r = lock_query(STATE_DIRECTORY, &holder, reterr);
        if (r < 0)
                return r;
        if (r > 0)
                return error_set(reterr, -EBUSY,
                                "%s (process %d) is at work, but is no service: it can be watched "
                                "only where it was called; wait for it",
                                *holder.what ? holder.what : "another switch", (int) holder.pid);
        if (!option_is_given(options, OPTION_QUIET))
                printf("No switch is under way.\n");
        return EXIT_DONE;
}

int detach_follow(const Options *options, Error *reterr) {
        int r = is_other_running(reterr);
        if (r < 0)
                return r;
        if (r == 0)
                return tell_none(options, reterr);
        cleanup(stream_closep) StreamReader *reader = NULL;
        StreamHead head;
        r = stream_open_current(STREAM_DIRECTORY, &reader, reterr);
        if (r == 0)
                return tell_none(options, reterr);
        if (r > 0)
                r = stream_read_head(reader, &head, reterr);
        if (r < 0)
                return r;
        Output output;
        output_init(&output, options);
        const WatchOptions watch = { .output = &output };
        r = watch_stream(reader, &watch, reterr);
        return r == -ECANCELED ? aftermath_await(head.started_usec, reterr) : r;
}
