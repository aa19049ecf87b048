/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands in the way of modules and firmware that a profile brings, besides files, and what is
 * to be known of them. */

#include "switch/prepare.h"

/* What is wrong with an entry of ExtraModules=, for people, in the arena; NULL: nothing. Of others
 * as well. */
int module_needs_fault(Contents *contents,
                const Entry *entry,
                Arena *arena,
                const char **ret_fault,
                Error *reterr) must_check;

/* The same of all that the switch brings, what makes their index, and where they go. In the
 * arena of prepared. A kernel that is not installed becomes a note of the plan. */
int module_needs_find(const Host *host,
                Prepared *prepared,
                bool is_rollback,
                Problem **ret_problems,
                size_t *ret_n_problems,
                Error *reterr) must_check;

/* Prints that what Modules= of conf (NULL: there is no [Kernel]) names will not be loaded, as what
 * does that is masked. Once: when they change. */
int module_needs_warn(
                Host *host, Prepared *prepared, const ProfileConf *conf, Error *reterr) must_check;
