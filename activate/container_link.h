/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The systemd inside a running container, over its private socket, which is reached through its
 * namespaces: it needs neither a bus inside nor machined. What is inside is not trusted: each call
 * has its deadline, as with a user's manager. */

#include "activate/systemd.h"

#include <sys/types.h>

/* -ENOENT: it does not run. */
int container_leader(const char *name, pid_t *ret_leader, Error *reterr) must_check;
/* Before a start: a registration that an nspawn left behind which was killed, and which would keep
 * this one from coming up, is taken away. That it cannot be is not told: nspawn does. */
void container_forget_dead(const char *name);
int container_connect(
                const char *name, pid_t leader, Systemd **ret_systemd, Error *reterr) must_check;

enum { CONTAINER_MAX_ARGUMENTS = 63 };

typedef struct ContainerProgram {
        const char *unit;             /* that it is run as */
        const char *const *arguments; /* at most CONTAINER_MAX_ARGUMENTS, the program first; NULL at
                                         the end */
        uint64_t timeout_usec; /* a little later it is ended also when nobody is left to do that */
        bool leaves_no_log;
        size_t output_max_bytes; /* of it, what is beyond fails; 0: its output is the container's */
        bool (*should_stop)(void); /* NULL, or asked between events: -EINTR then */
} ContainerProgram;

/* For what is left of an earlier run, and then of this one; beside timeout_usec. */
enum { CONTAINER_STOP_USEC = 5 * 1000000 };

/* Has it run once, to its end, and nothing of it stay. ret_output: from malloc(), NULL where it is
 * the container's; set when the program failed, too. -ECHILD: it failed. */
int container_run(Systemd *systemd,
                const ContainerProgram *program,
                char **ret_output,
                Error *reterr) must_check;

typedef struct ContainerLogQuery {
        const char *unit;          /* NULL: of all */
        const char *invocation_id; /* "": of all its runs */
        size_t n_lines;
        uint64_t timeout_usec;
} ContainerLogQuery;

/* Until what was written so far is in its journal. */
int container_sync_log(Systemd *systemd, uint64_t timeout_usec, Error *reterr) must_check;
/* The last lines of its own journal, as it tells them: any bytes, to be quoted where they are
 * shown. */
int container_log(Systemd *systemd, const ContainerLogQuery *query, char **ret_text, Error *reterr)
                must_check;
