/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What became of the units in a copy of this host. */

#include "activate/host_copy.h"
#include "base/arena.h"
#include "base/strv.h"
#include "diff/rehearsal.h"

#define COPY_LOOK_TARGET "default.target"

typedef struct CopyLookOptions {
        Arena *arena;      /* for what is found */
        const Strv *units; /* that shall be up: started where the boot did not */
        bool is_booted;    /* its start is over; else what is under way is told */
        uint64_t end_usec; /* CLOCK_MONOTONIC */
} CopyLookOptions;

typedef struct CopyLook {
        RehearsalTrouble *troubles;
        size_t n_troubles;
        size_t n_up; /* of the units */
        bool is_complete;
} CopyLook;

int copy_look(HostCopy *copy, const CopyLookOptions *options, CopyLook *ret_look, Error *reterr)
                must_check;
