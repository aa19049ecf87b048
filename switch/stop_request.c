/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/stop_request.h"

#include <errno.h>
#include <signal.h>

static volatile sig_atomic_t is_made;

static void on_signal(int signal) {
        (void) signal; /* each of them means the same */
        is_made = 1;
}

void stop_request_listen(void) {
        /* A wait ends by the signal all the same: poll() and epoll_wait() are never restarted. */
        const struct sigaction request = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
        const struct sigaction ignore = { .sa_handler = SIG_IGN };
        struct sigaction before = { 0 };
        (void) sigaction(SIGINT, &request, &before); /* none of these can fail */
        if (before.sa_handler == SIG_IGN)            /* a shell's background job */
                (void) sigaction(SIGINT, &ignore, NULL);
        (void) sigaction(SIGTERM, &request, NULL);
        (void) sigaction(SIGHUP, &ignore, NULL);
}

bool stop_request_is_made(void) {
        return is_made != 0;
}

int stop_request_check(Error *reterr) {
        return stop_request_is_made() ? error_set(reterr, -EINTR, "It was asked to stop") : 0;
}
