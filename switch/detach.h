/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A switch runs as a service of its own, and whoever asked for it only watches: neither the end of
 * a terminal, nor of the session or the service that it was asked from, ends it half-way.
 *
 *   caller                                       engine, sysswitch-switch.service
 *   stream_create: what is asked for
 *   StartTransientUnit ------------------------> engine_begin: takes the stream over
 *   watch_stream <------- frames --------------- the verb, as it is run in the foreground
 *                <------- exit status ---------- engine_finish
 *                                  killed? ----> OnFailure=: sysswitch-recover.service
 *   aftermath_await: what it came to
 */

#include "base/strv.h"
#include "switch/options.h"
#include "switch/stream.h"

#define DETACH_SERVICE "sysswitch-switch.service"
#define RECOVER_SERVICE "sysswitch-recover.service"
/* Before the path of a stream: this process is the engine. */
#define DETACH_ENGINE_OPTION "--engine"

/* No exit status: what is asked for cannot be, or is not to be, a service here, and is run by the
 * caller itself. */
enum { DETACH_NOT_HERE = 256 };

typedef struct DetachRequest {
        const Options *options;
        const Command *command;
        const char *directory; /* before -C was taken; NULL: unknown */
        char **arguments;      /* of the whole command line, the program first; NULL at the end */
} DetachRequest;

/* Is it to be a service, if it can be one here? */
bool detach_is_wanted(const DetachRequest *request);
/* An exit status, DETACH_NOT_HERE, or a negative errno: nothing was begun. */
int detach_run(const DetachRequest *request, Error *reterr) must_check;

/* "sysswitch log --follow": shows the switch that is under way, to its end. */
int detach_follow(const Options *options, Error *reterr) must_check;

typedef struct DetachedEngine {
        Stream *stream; /* NULL: this is none */
        Strv arguments; /* the caller's */
        char *invoker;
} DetachedEngine;

/* Takes over the stream at path, the caller's environment and directory; standard output and error
 * go into the stream from now on. */
int engine_begin(const char *path, DetachedEngine *ret_engine, Error *reterr) must_check;
/* Standard output is closed already. Nothing may be told after it. */
void engine_finish(DetachedEngine *engine, int exit_status);
