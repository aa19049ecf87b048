/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a profile asks of the kernels of a host. */

#include "activate/kernel.h"
#include "switch/host.h"
#include "switch/reference.h"

/* profile.conf of a tree; NULL: it has no [Kernel]. In the arena. */
int kernels_conf_of(const Host *host,
                const Tree *tree,
                Arena *arena,
                const ProfileConf **ret_conf,
                Error *reterr) must_check;

/* What of a profile only the next boot will bring. */
typedef struct KernelPending {
        char *version;   /* of the kernel that it is to run on; NULL: it does, or any will do */
        bool is_missing; /* no such kernel is installed */
        Strv words;      /* that the running kernel's command line lacks */
        Strv modules; /* that are loaded since a generation named them, and that the active one does
                         not */
        Strv replaced; /* that are loaded, and whose file is another one by now */
} KernelPending;

/* tree: of the active generation. Of an image nothing is known. */
int kernels_find_pending(
                Host *host, const Tree *tree, KernelPending *ret_pending, Error *reterr) must_check;
void kernel_pending_done(KernelPending *pending);
static inline void kernel_pending_donep(KernelPending *pending) {
        kernel_pending_done(pending);
}

/* What is wrong with the Version= of a profile: no such kernel is installed. *ret_message: NULL:
 * nothing; in the arena. */
int kernels_find_missing(const Host *host,
                const ProfileConf *conf,
                Arena *arena,
                const char **ret_message,
                Error *reterr) must_check;

/* Which of its requirements the kernel that runs, unless the profile is for the next boot alone,
 * and the one that boots next do not meet. That a configuration is missing is a warning instead
 * where the profile says so. In the arena. */
int kernels_find_unmet(const Host *host,
                const ReferenceTree *target,
                const ProfileConf *conf,
                bool only_next,
                Arena *arena,
                KernelUnmet **ret_unmet,
                size_t *ret_n_unmet,
                Error *reterr) must_check;
