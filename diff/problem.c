/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/problem.h"

/* They are in docs/plan.schema.json. */
const char *problem_kind_to_string(ProblemKind kind) {
        static const char *const names[N_PROBLEM_KINDS] = {
                [PROBLEM_EDITED] = "edited",
                [PROBLEM_IN_THE_WAY] = "in-the-way",
                [PROBLEM_OWNER] = "owner",
                [PROBLEM_READ_ONLY] = "read-only",
                [PROBLEM_SPACE] = "space",
                [PROBLEM_MOUNT] = "mount",
                [PROBLEM_PROGRAM] = "program",
                [PROBLEM_KERNEL] = "kernel",
        };
        return names[kind];
}
