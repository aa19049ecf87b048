/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/errand.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { MAX_AT_ONCE = 16, TURN_MSEC = 1000 };

size_t errands_at_once(void) {
        long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
        return n_processors > 0 ? 2 * (size_t) n_processors : 2;
}

static int begin(Errand *errand, uint64_t timeout_usec) {
        int ends[2];
        pid_t parent = getpid();
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        errand->pid = fork();
        if (errand->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* cannot fail for a signal */
                _exit(getppid() == parent ? errand->run(errand->userdata, ends[1]) : EXIT_FAILURE);
        }
        int r = errand->pid < 0 ? -errno : 0;
        (void) close(ends[1]); /* the child's */
        if (r < 0) {
                (void) close(ends[0]); /* nothing was read */
                return r;
        }
        errand->answer_fd = ends[0];
        errand->end_usec = timeout_usec > 0 ? now_usec() + timeout_usec : UINT64_MAX;
        errand->stage = ERRAND_AT_WORK;
        return 0;
}

static bool is_busy(const Errand *errands, size_t n_errands, const char *whom) {
        for (size_t i = 0; i < n_errands; i++)
                if (errands[i].stage == ERRAND_AT_WORK && strcmp(errands[i].whom, whom) == 0)
                        return true;
        return false;
}

static size_t count_at_work(const Errand *errands, size_t n_errands) {
        size_t n = 0;
        for (size_t i = 0; i < n_errands; i++)
                n += errands[i].stage == ERRAND_AT_WORK;
        return n;
}

static int begin_some(Errand *errands, size_t n_errands, const ErrandOptions *options) {
        size_t n_at_work = count_at_work(errands, n_errands);
        size_t n_at_once = options->n_at_once > 0 ? options->n_at_once : errands_at_once();
        if (n_at_once > MAX_AT_ONCE)
                n_at_once = MAX_AT_ONCE;
        for (size_t i = 0; i < n_errands && n_at_work < n_at_once; i++) {
                if (errands[i].stage != ERRAND_WAITING ||
                                is_busy(errands, n_errands, errands[i].whom))
                        continue;
                if (options->begin)
                        options->begin(options->userdata, i);
                int r = begin(&errands[i], options->timeout_usec);
                if (r < 0)
                        return r;
                n_at_work++;
        }
        return 0;
}

/* It has said all, or nobody listens any more. */
static void end(Errand *errand) {
        int status = 1;
        bool has_said_all = errand->answer_fd < 0;
        if (!has_said_all) {
                (void) kill(errand->pid, SIGKILL); /* it may be gone already */
                (void) close(errand->answer_fd);   /* it was read */
                errand->answer_fd = -1;
        }
        while (waitpid(errand->pid, &status, 0) < 0 && errno == EINTR)
                ;
        errand->stage = ERRAND_ENDED;
        errand->is_answered = has_said_all && errand->answer.error >= 0 && WIFEXITED(status) &&
                              WEXITSTATUS(status) == 0;
}

static void hear(Errand *errand, size_t max_bytes) {
        char part[16384];
        ssize_t n = read(errand->answer_fd, part, sizeof(part));
        if (n < 0 && errno == EINTR)
                return;
        if (n > 0 && errand->answer.length + (size_t) n <= max_bytes) {
                text_add_n(&errand->answer, part, (size_t) n);
                return;
        }
        if (n == 0) {
                (void) close(errand->answer_fd); /* it was read */
                errand->answer_fd = -1;
        }
        end(errand);
}

/* Until something was said, or a turn is over. */
static int hear_some(Errand *errands, size_t n_errands, const ErrandOptions *options) {
        struct pollfd fds[MAX_AT_ONCE];
        Errand *at_work[MAX_AT_ONCE];
        nfds_t n = 0;
        int turn_msec = TURN_MSEC;
        uint64_t now = now_usec();
        for (size_t i = 0; i < n_errands; i++) {
                Errand *errand = &errands[i];
                if (errand->stage != ERRAND_AT_WORK)
                        continue;
                uint64_t left_usec = errand->end_usec > now ? errand->end_usec - now : 0;
                if (left_usec < TURN_MSEC * 1000 && (int) (left_usec / 1000) + 1 < turn_msec)
                        turn_msec = (int) (left_usec / 1000) + 1;
                at_work[n] = errand;
                fds[n++] = (struct pollfd){ errand->answer_fd, POLLIN, 0 };
        }
        if (poll(fds, n, turn_msec) < 0)
                return errno == EINTR ? 0 : -errno;
        now = now_usec();
        for (nfds_t i = 0; i < n; i++)
                if (fds[i].revents)
                        hear(at_work[i], options->answer_max_bytes);
                else if (now >= at_work[i]->end_usec)
                        end(at_work[i]);
        return 0;
}

static void ask_to_stop(const Errand *errands, size_t n_errands) {
        for (size_t i = 0; i < n_errands; i++)
                if (errands[i].stage == ERRAND_AT_WORK)
                        (void) kill(errands[i].pid, SIGTERM); /* it may be gone already */
}

static int run_all(Errand *errands, size_t n_errands, const ErrandOptions *options) {
        bool is_stopping = false;
        for (int r = 0;;) {
                if (!is_stopping && options->should_stop && options->should_stop()) {
                        is_stopping = true;
                        ask_to_stop(errands, n_errands);
                }
                if (!is_stopping)
                        r = begin_some(errands, n_errands, options);
                if (r >= 0 && count_at_work(errands, n_errands) == 0)
                        return is_stopping ? -EINTR : 0;
                if (r >= 0)
                        r = hear_some(errands, n_errands, options);
                if (r < 0)
                        return r;
        }
}

int errands_run(Errand *errands, size_t n_errands, const ErrandOptions *options, Error *reterr) {
        int r = run_all(errands, n_errands, options);
        for (size_t i = 0; i < n_errands; i++)
                if (errands[i].stage == ERRAND_AT_WORK)
                        end(&errands[i]);
        return r < 0 ? error_set_errno(reterr, r, "Asking by a process of its own") : 0;
}
