/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The kernels of a host: the one that runs, the ones that are installed, what they were built with.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/kernel.h"
#include "diff/kernel_require.h"

/* What runs; in the arena. The command line stays NULL without /proc. */
int kernel_running(Arena *arena, RunningKernel *ret_running, Error *reterr) must_check;

/* Is there an image of the kernel? */
bool kernel_is_installed(int root_fd, const char *version);

/* The versions of all that are installed, with modules; sorted. */
int kernel_list(int root_fd, Strv *ret_versions, Error *reterr) must_check;

/* Which of the installed kernels a boot will take, as far as files can tell: the one that /vmlinuz
 * or /boot/vmlinuz leads to, else the newest. *ret_version stays NULL where none is installed. */
int kernel_next_version(
                int root_fd, Arena *arena, const char **ret_version, Error *reterr) must_check;

/* The configuration of a kernel by its version: of the running one /proc/config.gz, else the
 * distribution's files. Sets text to NULL and path to where it was looked for when there is none.
 * All of it in the arena. */
int kernel_config_read(int root_fd,
                const char *version,
                bool is_running,
                Arena *arena,
                KernelConfig *ret_config,
                Error *reterr) must_check;

/* The note with the id of its build that a loaded module has; NULL: it has none. In the arena. */
int kernel_module_note(const char *name,
                Arena *arena,
                const void **ret_note,
                size_t *ret_size_bytes,
                Error *reterr) must_check;

/* /proc/modules, NULL for a kernel that has none: all is built in; in the arena. */
int kernel_loaded_modules(Arena *arena, const char **ret_text, Error *reterr) must_check;
