/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Require= of [Kernel]: what a kernel must have been built with, judged by its configuration. */

#include "base/arena.h"
#include "diff/profile_conf.h"

typedef struct KernelRequirement {
        const char *option;        /* without CONFIG_ */
        const char *const *values; /* any of them will do; "n": not set */
        size_t n_values;
} KernelRequirement;

/* X, X=y|m, !X, X=n, X=TEXT, X=0x10; X may begin with CONFIG_. *ret_fault, for people, stays NULL
 * for a good one. Returns 0 or -ENOMEM. */
int kernel_requirement_parse(Arena *arena,
                const char *word,
                KernelRequirement *ret_requirement,
                const char **ret_fault) must_check;

typedef struct KernelConfig {
        const char *kernel; /* for people: "the running kernel 6.1.0-50-amd64" */
        const char *path;   /* of the configuration; without one: where it was looked for */
        const char *text;   /* NULL: there is none */
} KernelConfig;

typedef struct KernelUnmet {
        const char *option;  /* "CONFIG_VETH"; or "Require", where there is no configuration */
        const char *message; /* for people: profile.conf:LINE:, what was found, what would do */
} KernelUnmet;

/* All that [Kernel] requires and the kernel does not have, in the arena: its own, and before them
 * what is required unasked. Without a configuration that is one, and only if anything is required.
 * Returns 0 or -ENOMEM. */
int kernel_require_check(const ProfileConf *conf,
                const KernelConfig *config,
                Arena *arena,
                KernelUnmet **ret_unmet,
                size_t *ret_n_unmet) must_check;
