/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/watch.h"

#include "switch/detach.h"
#include "switch/progress.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>

/* How often to look where nothing wakes us. */
enum { LOOK_MSEC = 100 };

typedef struct Watch {
        StreamReader *reader;
        const WatchOptions *options;
        ProgressView view; /* its live line */
        int pid_fd;        /* of the engine; readable once it ended, and all it wrote is there */
        int signal_fd;     /* -1: interrupts end us */
        unsigned n_interrupts;
} Watch;

static void interrupt_set(sigset_t *ret_set) {
        (void) sigemptyset(ret_set);       /* cannot fail */
        (void) sigaddset(ret_set, SIGINT); /* the same */
}

void watch_hold_interrupts(void) {
        sigset_t set;
        struct sigaction before;
        if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
                return; /* a shell's background job: Ctrl-C is not for it */
        interrupt_set(&set);
        (void) sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail */
}

/* The engine colours all it says. */
static void print_unstyled(const char *data, size_t size, FILE *file) {
        const char *end = data + size;
        while (data < end) {
                const char *escape = memmem(data, (size_t) (end - data), "\033[", 2);
                const char *stop = escape ? escape : end;
                (void) fwrite(data, 1, (size_t) (stop - data), file); /* output_close() tells */
                if (!escape)
                        return;
                for (stop += 2; stop < end && strchr("0123456789;", *stop) && *stop;)
                        stop++;
                data = stop < end ? stop + 1 : end; /* the m */
        }
}

static void print(Watch *watch, const Frame *frame, FILE *file) {
        progress_view_clear(&watch->view);
        bool color = file == stderr ? output_of_errors(watch->options->output).color
                                    : watch->options->output->color;
        if (color)
                (void) fwrite(frame->data, 1, frame->size_bytes, file); /* output_close() tells */
        else
                print_unstyled(frame->data, frame->size_bytes, file);
        (void) fflush(file); /* the same */
}

static void show(Watch *watch, const Frame *frame) {
        bool terminal = watch->options->output->terminal;
        switch (frame->kind) {
        case FRAME_OUTPUT:
                print(watch, frame, stdout);
                break;
        case FRAME_ERROR:
                print(watch, frame, stderr);
                break;
        case FRAME_PLAIN:
                if (!terminal)
                        print(watch, frame, stdout);
                break;
        case FRAME_LIVE: {
                char line[512];
                (void) snprintf(line, sizeof(line), "%.*s", (int) frame->size_bytes,
                                frame->data); /* longer than a screen line it is cut anyway */
                progress_view_draw(&watch->view, line);
                break;
        }
        default: /* what was asked for: the engine has it */
                break;
        }
}

static int show_all(Watch *watch, Error *reterr) {
        Frame frame;
        int r;
        while ((r = stream_read(watch->reader, &frame, reterr)) > 0)
                show(watch, &frame);
        return r;
}

/* Everything that was told is shown, then: its exit status, -EAGAIN while it is at work. */
static int look(Watch *watch, bool is_dead, Error *reterr) {
        StreamHead head;
        int r = stream_read_head(watch->reader, &head, reterr);
        if (r >= 0)
                r = show_all(watch, reterr); /* all that came before the head was read */
        if (r < 0)
                return r;
        if (head.exit_status < 0)
                return is_dead ? -ECANCELED : -EAGAIN;
        progress_view_clear(&watch->view);
        if (head.is_cut)
                (void) fputs("sysswitch: Some of the output was lost, as there was no room below "
                             "/run: sysswitch log shows the switch\n",
                                stderr); /* there is nowhere else to tell it */
        return head.exit_status;
}

/* The lock tells that the number is the engine's still, and not already another's. */
static int find_engine(Watch *watch, Error *reterr) {
        StreamHead head;
        int r = stream_read_head(watch->reader, &head, reterr);
        if (r < 0)
                return r;
        watch->pid_fd = (int) syscall(SYS_pidfd_open, head.pid, 0);
        r = stream_is_held(watch->reader, reterr);
        if (r == 0 && watch->pid_fd >= 0)
                (void) close(TAKE_FD(watch->pid_fd)); /* of whomever */
        return r;
}

static int open_signals(Watch *watch, Error *reterr) {
        if (!watch->options->is_caller)
                return 0;
        sigset_t set;
        interrupt_set(&set);
        watch->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return watch->signal_fd < 0 ? error_set_errno(reterr, -errno, "Signals") : 0;
}

static void on_interrupt(Watch *watch) {
        struct signalfd_siginfo info;
        if (read(watch->signal_fd, &info, sizeof(info)) != (ssize_t) sizeof(info))
                return;
        progress_view_clear(&watch->view);
        const char *text = "Asked to stop: the switch does so at its next safe point, and is "
                           "undone";
        if (watch->n_interrupts++ == 0) {
                if (syscall(SYS_pidfd_send_signal, watch->pid_fd, SIGINT, NULL, 0) < 0)
                        text = "The switch has ended already";
        } else
                text = "The switch was asked to stop, and goes on to its next safe point; "
                       "Ctrl-\\ leaves it alone, \"systemctl kill -s KILL " DETACH_SERVICE
                       "\" ends it by force, and it is undone all the same";
        (void) fprintf(stderr, "sysswitch: %s\n", text); /* there is nowhere else to tell it */
}

/* Returns 1 once the engine has ended. */
static int wait_for_more(Watch *watch, Error *reterr) {
        struct pollfd fds[] = { { .fd = watch->pid_fd, .events = POLLIN },
                { .fd = stream_events_fd(watch->reader), .events = POLLIN },
                { .fd = watch->signal_fd, .events = POLLIN } };
        bool is_woken = fds[0].fd >= 0 && fds[1].fd >= 0;
        int r = poll(fds, N_ELEMENTS(fds), is_woken ? -1 : LOOK_MSEC);
        if (r < 0 && errno != EINTR)
                return error_set_errno(reterr, -errno, "Waiting for the switch");
        if (r <= 0)
                fds[0].revents = fds[1].revents = fds[2].revents = 0;
        if (fds[1].revents)
                stream_take_events(watch->reader);
        if (fds[2].revents)
                on_interrupt(watch);
        if (fds[0].fd >= 0)
                return fds[0].revents != 0;
        r = stream_is_held(watch->reader, reterr);
        return r < 0 ? r : r == 0;
}

static int follow(Watch *watch, Error *reterr) {
        int r = open_signals(watch, reterr);
        if (r >= 0)
                r = find_engine(watch, reterr);
        if (r < 0)
                return r;
        bool is_dead = r == 0;
        for (;;) {
                r = look(watch, is_dead, reterr);
                if (r != -EAGAIN)
                        return r;
                r = wait_for_more(watch, reterr);
                if (r < 0)
                        return r;
                is_dead = r > 0;
        }
}

int watch_stream(StreamReader *reader, const WatchOptions *options, Error *reterr) {
        Watch watch = { .reader = reader,
                .options = options,
                .view.output = options->output,
                .pid_fd = -1,
                .signal_fd = -1 };
        int r = follow(&watch, reterr);
        progress_view_clear(&watch.view);
        if (watch.pid_fd >= 0)
                (void) close(watch.pid_fd); /* nothing was written */
        if (watch.signal_fd >= 0)
                (void) close(watch.signal_fd); /* the same */
        return r == -ECANCELED ? error_set(reterr, r, "The switch was killed") : r;
}
