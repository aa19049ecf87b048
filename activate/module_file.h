/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A module's file, before it is where a kernel would look for it. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/content.h"

/* The kernel that it was built for, as uname -r has it there; in the arena. content: with its data,
 * compressed or not. *ret_release stays NULL for what is no module, or of a compression that
 * libkmod does not know here. */
int module_file_release(const Content *content,
                Arena *arena,
                const char **ret_release,
                Error *reterr) must_check;
