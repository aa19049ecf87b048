/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The programs that units run, as far as their texts tell: for who looks whether they are there. */

#include "diff/comparison.h"

/* Those of the plan's changed units: by absolute paths that a plain look can find. Not
 * those that may be missing ("-"), that a specifier or variable is part of, that lie where files
 * are made at run time, below a mount of the same tree, or in another root directory of the unit's.
 * In the arena. Returns 0 or -ENOMEM. */
int program_find(const Comparison *comparison,
                Arena *arena,
                const UnitPlan *plan,
                UnitProgram **ret_programs,
                size_t *ret_n_programs) must_check;

typedef enum ProgramPlace {
        PROGRAM_COMES,     /* the tree has it, and it may be executed */
        PROGRAM_LEAVES,    /* the tree has nothing there any more */
        PROGRAM_IS_PLAIN,  /* what the tree has there may not be executed */
        PROGRAM_ELSEWHERE, /* the trees know nothing of it: look at ret_path, where their links lead
                            */
} ProgramPlace;

/* What the trees tell of a program at an absolute path. Returns a ProgramPlace, or -ENOMEM. */
int program_place(const Tree *before,
                const Tree *after,
                Arena *arena,
                const char *path,
                const char **ret_path) must_check;
