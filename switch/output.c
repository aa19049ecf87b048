/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/output.h"

#include "base/strv.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

static bool is_terminal(int fd) {
        const char *term = getenv("TERM");
        return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static bool takes_color(int fd) {
        const char *no_color = getenv("NO_COLOR");
        return is_terminal(fd) && !(no_color && *no_color);
}

void output_init(Output *output, const Options *options) {
        struct winsize size;
        *output = (Output){ .width = 80 };
        output->terminal = is_terminal(STDOUT_FILENO);
        output->color = takes_color(STDOUT_FILENO);
        output->stream = options->stream;
        output->color = output->color || output->stream; /* each watcher takes that away, or not */
        output->ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
        output->pager = output->terminal && !option_is_given(options, OPTION_NO_PAGER);
        if (output->terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                output->width = size.ws_col;
}

Output output_of_errors(const Output *output) {
        Output errors = *output;
        errors.color = output->stream || takes_color(STDERR_FILENO);
        return errors;
}

static const char *const styles[] = {
        [STYLE_NONE] = "",
        [STYLE_BOLD] = "\033[1m",
        [STYLE_GREEN] = "\033[32m",
        [STYLE_YELLOW] = "\033[33m",
        [STYLE_RED] = "\033[1;31m",
        [STYLE_GREY] = "\033[2m",
};

const char *style_begin(const Output *output, Style style) {
        return output->color ? styles[style] : "";
}

const char *style_end(const Output *output, Style style) {
        return output->color && style != STYLE_NONE ? "\033[m" : "";
}

static int write_all(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

enum { NO_SUCH_PROGRAM = 127 }; /* as a shell ends that finds none: nothing was shown */

/* In the child. Through sudo the caller may have less than root: then no environment chooses the
 * program, and less is told to run no other. */
_Noreturn static void run_pager(int fd) {
        (void) dup2(fd, STDIN_FILENO);      /* a pager without input shows that it has none */
        (void) close(fd);                   /* a copy */
        (void) setenv("LESS", "FRSXMK", 0); /* for want of memory: less's own defaults */
        const char *pager = getenv("SYSSWITCH_PAGER");
        if (!pager)
                pager = getenv("PAGER");
        if (getenv("SUDO_UID")) {
                if (setenv("LESSSECURE", "1", 1) < 0)
                        _exit(NO_SUCH_PROGRAM);
                pager = NULL;
        }
        if (pager && *pager)
                (void) execl("/bin/sh", "sh", "-c", pager, (char *) NULL);
        else {
                (void) execlp("less", "less", (char *) NULL);
                (void) execlp("cat", "cat", (char *) NULL);
        }
        _exit(NO_SUCH_PROGRAM);
}

static int show_in_pager(const Text *text, Error *reterr) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC) < 0)
                return error_set_errno(reterr, -errno, "Cannot run a pager");
        pid_t child = fork();
        if (child == 0)
                run_pager(fds[0]);
        (void) close(fds[0]); /* the child's end */
        if (child < 0) {
                int code = -errno;
                (void) close(fds[1]); /* nothing was written */
                return error_set_errno(reterr, code, "Cannot run a pager");
        }
        /* whoever leaves the pager before the end has seen enough, and ^C is the pager's, as git
         * has it */
        (void) signal(SIGPIPE, SIG_IGN);
        (void) signal(SIGINT, SIG_IGN);
        (void) write_all(fds[1], text->data, text->length);
        (void) close(fds[1]); /* tells the pager that this is all */
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                ;
        if (WIFEXITED(status) && WEXITSTATUS(status) == NO_SUCH_PROGRAM)
                (void) fwrite(text->data, 1, text->length, stdout); /* output_close() tells */
        return 0;
}

int output_show(const Output *output, const Text *text, Error *reterr) {
        if (text->error < 0)
                return error_oom(reterr);
        if (text->length == 0)
                return 0;
        const char *pager = getenv("SYSSWITCH_PAGER");
        if (!pager)
                pager = getenv("PAGER");
        bool none = pager && (!*pager || strcmp(pager, "cat") == 0);
        if (output->pager && !none && fflush(stdout) == 0)
                return show_in_pager(text, reterr);
        (void) fwrite(text->data, 1, text->length, stdout); /* output_close() tells */
        return 0;
}

int output_close(Error *reterr) {
        errno = 0;
        bool failed = fflush(stdout) != 0 || ferror(stdout);
        int code = -errno;
        /* a stream that was never open is no loss where nothing was to be written */
        if (fclose(stdout) != 0 && !(errno == EBADF && !failed)) {
                failed = true;
                code = code < 0 ? code : -errno;
        }
        if (!failed)
                return 0;
        if (code == 0) /* it was an earlier write that failed: why is not known any more */
                return error_set(reterr, -EIO,
                                "Not all of it could be written to standard output: is there "
                                "room?");
        return error_set_errno(reterr, code, "Cannot write to standard output");
}

void output_error(const Error *error) {
        (void) fprintf(stderr, "sysswitch: %s\n",
                        error->message); /* there is nowhere else to tell it */
}

static Strv held_warnings;
static bool holds_warnings;

void output_warning(const char *text) {
        if (holds_warnings && strv_add(&held_warnings, text) >= 0)
                return;
        (void) fprintf(stderr, "sysswitch: Warning: %s\n", text); /* as above */
}

void output_hold_warnings(void) {
        holds_warnings = true;
}

void output_release_warnings(bool print) {
        holds_warnings = false;
        for (size_t i = 0; print && i < held_warnings.n_items; i++)
                output_warning(held_warnings.items[i]);
        strv_done(&held_warnings);
}
